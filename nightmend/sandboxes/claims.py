"""Whose a sandbox folder is: a lock that ends with its process, and means the same in every container."""

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OWNER_FILE = ".nightmend-owner"
"""In every sandbox folder, and hardly elsewhere: only a folder that has one is reaped, or an empty one."""


def claim(folder: Path) -> int:
    """Mark a sandbox folder as ours for as long as we live, and return the descriptor that holds it."""
    descriptor = os.open(folder / OWNER_FILE, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def is_older(folder: Path, seconds: float) -> bool:
    """Whether this is a folder, made more than so many seconds ago."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and time.time() - found.st_mtime >= seconds


@contextmanager
def abandoned(folder: Path, older_than: float) -> Iterator[bool]:
    """Whether the owner of a folder made over `older_than` seconds ago is dead; held meanwhile."""
    owner = _open(folder) if is_older(folder, older_than) else None
    if owner is None:
        yield False
        return
    try:
        yield _free(owner)
    finally:
        os.close(owner)


def _open(folder: Path) -> int | None:
    try:
        return os.open(folder / OWNER_FILE, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None


def _free(owner: int) -> bool:
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
