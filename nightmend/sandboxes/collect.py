"""What a sandbox wrote, copied out of its work layer: nothing of it is trusted, nothing is changed there.

Every entry is held before it is asked what it is, and opened through what is held: a link, a pipe or a
device that takes its place is never followed or opened.
"""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from nightmend.errors import SandboxError, UsageError
from nightmend.sandboxes.cleanup import remove_tree
from nightmend.sandboxes.layers import Layers, Level, is_opaque, is_whiteout, look, open_folder
from nightmend.sandboxes.protocol import Collected, Skipped
from nightmend.settings import CollectLimits

_HOLD = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NOTHING = "nothing was copied out of a sandbox"


def collect(layers: Layers, destination: Path, limits: CollectLimits) -> Collected:
    """Copy a layer that no command writes to into a folder that does not exist yet: all of it, or nothing."""
    if os.path.lexists(destination):
        raise UsageError(f"{destination} exists already: name a folder that is to be made")
    fresh = destination.with_name(f".{secrets.token_hex(8)}")
    try:
        fresh.mkdir(mode=0o755)
        with ExitStack() as stack:
            top = layers.top(stack)
            copy = _Copy(os.fstat(_upper(top)), limits)
            copy.folder(top, open_folder(str(fresh), None, stack), ())
        fresh.rename(destination)
    except OSError as error:
        raise SandboxError(f"what a sandbox wrote could not be copied to {destination}: {error}") from None
    finally:
        remove_tree(fresh)
    return copy.result()


class _Entry(NamedTuple):
    """An entry of the upper layer, held, and the folder that it is copied to."""

    path: tuple[str, ...]
    held: int
    found: os.stat_result
    into: int

    @property
    def name(self) -> str:
        return self.path[-1]

    @property
    def shown(self) -> str:
        path = "/".join(self.path)
        return path if path.isprintable() else repr(path)


class _Copy:
    """One copy under way."""

    def __init__(self, home: os.stat_result, limits: CollectLimits) -> None:
        self._home = home
        self._limits = limits
        self._entries = self._bytes = 0
        self._files: list[str] = []
        self._links: list[str] = []
        self._deleted: list[str] = []
        self._skipped: list[Skipped] = []

    def result(self) -> Collected:
        """Return what was found."""
        return Collected(
            files=tuple(self._files),
            links=tuple(self._links),
            deleted=tuple(self._deleted),
            skipped=tuple(self._skipped),
        )

    def folder(self, level: Level, into: int, path: tuple[str, ...]) -> None:
        """Copy what a folder of the upper layer holds."""
        if len(path) > self._limits.depth:
            raise self._reached("depth", path)
        upper = _upper(level)
        for name in self._names(upper, path):
            with ExitStack() as stack:
                held = os.open(name, _HOLD, dir_fd=upper)
                stack.callback(os.close, held)
                self._entry(_Entry((*path, name), held, os.fstat(held), into), level.lower, stack)

    def _entry(self, entry: _Entry, lower: int | None, stack: ExitStack) -> None:
        beneath = look(entry.name, lower)
        hidden = beneath is not None and _hides(entry, beneath)
        reason = self._objection(entry)
        if hidden:
            self._deleted.append(entry.shown)
            lower = None
        if hidden and is_whiteout(entry.found):
            return
        if reason:
            self._skipped.append(Skipped(path=entry.shown, reason=reason))
        elif stat.S_ISDIR(entry.found.st_mode):
            self._folder(entry, lower if beneath else None, stack)
        elif stat.S_ISLNK(entry.found.st_mode):
            self._link(entry)
        else:
            self._file(entry, stack)

    def _folder(self, entry: _Entry, lower: int | None, stack: ExitStack) -> None:
        os.mkdir(entry.name, 0o700, dir_fd=entry.into)
        into = open_folder(entry.name, entry.into, stack)
        upper = _opened(entry, stack)
        below = open_folder(entry.name, lower, stack) if lower is not None else None
        self.folder(Level(upper, below), into, entry.path)
        os.fchmod(into, entry.found.st_mode & 0o777)

    def _link(self, entry: _Entry) -> None:
        os.symlink(os.readlink("", dir_fd=entry.held), entry.name, dir_fd=entry.into)
        self._links.append(entry.shown)

    def _file(self, entry: _Entry, stack: ExitStack) -> None:
        size = entry.found.st_size
        if size > self._limits.file_bytes:
            raise self._reached("file_bytes", entry.path)
        source = _opened(entry, stack)
        copy = os.open(entry.name, _NEW, 0o600, dir_fd=entry.into)
        stack.callback(os.close, copy)
        os.ftruncate(copy, size)
        for start, end in _data(source, size):
            self._bytes += end - start
            if self._bytes > self._limits.total_bytes:
                raise self._reached("total_bytes", entry.path)
            _send(source, copy, start, end)
        os.utime(copy, ns=(entry.found.st_mtime_ns, entry.found.st_mtime_ns))
        os.fchmod(copy, entry.found.st_mode & 0o777)
        self._files.append(entry.shown)

    def _names(self, folder: int, path: tuple[str, ...]) -> list[str]:
        """List a folder for as long as the limit allows; it may hold millions."""
        names = []
        with os.scandir(folder) as listing:
            for entry in listing:
                self._entries += 1
                if self._entries > self._limits.entries:
                    raise self._reached("entries", path)
                names.append(entry.name)
        return sorted(names)

    def _objection(self, entry: _Entry) -> str | None:
        """Return why an entry is not copied; SandboxError where its name says that nothing is."""
        if len(os.fsencode(entry.name)) > self._limits.name_bytes:
            raise self._reached("name_bytes", entry.path)
        if not entry.name.isprintable():
            reason = "its name cannot be printed"
            if self._limits.odd_names == "end":
                raise SandboxError(
                    f"nothing was copied out of a sandbox: {entry.shown}: {reason} (odd_names)"
                )
            return reason
        if (entry.found.st_uid, entry.found.st_dev) != (self._home.st_uid, self._home.st_dev):
            return "it belongs to another user or file system"
        if stat.S_ISLNK(entry.found.st_mode):
            return None if self._limits.links == "keep" else "it is a link"
        if not (stat.S_ISREG(entry.found.st_mode) or stat.S_ISDIR(entry.found.st_mode)):
            return "it is a pipe, a socket or a device"
        need = os.R_OK | os.X_OK if stat.S_ISDIR(entry.found.st_mode) else os.R_OK
        return None if os.access(_way(entry), need, effective_ids=True) else "its mode forbids reading it"

    def _reached(self, limit: str, path: tuple[str, ...]) -> SandboxError:
        allowed = getattr(self._limits, limit)
        place = "/".join(path) or "."
        return SandboxError(
            f"nothing was copied out of a sandbox: {place!r} reaches the limit {limit} ({allowed})"
        )


def _upper(level: Level) -> int:
    assert level.upper is not None  # noqa: S101 -- nothing else was written
    return level.upper


def _way(entry: _Entry) -> str:
    return f"/proc/self/fd/{entry.held}"


def _opened(entry: _Entry, stack: ExitStack) -> int:
    descriptor = os.open(_way(entry), _READ)
    stack.callback(os.close, descriptor)
    return descriptor


def _hides(entry: _Entry, beneath: os.stat_result) -> bool:
    """Whether an entry of the lower layer is gone, and not only changed."""
    if stat.S_IFMT(entry.found.st_mode) != stat.S_IFMT(beneath.st_mode):
        return True
    return stat.S_ISDIR(beneath.st_mode) and is_opaque(_way(entry))


def _data(file: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield where the data between the holes of a file begin and end."""
    end = 0
    while end < size:
        try:
            start = os.lseek(file, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            raise
        end = os.lseek(file, start, os.SEEK_HOLE)
        yield start, end


def _send(source: int, copy: int, start: int, end: int) -> None:
    os.lseek(copy, start, os.SEEK_SET)
    while start < end:
        sent = os.sendfile(copy, source, start, end - start)
        if not sent:
            return
        start += sent
