"""Removal of what hostile code left: unreadable, read-only, very deep, oddly named."""

import errno
import os
import re
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from nightmend.errors import SandboxError
from nightmend.sandboxes.cgroups import reap_groups
from nightmend.sandboxes.claims import OWNER_FILE, abandoned, is_older
from nightmend.sandboxes.docker_reaping import reap_containers
from nightmend.sandboxes.orphans import end_orphans

_NAMED = re.compile(r"[A-Za-z0-9_.-]*-[0-9a-f]{8}")
_MADE_SECONDS = 60.0
"""A living sandbox has its owner file after that at the latest."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_STILL_WRITTEN = {errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.ESTALE}
_PATIENCE_SECONDS = 2.0


class Reaped(NamedTuple):
    """What became of the sandboxes of dead owners."""

    removed: tuple[str, ...]
    """Their ids."""
    stayed: tuple[str, ...]
    """A sentence for each that could not be removed."""


class _Step(NamedTuple):
    """A folder on the way down, what it is, and its folders that are left."""

    name: str
    identity: tuple[int, int]
    folders: list[str]


def remove_tree(folder: Path) -> None:
    """Remove a folder; SandboxError names what stayed.

    The last processes of a killed night may still write there, and have a moment to end.
    """
    until = time.monotonic() + _PATIENCE_SECONDS
    while os.path.lexists(folder):
        try:
            _empty(str(folder))
            folder.rmdir()
        except OSError as error:
            if os.path.lexists(folder) and (error.errno not in _STILL_WRITTEN or time.monotonic() > until):
                raise SandboxError(f"{folder} could not be removed ({error}): remove it by hand") from None
            time.sleep(0.01)


def _empty(folder: str) -> None:
    """Empty a folder with one descriptor, without recursion and without need of space.

    The owner file goes last: as long as something is left, a reaper finds it.
    """
    here = _enter(folder, None)
    try:
        trail = [_Step(".", _identity(here), _unlink_files(here, but=OWNER_FILE))]
        while trail[-1].folders or len(trail) > 1:
            if trail[-1].folders:
                name = trail[-1].folders.pop()
                try:
                    below = _enter(name, here)
                except PermissionError:
                    if not _removed(name, here):
                        raise
                    continue
                here = _instead(here, below)
                trail.append(_Step(name, _identity(here), _unlink_files(here)))
            else:
                here = _instead(here, os.open("..", _FOLDER, dir_fd=here))
                if _identity(here) != trail[-2].identity:
                    raise OSError(errno.ESTALE, "moved while it was emptied", folder)
                os.rmdir(trail.pop().name, dir_fd=here)
        with suppress(FileNotFoundError):
            os.unlink(OWNER_FILE, dir_fd=here)
    finally:
        os.close(here)


def _removed(name: str, parent: int) -> bool:
    """Whether a folder was empty, and is gone; of a daemon's, which we may not enter, all are."""
    try:
        os.rmdir(name, dir_fd=parent)
    except OSError:
        return False
    return True


def _instead(old: int, new: int) -> int:
    os.close(old)
    return new


def _identity(folder: int) -> tuple[int, int]:
    found = os.fstat(folder)
    return found.st_dev, found.st_ino


def _enter(name: str, parent: int | None) -> int:
    """Open a folder, and give us every right to it first: its owner may have taken them."""
    locked = os.open(name, _FOLDER | os.O_PATH, dir_fd=parent)
    try:
        os.chmod(f"/proc/self/fd/{locked}", 0o700)
        return os.open(f"/proc/self/fd/{locked}", _FOLDER & ~os.O_NOFOLLOW)
    finally:
        os.close(locked)


def _unlink_files(folder: int, but: str = "") -> list[str]:
    """Remove everything but folders and one name, and return the names of the folders."""
    folders = []
    for name in os.listdir(folder):
        if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            folders.append(name)
        elif name != but:
            os.unlink(name, dir_fd=folder)
    return folders


def reap(base_directory: Path, older_than: float) -> Reaped:
    """Remove the sandboxes whose owner is dead, made more than `older_than` seconds ago."""
    end_orphans()
    reap_groups()
    if base_directory.is_dir():
        reap_containers(base_directory, older_than)
    removed, stayed = [], []
    for folder in sorted(base_directory.iterdir()) if base_directory.is_dir() else ():
        try:
            if _reaped(folder, older_than):
                removed.append(folder.name)
        except SandboxError as error:
            stayed.append(str(error))
    return Reaped(tuple(removed), tuple(stayed))


def _reaped(folder: Path, older_than: float) -> bool:
    if is_older(folder, max(older_than, _MADE_SECONDS)) and _removed_empty(folder):
        return True
    with abandoned(folder, older_than) as dead:
        if dead:
            remove_tree(folder)
        return dead


def _removed_empty(folder: Path) -> bool:
    """Remove what an owner has left who was killed between two steps of making or removing a sandbox."""
    if not _NAMED.fullmatch(folder.name):
        return False
    try:
        folder.rmdir()
    except OSError:
        return False
    return True
