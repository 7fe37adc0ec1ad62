"""Removal of what hostile code left: unreadable, read-only, very deep, oddly named."""

import fcntl
import os
import secrets
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from nightmend.errors import SandboxError
from nightmend.sandboxes.cgroups import reap_groups

OWNER_FILE = ".nightmend-owner"
"""In every sandbox folder, and hardly elsewhere: only a folder that has one is ever reaped."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_tree(folder: Path) -> None:
    """Remove a folder that nothing writes to any more; SandboxError names what stayed."""
    try:
        _empty(str(folder))
        folder.rmdir()
    except FileNotFoundError:
        return
    except OSError as error:
        raise SandboxError(f"{folder} could not be removed ({error}): remove it by hand") from None


def _empty(folder: str) -> None:
    """Empty a folder with few descriptors and no recursion.

    Each folder found is moved up beside the first one before it is emptied: the kernel needs ten
    times as long where it lies deep.
    """
    prefix = secrets.token_hex(8)  # hostile code cannot have taken these names
    pending = ["."]
    top = _enter(folder, None)
    try:
        for count, name in enumerate(_popped(pending)):
            here = _enter(name, top)
            try:
                for at, below in enumerate(_unlink_files(here)):
                    pending.append(f"{prefix}.{count}.{at}")
                    os.rename(below, pending[-1], src_dir_fd=here, dst_dir_fd=top)
            finally:
                os.close(here)
            if name != ".":
                os.rmdir(name, dir_fd=top)
    finally:
        os.close(top)


def _popped(pending: list[str]) -> Iterator[str]:
    while pending:
        yield pending.pop()


def _enter(name: str, parent: int | None) -> int:
    """Open a folder, and give us every right to it first: its owner may have taken them."""
    locked = os.open(name, _FOLDER | os.O_PATH, dir_fd=parent)
    try:
        os.chmod(f"/proc/self/fd/{locked}", 0o700)
        return os.open(f"/proc/self/fd/{locked}", _FOLDER & ~os.O_NOFOLLOW)
    finally:
        os.close(locked)


def _unlink_files(folder: int) -> list[str]:
    """Remove everything but folders, and return the names of those, unlocked so that they can be moved."""
    folders = []
    for name in os.listdir(folder):
        if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            os.close(_enter(name, folder))
            folders.append(name)
        else:
            os.unlink(name, dir_fd=folder)
    return folders


def claim(folder: Path) -> int:
    """Mark a sandbox folder as ours for as long as we live, and return the descriptor that holds it.

    A lock ends with its process, whatever happens to it, and means the same in every container.
    """
    descriptor = os.open(folder / OWNER_FILE, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def reap(base_directory: Path, older_than: float) -> tuple[str, ...]:
    """Remove the sandboxes whose owner is dead, made more than `older_than` seconds ago; return their ids."""
    reap_groups()
    if not base_directory.is_dir():
        return ()
    return tuple(folder.name for folder in sorted(base_directory.iterdir()) if _reaped(folder, older_than))


def _reaped(folder: Path, older_than: float) -> bool:
    try:
        if folder.is_symlink() or time.time() - folder.stat().st_mtime < older_than:
            return False
        owner = os.open(folder / OWNER_FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        remove_tree(folder)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(owner)
