import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nightmend.errors import NightmendError, UsageError
from nightmend.git.store import Store
from nightmend.git.target import Target, read_settings

Create = Callable[[Path], Any]


def test_a_target_knows_itself(repository: Any) -> None:
    target = Target.open(repository.path)
    assert target.path == repository.path
    assert target.git_dir == target.common_dir == repository.path / ".git"
    assert target.head() == repository.git("rev-parse", "HEAD")
    assert target.branch() == "refs/heads/main"
    assert target.owner == (os.geteuid(), os.stat(repository.path).st_gid)
    assert target.clean()


def test_a_path_may_go_through_links_and_dots(repository: Any, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(repository.path)
    assert Target.open(tmp_path / "link/../link/.").path == repository.path


def test_a_detached_head_is_on_no_branch(repository: Any) -> None:
    repository.git("checkout", "--quiet", "--detach")
    assert Target.open(repository.path).branch() is None


def test_a_head_that_is_a_link_is_read_like_any(repository: Any) -> None:
    head = repository.path / ".git/HEAD"
    head.unlink()
    head.symlink_to("refs/heads/main")
    target = Target.open(repository.path)
    assert (target.branch(), target.head()) == ("refs/heads/main", repository.git("rev-parse", "main"))


def test_a_linked_worktree_shares_objects_and_has_its_own_branch(repository: Any, tmp_path: Path) -> None:
    repository.git("worktree", "add", "--quiet", "-b", "other", str(tmp_path / "linked"))
    target = Target.open(tmp_path / "linked")
    assert target.common_dir == repository.path / ".git"
    assert target.git_dir == repository.path / ".git/worktrees/linked"
    assert target.branch() == "refs/heads/other"
    assert target.clean()


def test_a_worktree_of_a_bare_repository_is_a_target(repository: Any, tmp_path: Path) -> None:
    repository.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare"))
    type(repository)(tmp_path / "bare").git("worktree", "add", "--quiet", str(tmp_path / "linked"), "main")
    assert Target.open(tmp_path / "linked").branch() == "refs/heads/main"


def test_a_submodule_is_a_target(repository: Any, create: Create, tmp_path: Path) -> None:
    outer = create(tmp_path / "outer")
    outer.git("submodule", "--quiet", "add", str(repository.path), "inner")
    target = Target.open(outer.path / "inner")
    assert target.head() == repository.git("rev-parse", "HEAD")
    assert target.git_dir == outer.path / ".git/modules/inner"


def _missing(repository: Any, tmp_path: Path) -> Path:
    return tmp_path / "nowhere"


def _file(repository: Any, tmp_path: Path) -> Path:
    return repository.path / "README.md"


def _plain_folder(repository: Any, tmp_path: Path) -> Path:
    (tmp_path / "plain").mkdir()
    return tmp_path / "plain"


def _inside(repository: Any, tmp_path: Path) -> Path:
    return repository.path / "package"


def _git_folder(repository: Any, tmp_path: Path) -> Path:
    return repository.path / ".git"


def _bare(repository: Any, tmp_path: Path) -> Path:
    repository.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare"))
    return tmp_path / "bare"


def _configured_bare(repository: Any, tmp_path: Path) -> Path:
    repository.git("config", "core.bare", "yes")
    return repository.path


def _empty(repository: Any, tmp_path: Path) -> Path:
    repository.git("init", "--quiet", str(tmp_path / "empty"))
    return tmp_path / "empty"


def _sha256(repository: Any, tmp_path: Path) -> Path:
    repository.git("init", "--quiet", "--object-format=sha256", str(tmp_path / "sha256"))
    return tmp_path / "sha256"


def _reftable(repository: Any, tmp_path: Path) -> Path:
    repository.git("config", "extensions.refStorage", "reftable")
    return repository.path


def _lost_worktree(repository: Any, tmp_path: Path) -> Path:
    repository.git("worktree", "add", "--quiet", str(tmp_path / "linked"))
    shutil.rmtree(repository.path / ".git/worktrees")
    return tmp_path / "linked"


def _nonsense(repository: Any, tmp_path: Path) -> Path:
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd/.git").write_bytes(b"\xff\xfe\0nonsense")
    return tmp_path / "odd"


def _damaged(repository: Any, tmp_path: Path) -> Path:
    commit = repository.git("rev-parse", "HEAD")
    (repository.path / ".git/objects" / commit[:2] / commit[2:]).unlink()
    return repository.path


def _broken_settings(repository: Any, tmp_path: Path) -> Path:
    (repository.path / ".git/config").write_text("[core\nnonsense")
    return repository.path


def _no_head(repository: Any, tmp_path: Path) -> Path:
    (repository.path / ".git/HEAD").unlink()
    return repository.path


def _long_name(repository: Any, tmp_path: Path) -> Path:
    return tmp_path / ("x" * 300)


@pytest.mark.parametrize(
    ("arrange", "sentence"),
    [
        (_missing, r".*/nowhere does not exist: give the root folder of a git repository"),
        (_file, r".*/README.md is a file: give the root folder of a git repository"),
        (_plain_folder, r".*/plain is not a git repository: .*"),
        (_inside, r".*/package is a folder inside a repository: give its root, .*/repository"),
        (_git_folder, r".*/.git is the git directory of a repository: give its root, .*/repository"),
        (_bare, r".*/bare is a bare repository: give a clone that has a working tree"),
        (_configured_bare, r".*/repository is configured as a bare repository: give a clone .*"),
        (_empty, r".*/empty has no commits yet: commit once, so that there is a state to recover"),
        (_sha256, r".*/sha256 names its objects by sha256, which is not supported: .*"),
        (_reftable, r".*/repository keeps its refs as reftable: run `git refs migrate .*"),
        (_lost_worktree, r".*/linked/.git points to no git directory: .*"),
        (_nonsense, r".*/odd/.git points to no git directory: .*"),
        (_damaged, r".*/repository is damaged: git rev-parse failed in .*"),
        (_broken_settings, r".*/repository is damaged: git config failed in .*: .* line 1 .*"),
        (_no_head, r".*/.git/HEAD cannot be read: No such file or directory"),
        (_long_name, r".*x cannot be read: File name too long"),
    ],
)
def test_what_cannot_be_recovered_is_refused_in_one_sentence(
    arrange: Callable[[Any, Path], Path], sentence: str, repository: Any, tmp_path: Path
) -> None:
    path = arrange(repository, tmp_path)
    with pytest.raises(UsageError) as refusal:
        Target.open(path)
    assert re.fullmatch(sentence, str(refusal.value)), str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root can read everything")
@pytest.mark.parametrize("closed", [".", ".git", ".git/objects", ".git/HEAD", ".git/refs"])
def test_an_unreadable_repository_is_refused_in_one_sentence(closed: str, repository: Any) -> None:
    place = repository.path / closed
    mode = place.stat().st_mode
    place.chmod(0)
    try:
        with pytest.raises(UsageError, match="cannot be read"):
            Target.open(repository.path)
    finally:
        place.chmod(mode)


def test_a_partial_clone_that_lacks_contents_is_refused_when_listed(repository: Any, tmp_path: Path) -> None:
    blob = repository.git("rev-parse", "HEAD:README.md")
    (repository.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    target = Target.open(repository.path)
    store = Store(tmp_path / "store.git", target)
    with pytest.raises(NightmendError, match=r"README\.md is not in this partial clone"):
        store.files(store.snapshot(target.head()))


def _modified(repository: Any) -> None:
    repository.write({"README.md": b"# Reed\n"})


def _staged(repository: Any) -> None:
    repository.write({"README.md": b"# Reed\n"})
    repository.git("add", "README.md")
    repository.write({"README.md": b"# Read\n"})


def _added(repository: Any) -> None:
    repository.write({"new.py": b"new\n"})
    repository.git("add", "--intent-to-add", "new.py")


def _deleted(repository: Any) -> None:
    (repository.path / "README.md").unlink()


def _executable(repository: Any) -> None:
    (repository.path / "README.md").chmod(0o755)


def _no_index(repository: Any) -> None:
    (repository.path / ".git/index").unlink()


@pytest.mark.parametrize("change", [_modified, _staged, _added, _deleted, _executable, _no_index])
def test_a_changed_tree_is_not_clean(change: Callable[[Any], None], repository: Any, target: Target) -> None:
    change(repository)
    assert not target.clean()


def _nothing(repository: Any) -> None:
    pass


def _untracked(repository: Any) -> None:
    repository.write({"new.py": b"new\n"})


def _touched(repository: Any) -> None:
    os.utime(repository.path / "README.md", (1, 1))


def _mode_ignored(repository: Any) -> None:
    repository.git("config", "core.fileMode", "false")
    (repository.path / "README.md").chmod(0o755)


@pytest.mark.parametrize("change", [_nothing, _untracked, _touched, _mode_ignored])
def test_what_was_not_edited_is_clean(change: Callable[[Any], None], repository: Any) -> None:
    change(repository)
    assert Target.open(repository.path).clean()


def test_an_edit_of_the_same_size_and_time_is_seen_as_git_sees_it(repository: Any) -> None:
    """The index is as old as the file: git then compares contents, and a younger copy must not hide that."""
    file, index = repository.path / "README.md", repository.path / ".git/index"
    repository.git("config", "core.trustCtime", "false")
    os.utime(file, (1_000_000_000, 1_000_000_000))
    repository.git("update-index", "--refresh")
    file.write_bytes(b"# Reed\n")
    for place in (file, index):
        os.utime(place, (1_000_000_000, 1_000_000_000))
    assert not Target.open(repository.path).clean()


def test_settings_are_read_as_data_without_includes(tmp_path: Path) -> None:
    (tmp_path / "more").write_text("[core]\n\tbare = true\n")
    (tmp_path / "config").write_text(
        "[core]\n\tfileMode\n\tEOL = a\n\teol = lf\n"
        f'[include]\n\tpath = {tmp_path}/more\n[x "Y.z"]\n\tk = "a\\nb"\n'
    )
    settings = read_settings(tmp_path / "config")
    assert settings.pop("include.path") == f"{tmp_path}/more"
    assert settings == {"core.filemode": "true", "core.eol": "lf", "x.Y.z.k": "a\nb"}
    assert read_settings(tmp_path / "none") == {}
