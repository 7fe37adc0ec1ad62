"""All that is kept of a target goes with one command, and nothing of anybody else."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from nightmend.agents import PHASES
from nightmend.environments.environment import Environment
from nightmend.environments.provide import environments_folder
from nightmend.environments.uses import note_use
from nightmend.errors import PrerequisiteError, UsageError
from nightmend.ledger.ledger import Ledger
from nightmend.nights import night_key
from nightmend.recovery.lock import alone
from nightmend.recovery.purging import purge
from nightmend.recovery.removing import remove
from nightmend.recovery.results import ResultFolders
from nightmend.recovery.rollback import SystemRollbackManager
from nightmend.sandboxes.claims import claim
from nightmend.settings import SandboxSettings
from nightmend.workspace import Workspace

pytestmark = pytest.mark.integration

STAYS = {"readers", *(f"generations/{phase}" for phase in PHASES)}


@pytest.fixture
def lived_in(workspace_of, tmp_path):
    """Two targets on one state folder, each with all that a night leaves; an environment is of both."""
    results = tmp_path / "prefect-storage"
    results.mkdir()
    workspaces = [workspace_of({"a.py": f"a = {number}\n"}) for number in range(2)]
    own = SandboxSettings(base_directory=tmp_path / "boxes")
    for number, workspace in enumerate(workspaces):
        kept(Workspace(workspace.night.model_copy(update={"sandbox": own})), results, str(number))
    return workspaces


def kept(workspace: Workspace, results: Path, own: str) -> None:
    """Leave something of each kind in the state folder."""
    night = workspace.night
    workspace.checkout(night.base)
    workspace.store.put(own.encode())
    Ledger.open(workspace.folder)
    SystemRollbackManager(night).create_system_checkpoint("now")
    page = workspace.folder / "reports" / night.run / "report.html"
    page.parent.mkdir(parents=True)
    page.write_text("x" * 100_000)
    ResultFolders(workspace.folder).note(results)
    for step in ("repairs", "code_quality"):
        (results / night_key(night, step)).write_text("{}")
    for name in (own * 24, "f" * 24):
        place = environments_folder(workspace.home) / name / "env"
        place.mkdir(parents=True, exist_ok=True)
        (place / "pyvenv.cfg").write_text("home = /usr")
        place.parent.with_suffix(".json").write_text("{}")
        note_use(workspace.folder, Environment(prefix=str(place)))


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_nothing_of_a_target_stays_but_that_its_results_are_void(lived_in, tmp_path):
    first, second = lived_in
    before, key = digests(second.folder), night_key(first.night, "repairs")
    foreign = tmp_path / "prefect-storage" / "another"
    foreign.write_text("of somebody else")
    removed = {one.what: one for one in purge(first.home, first.target.path)}
    assert set(removed) == {
        "checked-out files", "checkpoints", "environments", "ledger", "objects", "records", "reports",
        "results",
    }  # fmt: skip
    assert removed["results"].files == 2
    assert removed["reports"].size >= 100_000
    assert set(digests(first.folder)) == STAYS
    assert night_key(first.night, "repairs") != key, "a result that lies elsewhere is not taken for done work"
    assert digests(second.folder) == before
    left = sorted(path.name.rpartition("-")[0] for path in foreign.parent.iterdir())
    assert left == ["", *(f"nightmend-{step}-{second.folder.name}" for step in ("code_quality", "repairs"))]


def test_what_dead_nights_left_of_their_sandboxes_goes_and_what_lives_stays(lived_in, tmp_path):
    base = tmp_path / "boxes" / str(os.getuid())
    dead, alive = base / "dead-00000000", base / "alive-11111111"
    for place in (dead, alive):
        place.mkdir(parents=True)
        (place / "file").write_text("x" * 10_000)
    os.close(claim(dead))
    descriptor = claim(alive)
    try:
        removed = {one.what: one.files for one in purge(lived_in[0].home, lived_in[0].target.path)}
        assert removed["sandboxes"] == 2
        assert list(base.iterdir()) == [alive]
    finally:
        os.close(descriptor)


def test_an_environment_goes_with_the_last_target_that_uses_it(lived_in):
    first, second = lived_in
    places = environments_folder(first.home)
    purge(first.home, first.target.path)
    assert {place.name for place in places.iterdir() if place.is_dir()} == {"1" * 24, "f" * 24}
    purge(second.home, second.target.path)
    assert [place.name for place in places.iterdir() if not place.name.endswith(".lock")] == []


def test_a_night_after_it_begins_from_nothing(lived_in):
    first, _ = lived_in
    purge(first.home, first.target.path)
    again = Workspace(first.night)
    assert (again.checkout(first.night.base) / "a.py").read_text() == "a = 0\n"
    del again
    assert SystemRollbackManager(first.night).create_system_checkpoint("now").name == "now"
    assert purge(first.home, first.target.path)
    assert purge(first.home, first.target.path) == ()


def test_while_somebody_works_nothing_is_touched(lived_in):
    first, second = lived_in
    before = digests(first.home)
    with alone(first.home, first.target, "night") as note_run:
        note_run("20261127-020000")
        for path in (first.target.path, None):
            with pytest.raises(PrerequisiteError, match="worked on: night 20261127-020000") as refused:
                purge(first.home, path)
            assert refused.value.exit_code == 3
        left = digests(first.home)
        assert {name for name in before if not name.startswith("locks/")} <= left.keys()
        assert all(left[name] == before[name] for name in before if not name.startswith("locks/"))
        assert purge(second.home, second.target.path)


def test_while_a_diagnosis_reads_nothing_is_touched(lived_in):
    first, _ = lived_in
    reader = Workspace(first.night)
    reader.checkout(first.night.base)
    before = digests(first.folder)
    for path in (first.target.path, None):
        with pytest.raises(PrerequisiteError, match="wait for its end"):
            purge(first.home, path)
    assert digests(first.folder) == before
    assert (reader.checkout(first.night.base) / "a.py").exists()


def test_a_repository_that_is_gone_can_be_forgotten(lived_in):
    first, second = lived_in
    shutil.rmtree(first.target.path)
    with alone(second.home, second.target, "night"), pytest.raises(PrerequisiteError, match="worked on"):
        purge(first.home, first.target.path)
    assert purge(first.home, first.target.path)
    with pytest.raises(UsageError, match="does not exist"):
        purge(first.home, Path("/never/was"))


def test_without_a_path_everything_goes(lived_in):
    first, second = lived_in
    for name in ("results", "prefect", "dask"):
        (first.home / name).mkdir()
        (first.home / name / "file").write_text("x")
    (first.home / "advisories").mkdir()
    (first.home / "advisories" / "PyPI.json").write_text("{}")
    removed = {one.what: one.files for one in purge(first.home)}
    assert removed["results"] == 5, "two of each target, and one of our own folder"
    assert removed["environments"] >= 2 * 3, "record and file of each"
    assert {path.name for path in first.home.iterdir()} <= {"targets", "locks", "advisories"}
    assert (first.home / "advisories" / "PyPI.json").exists()
    for one in (first, second):
        assert set(digests(one.folder)) == STAYS


def test_a_state_folder_with_other_peoples_files_is_not_emptied(lived_in):
    first, _ = lived_in
    (first.home / "diary.txt").write_text("dear diary")
    before = digests(first.home)
    with pytest.raises(UsageError, match=r"diary\.txt.*purge each repository by its path"):
        purge(first.home)
    assert digests(first.home) == before


def test_what_a_killed_purge_left_is_removed_by_the_next(lived_in, monkeypatch):
    first, _ = lived_in
    monkeypatch.setattr("nightmend.recovery.removing.remove_tree", killed)
    with pytest.raises(KeyboardInterrupt):
        purge(first.home, first.target.path)
    monkeypatch.undo()
    assert list(first.home.rglob(".going-*"))
    assert purge(first.home, first.target.path)
    assert list(first.home.rglob(".going-*")) == []
    assert set(digests(first.folder)) == STAYS


def killed(_: Path) -> None:
    raise KeyboardInterrupt


def test_links_are_removed_and_not_followed(tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("x")
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "link").symlink_to(tmp_path / "precious")
    remove("records", tmp_path / "state" / "link")
    assert list((tmp_path / "state").iterdir()) == []
    assert (tmp_path / "precious" / "file").read_text() == "x"
