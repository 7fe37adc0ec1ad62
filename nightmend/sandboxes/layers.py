"""Host access to a work layer that hostile code wrote: one component at a time, never through a link."""

import errno
import os
import secrets
import stat
import time
from contextlib import ExitStack
from pathlib import PurePosixPath
from typing import NamedTuple

from nightmend.errors import SandboxError, UsageError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OPAQUE = "user.overlay.opaque"


class Level(NamedTuple):
    """One folder as the overlay shows it: its descriptor in each layer that has it."""

    upper: int | None
    lower: int | None


class Layers:
    """An upper layer over an optional lower one."""

    def __init__(self, upper: str, lower: str | None, owner: tuple[int, int] | None) -> None:
        self._upper = upper
        self._lower = lower
        self._owner = owner

    def top(self, stack: ExitStack) -> Level:
        """Open the work layer itself."""
        upper = open_folder(self._upper, None, stack)
        return Level(upper, open_folder(self._lower, None, stack) if self._lower else None)

    def read(self, path: str, limit: int) -> bytes:
        """Read a regular file of at most `limit` bytes; FileNotFoundError where there is none."""
        with ExitStack() as stack:
            level = self.top(stack)
            *folders, name = _parts(path)
            for folder in folders:
                level = _descend(level, folder, stack)
            holder, found = _find(level, name)
            if holder is None or found is None:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
            _require_regular(found, path)
            with open(os.open(name, _FILE, dir_fd=holder), "rb") as file:
                content = file.read(limit + 1)
        if len(content) > limit:
            raise SandboxError(f"{path!r} in the sandbox is larger than {limit} bytes")
        return content

    def write(self, path: str, content: bytes) -> None:
        """Put a regular file into the upper layer, with the mode of the one that it replaces."""
        with ExitStack() as stack:
            level = self.top(stack)
            *folders, name = _parts(path)
            for folder in folders:
                level = self._enter(level, folder, stack)
            _, replaced = _find(level, name)
            mode, moment = 0o644, time.time()
            if replaced:
                _require_regular(replaced, path)
                mode = stat.S_IMODE(replaced.st_mode) & 0o777
                # Python keys its bytecode on whole seconds and size: never the second of the file before.
                moment = max(moment, int(replaced.st_mtime) + 1)
            assert level.upper is not None  # noqa: S101 -- _enter makes it
            self._put(level.upper, name, content, mode, moment)

    def make_folder(self, path: str) -> None:
        """Make a folder in the upper layer, with those above it, where it is missing."""
        with ExitStack() as stack:
            level = self.top(stack)
            for folder in _parts(path):
                level = self._enter(level, folder, stack)

    def require_no_links(self, path: str) -> None:
        """SandboxError when anything on the way to `path`, or itself, is a link."""
        with ExitStack() as stack:
            level = self.top(stack)
            *folders, name = _parts(path)
            for folder in folders:
                level = _descend(level, folder, stack)
            _, found = _find(level, name)
            if found and not (stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode)):
                raise SandboxError(f"{path!r} in the sandbox is a link now: nothing can be mounted there")

    def _enter(self, level: Level, name: str, stack: ExitStack) -> Level:
        """Descend, making the folder in the upper layer where it is missing."""
        below = _descend(level, name, stack)
        if below.upper is not None or level.upper is None:
            return below
        deleted = look(name, level.upper) is not None
        if deleted:
            os.unlink(name, dir_fd=level.upper)
        mode = stat.S_IMODE(os.fstat(below.lower).st_mode) if below.lower is not None else 0o755
        os.mkdir(name, 0o700, dir_fd=level.upper)
        upper = open_folder(name, level.upper, stack)
        self._give(upper, mode)
        if deleted and self._lower:
            os.setxattr(upper, _OPAQUE, b"y")
        return Level(upper, below.lower)

    def _put(self, folder: int, name: str, content: bytes, mode: int, moment: float) -> None:
        """Write beside and rename, so that what stands there is replaced and never opened."""
        beside = f".{secrets.token_hex(8)}"
        with open(os.open(beside, _NEW, 0o600, dir_fd=folder), "wb") as file:
            file.write(content)
            file.flush()
            self._give(file.fileno(), mode)
            os.utime(file.fileno(), (moment, moment))
        os.rename(beside, name, src_dir_fd=folder, dst_dir_fd=folder)

    def _give(self, descriptor: int, mode: int) -> None:
        if self._owner:
            os.fchown(descriptor, *self._owner)
        os.fchmod(descriptor, mode)


def _parts(path: str) -> tuple[str, ...]:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\0" in path:
        raise UsageError(f"the path {path!r} must be relative to the sandbox's work layer, without `..`")
    return parts


def _descend(level: Level, name: str, stack: ExitStack) -> Level:
    """Open a folder's child in both layers; a link or file in its place is a SandboxError."""
    upper = lower = None
    found = look(name, level.upper)
    if found:
        if is_whiteout(found):
            return Level(None, None)
        _require_folder(found, name)
        upper = open_folder(name, level.upper, stack)
        if is_opaque(upper):
            return Level(upper, None)
    beneath = look(name, level.lower)
    if beneath and (upper is None or stat.S_ISDIR(beneath.st_mode)):
        _require_folder(beneath, name)
        lower = open_folder(name, level.lower, stack)
    return Level(upper, lower)


def _find(level: Level, name: str) -> tuple[int | None, os.stat_result | None]:
    """Return the layer that shows an entry, and what it is there."""
    for layer in level:
        found = look(name, layer)
        if found:
            return (None, None) if is_whiteout(found) else (layer, found)
    return None, None


def look(name: str, folder: int | None) -> os.stat_result | None:
    """Return what an entry of a folder is, a link as such; None where there is none."""
    if folder is None:
        return None
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def open_folder(name: str, parent: int | None, stack: ExitStack) -> int:
    """Open a folder that is none of another name, until the stack closes it."""
    descriptor = os.open(name, _FOLDER, dir_fd=parent)
    stack.callback(os.close, descriptor)
    return descriptor


def is_whiteout(found: os.stat_result) -> bool:
    """Whether an entry of the upper layer says that the lower one's is deleted."""
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == 0


def is_opaque(folder: int | str) -> bool:
    """Whether a folder of the upper layer hides the lower one's."""
    try:
        return os.getxattr(folder, _OPAQUE) == b"y"
    except OSError:
        return False


def _require_folder(found: os.stat_result, name: str) -> None:
    if not stat.S_ISDIR(found.st_mode):
        raise SandboxError(f"{name!r} in the sandbox is a link or a file, not a folder: it is not followed")


def _require_regular(found: os.stat_result, path: str) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise SandboxError(f"{path!r} in the sandbox is not a regular file: it is not followed")
