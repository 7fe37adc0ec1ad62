"""One night at a time on a target: a lock that the kernel takes from its process, however that ends."""

import fcntl
import hashlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal

from pydantic import ValidationError as InvalidRecord

from nightmend.errors import PrerequisiteError
from nightmend.frozen import Frozen
from nightmend.git.target import Target

Work = Literal["night", "proof", "drop", "rollback", "purge"]
LOCKS = "locks"
LONGEST = 4096
"""Bytes that are read of what a holder says of itself."""


class Holder(Frozen):
    """Who works on a target, as a second one is told."""

    work: Work
    run: str = ""
    """Empty until the run has a name."""
    pid: int
    host: str
    started: float
    """Seconds since the epoch."""

    @property
    def sentence(self) -> str:
        """Say who it is, and since when."""
        named = f" {self.run}" if self.run else ""
        since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(self.started))
        return f"{self.work}{named} (process {self.pid} on {self.host}) has worked on it since {since}"


@contextmanager
def alone(home: Path, target: Target, work: Work) -> Iterator[Callable[[str], None]]:
    """Work on a target while no other night of this state folder does; gives what notes the run's name.

    PrerequisiteError says who works on it, here or on another machine that has the same state folder.
    """
    descriptor = _open(home, target)
    try:
        _take(descriptor, target.path, fcntl.LOCK_EX)
        holder = Holder(work=work, pid=os.getpid(), host=socket.gethostname(), started=time.time())
        _note(descriptor, holder)
        yield lambda run: _note(descriptor, holder.model_copy(update={"run": run}))
    finally:
        os.close(descriptor)


def refuse_second(home: Path, target: Target) -> None:
    """Raise PrerequisiteError where somebody works on a target."""
    descriptor = _open(home, target)
    try:
        _take(descriptor, target.path, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


@contextmanager
def alone_everywhere(home: Path) -> Iterator[None]:
    """Keep everybody from every target that was ever worked on; PrerequisiteError says who works on one."""
    with ExitStack() as held:
        for place in sorted((home / LOCKS).glob("*")):
            descriptor = _open_file(place)
            held.callback(os.close, descriptor)
            _take(descriptor, f"a repository with its state in {home}", fcntl.LOCK_EX)
        yield


def _open(home: Path, target: Target) -> int:
    """Open the file of a repository's lock: all its working trees have the same."""
    name = hashlib.sha256(os.fsencode(target.common_dir)).hexdigest()[:16]
    return _open_file(home / LOCKS / name)


def _open_file(place: Path) -> int:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        return os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise PrerequisiteError(
            f"{place} cannot be opened ({error.strerror}): set NIGHTMEND_HOME to a folder of yours"
        ) from error


def _take(descriptor: int, what: Path | str, kind: int) -> None:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise PrerequisiteError(
            f"{what} is being worked on: {_holder(descriptor)}; wait for its end, or end it"
        ) from error
    except OSError as error:
        raise PrerequisiteError(
            f"the state folder is on a file system that locks nothing ({error.strerror}): set NIGHTMEND_HOME"
            " to a folder on another"
        ) from error


def _holder(descriptor: int) -> str:
    try:
        return Holder.model_validate_json(os.pread(descriptor, LONGEST, 0)).sentence
    except InvalidRecord:
        return "another night has begun on it this moment"


def _note(descriptor: int, holder: Holder) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, holder.model_dump_json().encode(), 0)
