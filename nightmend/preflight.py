"""What is looked at before a night begins: whatever would stop it only when it is over."""

import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from nightmend.errors import PrerequisiteError, UsageError
from nightmend.git.runner import Owner, other_user
from nightmend.git.target import Target
from nightmend.settings import MIB

LEAST_FREE = 256 * MIB
"""Bytes that the state of the smallest night may need: a database, checkouts, sandboxes."""


def preflight(
    target: Target, home: Path, report: str | Path | None = None, *, publishes: bool = True
) -> None:
    """Raise UsageError or PrerequisiteError where state, report or result could not be written at the end."""
    if not _is_utf8(target.path):
        raise UsageError(f"{os.fsencode(target.path)!r} is no path in UTF-8: rename the folders that are not")
    _state(target, home)
    if report is not None:
        _report(target, Path(report).absolute())
    if publishes:
        _publishable(target)


def _is_utf8(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def _state(target: Target, home: Path) -> None:
    if _inside(home, target):
        raise UsageError(
            f"the state folder {home} lies in the repository: set NIGHTMEND_HOME to a folder outside of it"
        )
    free = shutil.disk_usage(_existing(home)).free
    if free < LEAST_FREE:
        raise PrerequisiteError(
            f"{home} has {free // MIB} MB of space left and a night needs {LEAST_FREE // MIB}: make room,"
            " or set NIGHTMEND_HOME"
        )


def _report(target: Target, folder: Path) -> None:
    if _inside(folder, target) and _holds_files(target, folder):
        raise UsageError(f"{folder} holds files of the repository: name another folder for the report")
    missing = [place for place in (folder, *folder.parents) if not os.path.lexists(place)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UsageError(
            f"no report can be written to {folder} ({error.strerror}): name a folder of yours"
        ) from error
    finally:
        for place in missing:
            with suppress(OSError):
                place.rmdir()


def _holds_files(target: Target, folder: Path) -> bool:
    """Say whether git, or what git has committed, lives in a folder of the target."""
    place = Path(os.path.realpath(folder))
    if place == target.path or any(_at_or_below(place, home) for home in (target.git_dir, target.common_dir)):
        return True
    with target.view() as git:
        return bool(git.run("ls-tree", "--full-tree", "HEAD", "--", str(place.relative_to(target.path))))


def _publishable(target: Target) -> None:
    with target.view() as git:
        if git.holds("show-ref", "--verify", "--quiet", "refs/heads/nightmend"):
            raise UsageError(
                f"{target.path} has a branch `nightmend`, beside which none can be nightmend/<run>: rename it"
            )
    objects, heads = target.common_dir / "objects", target.common_dir / "refs/heads"
    for place in (objects, *objects.glob("[0-9a-f][0-9a-f]"), heads, *heads.glob("nightmend")):
        if not _writable(place, target.owner):
            raise UsageError(f"no branch can be given to {target.path}: {place} cannot be written")


def _writable(folder: Path, owner: Owner) -> bool:
    """Root publishes as the owner of the repository, who may not write to all that root can."""
    if other_user(owner) is None:
        return os.access(folder, os.W_OK | os.X_OK)
    status = folder.stat()
    bit = stat.S_IWOTH
    if status.st_uid == owner[0]:
        bit = stat.S_IWUSR
    elif status.st_gid == owner[1]:
        bit = stat.S_IWGRP
    return bool(status.st_mode & bit)


def _inside(place: Path, target: Target) -> bool:
    return any(_at_or_below(place, folder) for folder in (target.path, target.git_dir, target.common_dir))


def _at_or_below(place: Path, folder: Path) -> bool:
    real = Path(os.path.realpath(place))
    return folder == real or folder in real.parents


def _existing(place: Path) -> Path:
    """Return the place, or what is nearest above it and exists."""
    return next(one for one in (place, *place.parents) if os.path.lexists(one))
