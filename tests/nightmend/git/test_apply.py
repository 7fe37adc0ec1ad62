"""`--apply`: a clean tree is moved to the result as a whole; any other is left as it was."""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nightmend.errors import UsageError
from nightmend.git.runner import GitError
from nightmend.git.store import Store
from nightmend.git.target import Target

CHANGES = {"package/one.py": b"one = 3\n", "run.sh": b"#!/bin/bash\n", "new/deep/three.py": b"three\n"}


@pytest.fixture
def result(store: Store, target: Target) -> str:
    return result_of(store, target, CHANGES)


def result_of(store: Store, target: Target, changes: dict[str, bytes]) -> str:
    head = target.head()
    return store.commit(store.write(store.snapshot(head), changes), head, "Mend")


def test_branch_index_and_files_move_together(
    repository: Any, store: Store, target: Target, result: str
) -> None:
    (repository.path / "package/one.py").chmod(0o600)
    repository.write({"untracked.txt": b"mine"})
    store.fast_forward(target, result)
    assert repository.git("rev-parse", "refs/heads/main") == result
    assert {path: (repository.path / path).read_bytes() for path in CHANGES} == CHANGES
    assert repository.git("diff-index", "--name-only", "HEAD") == ""  # index and files, by their times alone
    assert repository.git("status", "--porcelain") == "?? untracked.txt"
    assert repository.git("reflog", "-1", "--format=%gs") == "nightmend: fast-forward"
    assert repository.git("rev-parse", "HEAD@{1}") == repository.git("rev-parse", "HEAD~1")
    assert not (repository.path / ".git/index.lock").exists()


def test_modes_of_files_stay_as_the_user_set_them(
    repository: Any, store: Store, target: Target, result: str
) -> None:
    (repository.path / "package/one.py").chmod(0o640)
    (repository.path / "run.sh").chmod(0o700)
    store.fast_forward(target, result)
    modes = {path: stat.S_IMODE((repository.path / path).stat().st_mode) for path in CHANGES}
    assert modes == {"package/one.py": 0o640, "run.sh": 0o700, "new/deep/three.py": 0o644}


def test_it_may_be_published_before_and_applied_twice(
    repository: Any, store: Store, target: Target, result: str
) -> None:
    store.publish(target, "nightmend/x", result)
    store.fast_forward(target, result)
    store.fast_forward(target, result)
    assert repository.git("rev-parse", "HEAD") == repository.git("rev-parse", "nightmend/x") == result


def test_nothing_of_the_target_runs(repository: Any, store: Store, tmp_path: Path, set_traps: Any) -> None:
    set_traps(repository, tmp_path / "marks")
    target = Target.open(repository.path)
    store.fast_forward(target, result_of(store, target, CHANGES))
    assert list((tmp_path / "marks").iterdir()) == []
    assert repository.git("log", "-1", "--format=%s") == "Mend"


def test_a_linked_worktree_moves_alone(repository: Any, store: Store, tmp_path: Path) -> None:
    repository.git("worktree", "add", "--quiet", "-b", "other", str(tmp_path / "linked"))
    target = Target.open(tmp_path / "linked")
    store.fast_forward(target, result_of(store, target, CHANGES))
    linked = type(repository)(tmp_path / "linked")
    assert linked.git("status", "--porcelain") == repository.git("status", "--porcelain") == ""
    assert linked.git("reflog", "-1", "--format=%gs", "HEAD") == "nightmend: fast-forward"
    assert (repository.path / "package/one.py").read_bytes() == b"one = 1\n"


def test_a_split_index_stays_usable(repository: Any, store: Store, target: Target, result: str) -> None:
    repository.git("update-index", "--split-index")
    store.fast_forward(target, result)
    assert repository.git("status", "--porcelain") == ""


def test_flags_of_other_files_in_the_index_stay(
    repository: Any, store: Store, target: Target, result: str
) -> None:
    repository.git("update-index", "--assume-unchanged", "README.md")
    store.fast_forward(target, result)
    assert "h README.md" in repository.git("ls-files", "-v").splitlines()


def test_line_ends_and_encodings_are_as_a_checkout_has_them(repository: Any, tmp_path: Path) -> None:
    repository.write({".gitattributes": b"*.bat text eol=crlf\n*.u16 text working-tree-encoding=UTF-16LE\n"})
    repository.commit({"a.bat": b"a\r\n", "a.u16": "h\u00e9\n".encode("utf-16-le")})
    target = Target.open(repository.path)
    store = Store(tmp_path / "other.git", target)
    store.fast_forward(target, result_of(store, target, {"a.bat": b"b\n", "a.u16": "j\u00e9\n".encode()}))
    assert (repository.path / "a.bat").read_bytes() == b"b\r\n"
    assert (repository.path / "a.u16").read_bytes() == "j\u00e9\n".encode("utf-16-le")
    os.utime(repository.path / "a.bat")
    os.utime(repository.path / "a.u16")
    assert repository.git("status", "--porcelain") == ""


def _modified(repository: Any) -> None:
    repository.write({"README.md": b"# Reed\n"})


def _staged(repository: Any) -> None:
    repository.write({"README.md": b"# Reed\n"})
    repository.git("add", "README.md")


def _detached(repository: Any) -> None:
    repository.git("checkout", "--quiet", "--detach")


def _moved_on(repository: Any) -> None:
    repository.commit({"later.py": b"later\n"})


def _untracked(repository: Any) -> None:
    repository.write({"new/deep/three.py": b"mine\n"})


def _untracked_link(repository: Any) -> None:
    (repository.path / "new").symlink_to("/nonexistent")


def _untracked_file_for_folder(repository: Any) -> None:
    repository.write({"new": b"mine\n"})


def _locked(repository: Any) -> None:
    repository.write({".git/index.lock": b""})


def _skipped(repository: Any) -> None:
    repository.git("update-index", "--skip-worktree", "run.sh")
    repository.write({"run.sh": b"mine\n"})


def _assumed(repository: Any) -> None:
    repository.git("update-index", "--assume-unchanged", "run.sh")
    repository.write({"run.sh": b"mine\n"})


def _filtered(repository: Any) -> None:
    repository.write({".git/info/attributes": b"*.py filter=black\n"})


def _sparse(repository: Any) -> None:
    repository.git("sparse-checkout", "set", "package")


def _merging(repository: Any) -> None:
    head = repository.git("rev-parse", "HEAD")
    repository.write({".git/MERGE_HEAD": f"{head}\n".encode()})


def _elsewhere(repository: Any) -> None:
    (repository.path.parent / "tree").mkdir()
    repository.git("config", "core.worktree", "../../tree")


@pytest.mark.parametrize(
    ("arrange", "sentence"),
    [
        (_modified, "has changes that are not committed: commit or stash them first"),
        (_staged, "has changes that are not committed: commit or stash them first"),
        (_detached, "is on no branch: switch to one, or merge"),
        (_moved_on, "has moved on since the night began: merge"),
        (_untracked, "three.py is untracked and in the way: move it first"),
        (_untracked_link, "new is untracked and in the way: move it first"),
        (_untracked_file_for_folder, "new is untracked and in the way: move it first"),
        (_locked, r"index\.lock exists: wait until the other git command has ended"),
        (_skipped, r"run\.sh is marked to be skipped in the index"),
        (_assumed, r"run\.sh is marked to be skipped in the index"),
        (_filtered, r"goes through a filter of \.gitattributes, which never runs here"),
        (_sparse, "is a sparse checkout"),
        (_merging, "is in a merge or rebase: finish it first"),
        (_elsewhere, r"has its working tree in \.\./\.\./tree: merge the branch there"),
    ],
)
def test_any_other_state_is_refused_and_left(
    arrange: Callable[[Any], None],
    sentence: str,
    repository: Any,
    store: Store,
    target: Target,
    result: str,
    tmp_path: Path,
    state_of: Any,
) -> None:
    arrange(repository)
    target = Target.open(repository.path)
    before = state_of(repository.path)
    with pytest.raises(UsageError, match=sentence):
        store.fast_forward(target, result)
    assert state_of(repository.path) == before


def test_more_than_edits_is_refused(repository: Any, store: Store, target: Target) -> None:
    (repository.path / "README.md").unlink()
    commit = repository.commit({})
    repository.git("reset", "--quiet", "--hard", "HEAD~1")
    with pytest.raises(UsageError, match=r"README\.md is more than edited: merge"):
        store.fast_forward(target, commit)
    assert target.clean()


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    files = (path for path in folder.rglob("*") if path.is_file() and ".git/objects" not in str(path))
    return {str(path.relative_to(folder)): (path.stat().st_mode, path.read_bytes()) for path in files}


def test_what_fails_at_the_last_step_is_put_back(
    repository: Any, store: Store, target: Target, result: str
) -> None:
    (repository.path / "package/one.py").chmod(0o640)
    (repository.path / ".git/refs/heads/main.lock").touch()  # the branch cannot be moved
    before = contents(repository.path)
    with pytest.raises(GitError, match=r"git update-ref failed in .*main\.lock"):
        store.fast_forward(target, result)
    assert contents(repository.path) == before
    assert not (repository.path / "new").exists()
    assert target.clean()


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write everywhere")
def test_a_folder_that_cannot_be_written_is_put_back(
    repository: Any, store: Store, target: Target, result: str
) -> None:
    before = contents(repository.path)
    repository.path.chmod(0o555)  # package/ and new/ come first, run.sh fails
    try:
        with pytest.raises(UsageError, match="cannot be written, and stays as it was: Permission denied"):
            store.fast_forward(target, result)
    finally:
        repository.path.chmod(0o755)
    assert contents(repository.path) == before
    assert target.clean()


def test_a_link_in_place_of_a_folder_is_never_followed(
    repository: Any, store: Store, target: Target, result: str, tmp_path: Path
) -> None:
    (repository.path / "package").rename(tmp_path / "outside")
    (repository.path / "package").symlink_to(tmp_path / "outside")
    with pytest.raises(UsageError, match="has changes that are not committed"):
        store.fast_forward(target, result)
    assert (tmp_path / "outside/one.py").read_bytes() == b"one = 1\n"
