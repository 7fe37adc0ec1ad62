import time
from collections.abc import Sequence
from dataclasses import replace

from nightmend.errors import UsageError
from nightmend.git.runner import Git, signature
from nightmend.git.target import Target

_LOOSE_AT_MOST = 1000
_COUNT_IN_HEADER = slice(8, 12)


def publish(
    store: Git, target: Target, branch: str, commit: str, replaces: tuple[str, str] | None = None
) -> None:
    """Create a branch of the target at a commit of the store: objects first, then one ref transaction.

    It takes the place of the branch `replaces`, a name and its commit, where that is still at this commit.
    Both run as the target's owner, so no file of it changes hands. Raises UsageError where the branch
    exists, GitError where the target cannot be written; before the ref, only unreferenced objects are new.
    """
    ref = f"refs/heads/{branch.removeprefix('refs/heads/')}"
    if not store.holds("check-ref-format", ref):
        raise UsageError(f"{branch} is not a name for a branch: use letters, digits, dashes and slashes")
    with target.view() as git:
        if git.holds("show-ref", "--verify", "--quiet", "--end-of-options", ref):
            raise UsageError(f"branch {branch} exists in {target.path}: delete it, or start another run")
    send_objects(store, target, commit)
    orders = f"create {ref}\0{commit}\0"
    if replaces:
        orders += f"delete refs/heads/{replaces[0]}\0{replaces[1]}\0"
    with target.view(as_owner=True) as git:
        git.run("update-ref", "--stdin", "-z", stdin=orders.encode())


def send_objects(store: Git, target: Target, commit: str) -> None:
    """Give the target the objects of a commit that it does not have yet; no ref knows them then."""
    wanted = f"{commit}\n^{target.head()}\n".encode()
    pack = store.run("pack-objects", "--revs", "--local", "--stdout", "-q", stdin=wanted)
    count = int.from_bytes(pack[_COUNT_IN_HEADER], "big")
    with target.view(as_owner=True) as git:
        if count > _LOOSE_AT_MOST:
            git.run("index-pack", "--stdin", stdin=pack)
        elif count:
            git.run("unpack-objects", "-q", stdin=pack)


def delete_branch(target: Target, branch: str, commit: str) -> None:
    """Delete a branch of the target that is at a commit; GitError where it is not."""
    with target.view(as_owner=True) as git:
        git.run("update-ref", "-d", "--end-of-options", f"refs/heads/{branch}", commit)


def move_branch(
    target: Target, branch: str, commit: str, expected: Sequence[str], message: str = "nightmend: rollback"
) -> None:
    """Point an existing branch of the target at a commit that it has, in one ref transaction.

    Raises UsageError where the branch is missing, checked out, or at none of the `expected` commits, so that
    nobody's work is lost and no working tree falls behind its branch.
    """
    ref = f"refs/heads/{branch.removeprefix('refs/heads/')}"
    with target.view() as git:
        if not git.holds("show-ref", "--verify", "--quiet", "--end-of-options", ref):
            raise UsageError(
                f"branch {branch} does not exist in {target.path}: there is nothing to take back"
            )
        tip = git.run("rev-parse", "--verify", "--end-of-options", ref).decode().strip()
    if tip not in expected:
        raise UsageError(f"branch {branch} in {target.path} was moved by someone else: take it back by hand")
    if target.checked_out(ref):
        raise UsageError(f"branch {branch} of {target.path} is checked out: switch to another branch first")
    move_ref(target, ref, tip, commit, message)


def move_ref(target: Target, ref: str, old: str, new: str, message: str) -> None:
    """Move a ref from one commit to another; a log of it that exists gets a line."""
    with target.view(as_owner=True) as git:
        dated = replace(git, environment=signature(f"{int(time.time())} +0000"))
        dated.run("update-ref", "-m", message, "--end-of-options", ref, new, old)
