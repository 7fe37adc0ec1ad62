import os
import tempfile
from pathlib import Path

from nightmend.errors import UsageError
from nightmend.git.index_lock import IndexLock
from nightmend.git.publish import move_ref, send_objects
from nightmend.git.runner import Git
from nightmend.git.target import Target, is_clean, is_true
from nightmend.git.working_tree import Replacements

_UNDER_WAY = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply")


def fast_forward(store: Git, target: Target, commit: str) -> None:
    """Move the target's current branch to a descendant of it, with index and files; all or nothing.

    Raises UsageError, before anything is changed, when the branch, the index or a file is not in a state
    that allows it; what fails later is restored.
    """
    branch, head = target.branch(), target.head()
    if head == commit:
        return
    if branch is None:
        raise UsageError(f"{target.path} is on no branch: switch to one, or merge {commit} yourself")
    if not store.holds("merge-base", "--is-ancestor", head, commit):
        raise UsageError(f"{target.path} has moved on since the night began: merge {commit} yourself")
    changes = _changes(store, head, commit)
    try:
        with IndexLock(target.git_dir) as lock, target.working_view() as git:
            _refuse(target, git, changes)
            send_objects(store, target, commit)
            git.run("read-tree", "-m", head, commit)
            with Replacements(target.path) as replacements:
                for path, content in _working_contents(git, list(changes)).items():
                    replacements.put(path, content, executable=changes[path] == "100755")
                git.run("update-index", "-q", "--refresh", "--ignore-submodules")
                lock.fill(git.git_dir / "index")
                move_ref(target, branch, head, commit, "nightmend: fast-forward")
                lock.install()
    except OSError as error:
        reason = f"{error.strerror} ({error.filename})"
        raise UsageError(f"{target.path} cannot be written, and stays as it was: {reason}") from error


def _changes(store: Git, head: str, commit: str) -> dict[str, str]:
    """Return the new mode of every file that differs; raise UsageError for more than new contents."""
    said = store.run("diff-tree", "-r", "-z", "--no-renames", "--raw", head, commit).split(b"\0")[:-1]
    changes = {}
    for facts, path in zip(said[0::2], said[1::2], strict=True):
        old, new, *_, status = facts.decode().removeprefix(":").split()
        if not new.startswith("100") or (status != "A" and old != new):
            raise UsageError(f"{os.fsdecode(path)} is more than edited: merge {commit} yourself")
        changes[os.fsdecode(path)] = new
    return changes


def _refuse(target: Target, git: Git, changes: dict[str, str]) -> None:
    elsewhere = target.settings.get("core.worktree")
    if elsewhere is not None and (target.git_dir / elsewhere).resolve() != target.path:
        raise UsageError(f"{target.path} has its working tree in {elsewhere}: merge the branch there")
    if is_true(target.settings, "core.sparsecheckout"):
        raise UsageError(f"{target.path} is a sparse checkout, which --apply cannot update: merge the branch")
    if any((target.git_dir / name).exists() for name in _UNDER_WAY):
        raise UsageError(f"{target.path} is in a merge or rebase: finish it first")
    if not is_clean(git):
        raise UsageError(f"{target.path} has changes that are not committed: commit or stash them first")
    for path in _filtered(git, changes):
        raise UsageError(
            f"{path} goes through a filter of .gitattributes, which never runs here: merge the branch"
        )
    tags = {entry[2:]: entry[:1] for entry in _paths(git.run("ls-files", "-v", "-z"))}
    for path in changes:
        if path not in tags:
            _refuse_in_the_way(target.path, path)
        elif tags[path] != "H":
            raise UsageError(f"{path} is marked to be skipped in the index: merge the branch yourself")


def _refuse_in_the_way(root: Path, path: str) -> None:
    place = root / path
    for above in place.relative_to(root).parents:
        folder = root / above
        if os.path.lexists(folder) and (folder.is_symlink() or not folder.is_dir()):
            place = folder
    if os.path.lexists(place):
        raise UsageError(f"{place} is untracked and in the way: move it first")


def _filtered(git: Git, changes: dict[str, str]) -> list[str]:
    query = b"".join(os.fsencode(path) + b"\0" for path in changes)
    said = _paths(git.run("check-attr", "-z", "--stdin", "filter", stdin=query))
    return [
        path
        for path, value in zip(said[0::3], said[2::3], strict=True)
        if value not in {"unspecified", "unset"}
    ]


def _paths(said: bytes) -> list[str]:
    return [os.fsdecode(path) for path in said.split(b"\0")[:-1]]


def _working_contents(git: Git, paths: list[str]) -> dict[str, bytes]:
    """Return what a checkout would write for paths of the index, line ends and encodings included."""
    with tempfile.TemporaryDirectory(prefix="nightmend-apply-") as folder:
        query = b"".join(os.fsencode(path) + b"\0" for path in paths)
        git.run("checkout-index", "-z", "--stdin", f"--prefix={folder}/", stdin=query)
        return {path: (Path(folder) / path).read_bytes() for path in paths}
