"""What would stop a night only in the morning is said before it begins, in one sentence."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nightmend import preflight as looked_at
from nightmend.errors import PrerequisiteError, UsageError
from nightmend.git.target import Target
from nightmend.preflight import preflight
from tests.flows.driving import git, shop


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shop(tmp_path_factory.mktemp("preflight") / "shop")


@pytest.fixture
def look(root: Path, tmp_path: Path) -> Callable[..., None]:
    def looked(**options: Any) -> None:
        home = options.pop("home", tmp_path / "home")
        preflight(Target.open(root), home, options.pop("report", None), **options)

    return looked


@pytest.mark.parametrize("report", [None, "new/folders", ".", "{root}/reports", "{root}/a/b"])
def test_what_can_be_written_passes_and_nothing_is_made(look, root, tmp_path, monkeypatch, report):
    monkeypatch.chdir(tmp_path)
    look(report=report and report.format(root=root))
    assert list(tmp_path.iterdir()) == []
    assert sorted(place.name for place in root.iterdir()) == [".git", "shop.py", "tests"]


@pytest.mark.parametrize("place", ["{root}", "{root}/state", "{root}/.git/nightmend", "{link}/state"])
def test_a_state_folder_in_the_repository_is_refused(look, root, tmp_path, place):
    link = tmp_path / "link"
    link.symlink_to(root)
    with pytest.raises(UsageError, match="set NIGHTMEND_HOME to a folder outside"):
        look(home=Path(place.format(root=root, link=link)))


def test_a_repository_below_the_state_folder_is_none_of_its_business(look, root):
    look(home=root.parent)


def test_a_full_disk_is_named_with_what_is_needed(look, monkeypatch):
    monkeypatch.setattr(looked_at, "LEAST_FREE", 2**60)
    with pytest.raises(PrerequisiteError, match=r"MB of space left and a night needs .* NIGHTMEND_HOME"):
        look()


@pytest.mark.parametrize(
    ("report", "says"),
    [
        ("{tmp}/file", r"no report can be written to .*/file \(File exists\): name a folder of yours"),
        ("{tmp}/file/below", r"no report can be written to .*/file/below \(Not a directory\): .*"),
        ("/proc/nightmend/a", r"no report can be written to /proc/nightmend/a \(.*\): .*"),
        ("{root}", "holds files of the repository"),
        ("{root}/tests", "holds files of the repository"),
        ("{root}/.git/report", "holds files of the repository"),
    ],
)
def test_a_report_that_could_not_be_written_is_refused(look, root, tmp_path, report, says):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=says) as refusal:
        look(report=report.format(tmp=tmp_path, root=root))
    assert "\n" not in str(refusal.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write everywhere")
def test_a_folder_that_is_closed_is_refused(look, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    with pytest.raises(UsageError, match="Permission denied"):
        look(report=tmp_path / "closed" / "report")


@pytest.mark.parametrize("packed", [False, True])
def test_a_branch_that_stands_in_the_way_of_ours_is_named(look, root, packed):
    git(root, "branch", "nightmend")
    try:
        git(root, *(["pack-refs", "--all"] if packed else ["status"]))
        with pytest.raises(UsageError, match=r"has a branch `nightmend`, .*: rename it"):
            look()
        look(publishes=False)
    finally:
        git(root, "branch", "-D", "nightmend")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can leave files in the repository of another")
@pytest.mark.parametrize(
    ("owner", "mode", "passes"), [(0, 0o755, False), (0, 0o777, True), (1234, 0o755, True)]
)
def test_what_root_left_in_anothers_repository_is_found(tmp_path, owner, mode, passes):
    root = shop(tmp_path / "shop")
    for place in (root, *root.rglob("*")):
        os.lchown(place, 1234, 1234)
    place = next((root / ".git/objects").glob("??"))
    os.chown(place, owner, owner)
    place.chmod(mode)
    if passes:
        preflight(Target.open(root), tmp_path / "home")
        return
    with pytest.raises(UsageError, match=r"objects/[0-9a-f]{2} cannot be written"):
        preflight(Target.open(root), tmp_path / "home")


@pytest.mark.parametrize("place", ["objects", "refs/heads"])
def test_a_repository_that_its_owner_cannot_write_is_refused(tmp_path, place):
    root = shop(tmp_path / "shop")
    folder = root / ".git" / place
    folder.chmod(0o500)
    if os.geteuid() == 0:  # whom nothing stops, but who publishes as the owner
        for each in (root / ".git").rglob("*"):
            os.chown(each, 1234, 1234)
        os.chown(root / ".git", 1234, 1234)
    try:
        target = Target.open(root)
        with pytest.raises(UsageError, match=f"no branch can be given to .*/{place} cannot be written"):
            preflight(target, tmp_path / "home")
        preflight(target, tmp_path / "home", publishes=False)
    finally:
        folder.chmod(0o700)
