"""Where Prefect's result persistence keeps what nights on a target have done, as far as that is a folder."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import TypeAdapter
from pydantic import ValidationError as InvalidRecord

from nightmend.files import write_atomically

_NAMED = re.compile(r"nightmend-[a-z_]+-([0-9a-f]{16})-[0-9a-f]{24}(\.damaged)?")
"""A key as `night_key` makes it, with the name of the target's folder."""
_RETURNED = re.compile(r"[0-9a-f]{32}|nightmend-self-test-[0-9-]+")
DAY = 24 * 60 * 60
OWN = "results"
"""Below the state folder: where results lie unless the person says otherwise."""
_MODEL = TypeAdapter(tuple[Path, ...])


class ResultFolders:
    """The folders that the results of one target were ever kept in."""

    def __init__(self, folder: Path) -> None:
        self._target = folder.name
        self._file = folder / "results.json"

    def note(self, place: Path) -> None:
        """Remember a folder that a run keeps its results in."""
        known = self.read()
        if place not in known:
            write_atomically(self._file, _MODEL.dump_json((*known, place)))

    def read(self) -> tuple[Path, ...]:
        """Return the folders, the last one last; a record that cannot be read knows of none."""
        try:
            return _MODEL.validate_json(self._file.read_bytes())
        except (FileNotFoundError, InvalidRecord):
            return ()

    def files(self) -> Iterator[Path]:
        """Yield the results of this target and of no other."""
        for place in self.read():
            for entry in os.scandir(place) if place.is_dir() else ():
                named = _NAMED.fullmatch(entry.name)
                if named and named[1] == self._target and entry.is_file(follow_symlinks=False):
                    yield Path(entry.path)


def unread(home: Path, before: float) -> list[Path]:
    """Return what flows of ours returned before a moment, kept in our own folder: no night reads it again."""
    place = home / OWN
    entries = os.scandir(place) if place.is_dir() else ()
    return [Path(one.path) for one in entries if _RETURNED.fullmatch(one.name) and _older(one, before)]


def _older(entry: os.DirEntry[str], moment: float) -> bool:
    return entry.is_file(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_mtime < moment
