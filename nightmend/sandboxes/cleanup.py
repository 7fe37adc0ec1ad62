"""Removal of what hostile code left: unreadable, read-only, very deep, oddly named."""

import fcntl
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nightmend.errors import SandboxError

OWNER_FILE = "owner"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_tree(folder: Path) -> None:
    """Remove a folder that nothing writes to any more; SandboxError names what stayed.

    Each folder found is moved up beside the top before it is emptied, so that depth costs neither
    recursion nor descriptors nor long paths.
    """
    try:
        with _opened(str(folder)) as top:
            _empty(top)
        folder.rmdir()
    except FileNotFoundError:
        return
    except OSError as error:
        raise SandboxError(f"{folder} could not be removed ({error}): remove it by hand") from None


def _empty(top: int) -> None:
    prefix = secrets.token_hex(8)  # hostile code cannot have taken these names
    pending = ["."]
    count = 0
    while pending:
        name = pending.pop()
        with _opened(name, top) as here:
            for entry in os.listdir(here):
                if stat.S_ISDIR(os.stat(entry, dir_fd=here, follow_symlinks=False).st_mode):
                    count += 1
                    pending.append(f"{prefix}.{count}")
                    _unlock(entry, here)
                    os.rename(entry, pending[-1], src_dir_fd=here, dst_dir_fd=top)
                else:
                    os.unlink(entry, dir_fd=here)
        if name != ".":
            os.rmdir(name, dir_fd=top)


def _unlock(name: str, parent: int) -> None:
    with _opened(name, parent, os.O_PATH) as folder:
        os.chmod(f"/proc/self/fd/{folder}", 0o700)


@contextmanager
def _opened(name: str, parent: int | None = None, flags: int = 0) -> Iterator[int]:
    descriptor = os.open(name, _FOLDER | flags, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


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
