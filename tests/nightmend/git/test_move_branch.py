"""A published branch goes back to an earlier commit, unless that would take something from somebody."""

from pathlib import Path
from typing import Any

import pytest

from nightmend.errors import UsageError
from nightmend.git.publish import move_branch
from nightmend.git.runner import GitError
from nightmend.git.store import Store
from nightmend.git.target import Target

BRANCH = "nightmend/first"


@pytest.fixture
def tips(store: Store, target: Target) -> list[str]:
    """Publish a branch of two commits; their ids, the earlier first."""
    commits = [target.head()]
    for content in (b"one = 3\n", b"one = 4\n"):
        tree = store.write(store.snapshot(commits[-1]), {"package/one.py": content})
        commits.append(store.commit(tree, commits[-1], "Mend"))
    store.publish(target, BRANCH, commits[-1])
    return commits[1:]


def test_only_the_ref_changes_and_nothing_runs(
    repository: Any, tips: list[str], tmp_path: Path, set_traps: Any, state_of: Any
) -> None:
    set_traps(repository, tmp_path / "marks")
    before = state_of(tmp_path)
    move_branch(Target.open(repository.path), BRANCH, tips[0], tips)
    after = state_of(tmp_path)
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert changed == {f"repository/.git/refs/heads/{BRANCH}"}
    assert repository.git("rev-parse", BRANCH) == tips[0]
    assert list((tmp_path / "marks").iterdir()) == []


def test_work_of_somebody_on_the_branch_is_kept(repository: Any, target: Target, tips: list[str]) -> None:
    theirs = repository.git("commit-tree", "-p", tips[1], "-m", "mine", f"{tips[1]}^{{tree}}")
    repository.git("update-ref", f"refs/heads/{BRANCH}", theirs)
    with pytest.raises(UsageError, match="was moved by someone else: take it back by hand"):
        move_branch(target, BRANCH, tips[0], tips)
    assert repository.git("rev-parse", BRANCH) == theirs


def test_a_missing_branch_is_not_made(repository: Any, target: Target, tips: list[str]) -> None:
    with pytest.raises(UsageError, match=r"does not exist in .*: there is nothing to take back"):
        move_branch(target, "nightmend/other", tips[0], tips)
    assert repository.git("branch", "--list", "nightmend/other") == ""


def test_a_branch_that_is_checked_out_stays(
    repository: Any, target: Target, tips: list[str], tmp_path: Path
) -> None:
    repository.git("worktree", "add", "--quiet", str(tmp_path / "linked"), BRANCH)
    with pytest.raises(UsageError, match="is checked out: switch to another branch first"):
        move_branch(target, BRANCH, tips[0], tips)
    repository.git("worktree", "remove", str(tmp_path / "linked"))
    repository.git("checkout", "--quiet", BRANCH)
    with pytest.raises(UsageError, match="is checked out: switch to another branch first"):
        move_branch(target, BRANCH, tips[0], tips)
    assert repository.git("status", "--porcelain") == ""


def test_a_commit_that_the_target_lacks_is_refused(
    repository: Any, store: Store, target: Target, tips: list[str]
) -> None:
    ours = store.commit(store.snapshot(tips[0]), tips[0], "Never sent")
    with pytest.raises(GitError, match=r"git update-ref failed in .*repository"):
        move_branch(target, BRANCH, ours, tips)
    assert repository.git("rev-parse", BRANCH) == tips[1]


def test_a_log_of_the_branch_gets_its_line(repository: Any, target: Target, tips: list[str]) -> None:
    log = repository.path / ".git/logs/refs/heads" / BRANCH
    log.parent.mkdir(parents=True)
    log.touch()
    move_branch(target, BRANCH, tips[0], tips)
    assert log.read_text().startswith(f"{tips[1]} {tips[0]} nightmend <nightmend@localhost> ")
    assert log.read_text().endswith("\tnightmend: rollback\n")
