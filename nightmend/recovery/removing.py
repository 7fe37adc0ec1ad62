"""Removal of what we keep, counted, so that nobody ever finds a part of it."""

import os
import secrets
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from nightmend.frozen import Frozen
from nightmend.sandboxes.cleanup import remove_tree

_BLOCK = 512
_GOING = ".going-"
"""Begins the name of what is being removed."""


class Removed(Frozen):
    """What was removed of one kind."""

    what: str
    files: int
    size: int
    """Bytes on disk."""


def measured(what: str, *places: Path) -> Removed:
    """Count files and what they take on disk, as if they were removed."""
    states = [state for place in places for state in _states(place)]
    return Removed(what=what, files=len(states), size=sum(state.st_blocks * _BLOCK for state in states))


def remove(what: str, *places: Path) -> Removed:
    """Remove files and folders; each is gone at once, whoever kills us meanwhile."""
    removed = measured(what, *places)
    for place in places:
        going = place
        if not place.name.startswith(_GOING):
            going = place.with_name(f"{_GOING}{secrets.token_hex(4)}-{place.name}")
            place.rename(going)
        if going.is_dir() and not going.is_symlink():
            remove_tree(going)
        else:
            going.unlink()
    return removed


def left_over(folder: Path) -> list[Path]:
    """Return what an earlier removal in a folder could not end."""
    return list(folder.glob(f"{_GOING}*"))


def summed(removed: Iterable[Removed]) -> tuple[Removed, ...]:
    """Join what was removed of one kind, and leave out what was nothing; the largest comes first."""
    kinds = groupby(sorted(removed, key=lambda one: one.what), key=lambda one: one.what)
    sums = [_sum(what, list(group)) for what, group in kinds]
    return tuple(sorted((one for one in sums if one.files), key=lambda one: -one.size))


def _sum(what: str, group: list[Removed]) -> Removed:
    return Removed(what=what, files=sum(one.files for one in group), size=sum(one.size for one in group))


def _states(place: Path) -> Iterator[os.stat_result]:
    """Yield what is known of each file; folders cost little, and do not count."""
    if not place.is_dir() or place.is_symlink():
        yield place.lstat()
        return
    for folder, _, names in os.walk(place):
        for name in names:
            yield os.lstat(os.path.join(folder, name))
