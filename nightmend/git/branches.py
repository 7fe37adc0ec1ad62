import re
from collections.abc import Iterable

from nightmend.errors import UsageError
from nightmend.git.runner import Git, signature
from nightmend.git.target import Target

REVERTS = "This reverts commit"


def tip(target: Target, branch: str) -> str | None:
    """Return the commit of a branch of the target, None where there is no such branch."""
    ref = f"refs/heads/{branch}"
    with target.view() as git:
        if not git.holds("show-ref", "--verify", "--quiet", "--end-of-options", ref):
            return None
        return git.run("rev-parse", "--verify", "--end-of-options", ref).decode().strip()


def commit_of(target: Target, name: str) -> str:
    """Return the commit of a branch or of any other name; UsageError where the target knows none."""
    with target.view() as git:
        if not git.holds("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"):
            raise UsageError(f"{target.path} has no branch {name}: see `git branch --all` there")
        return git.run("rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}").decode().strip()


def contains(store: Git, head: str, commit: str) -> bool:
    """Say whether a commit was merged into `head`: as it is, commit by commit, or squashed into one.

    A rebase or a squash gives commits other names, so they are compared by what they change.
    """
    if store.holds("merge-base", "--is-ancestor", commit, head):
        return True
    if not store.holds("merge-base", head, commit):
        return False
    base = store.run("merge-base", head, commit).decode().strip()
    git = Git(store.git_dir, environment=signature("1000000000 +0000"))
    squashed = git.run("commit-tree", "-p", base, "-m", "squashed", f"{commit}^{{tree}}").decode().strip()
    return any(_all_there(store, head, one) for one in (commit, squashed))


def _all_there(store: Git, head: str, commit: str) -> bool:
    missing = store.run("cherry", head, commit).decode().splitlines()
    return bool(missing) and all(line.startswith("-") for line in missing)


def merged_commits(store: Git, head: str, tip: str, commits: Iterable[str]) -> frozenset[str]:
    """Return which commits of a branch were merged into `head`, one by one or all together."""
    if contains(store, head, tip):
        return frozenset(commits)
    if not store.holds("merge-base", head, tip):
        return frozenset()
    missing = {line[2:] for line in store.run("cherry", head, tip).decode().splitlines() if line[0] == "+"}
    return frozenset(commits) - missing


def reverted_commits(store: Git, base: str, head: str) -> frozenset[str]:
    """Return the commits that a commit between base and head says it reverts, as `git revert` writes it."""
    said = store.run("log", "--format=%B", "--fixed-strings", f"--grep={REVERTS}", f"{base}..{head}", "--")
    return frozenset(re.findall(rf"{REVERTS} ([0-9a-f]{{40}})", said.decode(errors="replace")))
