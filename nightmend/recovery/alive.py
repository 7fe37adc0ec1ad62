"""Whether the process of a run lives: it holds a file of its own, which the kernel takes away in the end."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

FOLDER = "alive"
LONGEST = 100
"""Bytes that are read of what a run said of itself."""


def file_of(home: Path, run: str) -> Path:
    """Return the file of a run by its id; what stands in it is for who finds it left."""
    return home / FOLDER / run


def hold(place: Path) -> int:
    """Hold the file of a run for as long as this process lives, and return the descriptor."""
    place.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


@contextlib.contextmanager
def left(place: Path) -> Iterator[bytes | None]:
    """Give what stands in the file of a run, and hold it, where its process is gone; None where it lives."""
    try:
        descriptor = os.open(place, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        yield None
        return
    try:
        yield os.pread(descriptor, LONGEST, 0) if _free(descriptor) else None
    finally:
        os.close(descriptor)


def somebody_lives(home: Path) -> bool:
    """Say whether any run of this state folder has a process."""
    for place in (home / FOLDER).glob("*"):
        with left(place) as said:
            if said is None:
                return True
    return False


def _free(descriptor: int) -> bool:
    """Take the lock of a file; whether it was free, and the file is still of a run."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return os.fstat(descriptor).st_nlink > 0
