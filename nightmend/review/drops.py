"""What a person took off a branch, so that no later night proposes it again."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import TypeAdapter
from pydantic import ValidationError as InvalidRecord

from nightmend.files import write_atomically
from nightmend.repairs.repair import Repair

_Record = TypeAdapter(dict[str, str])


class Drops:
    """The repairs of a target that a person dropped: what each resolves or changes, with the date."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "dropped.json"

    def read(self) -> dict[str, str]:
        """Return the keys of the dropped repairs, each with its date; none where nobody can read it."""
        try:
            return _Record.validate_json(self._file.read_bytes())
        except (FileNotFoundError, InvalidRecord):
            return {}

    def add(self, keys: Iterable[str], date: str) -> None:
        """Remember repairs by their keys."""
        known = {**self.read(), **dict.fromkeys(keys, date)}
        write_atomically(self._file, _Record.dump_json(known, indent=1))


def drop_keys(repair: Repair, contents: Mapping[str, bytes]) -> tuple[str, ...]:
    """Return by what a repair is known again: its pattern with each issue, or with the change that it makes.

    Neither knows lines, so that both survive what happens elsewhere in the files.
    """
    if repair.issues:
        return tuple(f"{repair.pattern} {issue}" for issue in repair.issues)
    change = [
        (edit.path, contents[edit.path][edit.start : edit.end], edit.text)
        for edit in sorted(repair.edits, key=lambda edit: (edit.path, edit.start, edit.end))
    ]
    return (f"{repair.pattern} {hashlib.sha256(repr(change).encode()).hexdigest()[:16]}",)
