"""What a kept repair alone changed in the published files, so that it alone can be taken back."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from nightmend.frozen import Frozen
from nightmend.repairs.repair import Edit, Repair, apply_edits

LATER = "a later repair changed the same place"
SHARED = "other repairs need the same change"
OTHERWISE = "its file was published in another state"


class Step(Frozen):
    """What a phase did: the files before it, and the repairs that it kept."""

    before: dict[str, bytes]
    kept: tuple[Repair, ...]


class EntangledError(Exception):
    """A repair cannot be taken back alone; the message says why."""


class Undoing:
    """Takes single repairs out of the files as they were published."""

    def __init__(self, steps: Sequence[Step], published: Mapping[str, bytes]) -> None:
        self._steps = steps
        self._published = published
        self._edits = [_by_path(step.kept) for step in steps]
        self._claims = [
            Counter(chain.from_iterable(set(repair.edits) for repair in step.kept)) for step in steps
        ]
        self._known = {path for path in published if self._replayed(path) == published[path]}

    def without(self, number: int, repair: Repair) -> dict[str, bytes]:
        """Return the published files of a repair of step `number` as they would be without it.

        Raises EntangledError where something else rests on what it changed.
        """
        own = [edit for edit in dict.fromkeys(repair.edits) if self._claims[number][edit] == 1]
        if not own:
            raise EntangledError(SHARED)
        return {
            path: self._undone(number, path, [edit for edit in own if edit.path == path])
            for path in sorted({edit.path for edit in own})
        }

    def _undone(self, number: int, path: str, edits: Iterable[Edit]) -> bytes:
        if path not in self._known:
            raise EntangledError(OTHERWISE)
        before = self._steps[number].before[path]
        back = []
        for edit in edits:
            start = edit.start + _moved(self._edits[number][path], edit)
            start, end = self._now(number, path, start, start + len(edit.text.encode()))
            back.append((start, end, before[edit.start : edit.end]))
        return _replaced(self._published[path], back)

    def _now(self, number: int, path: str, start: int, end: int) -> tuple[int, int]:
        """Follow a place through the edits of the later steps."""
        for edits in self._edits[number + 1 :]:
            shift = 0
            for edit in edits.get(path, ()):
                if edit.end <= start:
                    shift += _growth(edit)
                elif edit.start < end:
                    raise EntangledError(LATER)
            start, end = start + shift, end + shift
        return start, end

    def _replayed(self, path: str) -> bytes | None:
        content: bytes | None = None
        for step, edits in zip(self._steps, self._edits, strict=True):
            if path in edits:
                if content is not None and content != step.before[path]:
                    return None
                content = apply_edits(step.before[path], edits[path])
        return content


def _by_path(repairs: Iterable[Repair]) -> dict[str, list[Edit]]:
    """Sort the edits of repairs as they are applied, equal ones once."""
    edits = sorted(
        {edit for repair in repairs for edit in repair.edits}, key=lambda edit: (edit.start, edit.end)
    )
    return {path: [edit for edit in edits if edit.path == path] for path in {edit.path for edit in edits}}


def _moved(edits: Iterable[Edit], edit: Edit) -> int:
    """Return how far the edits before it moved an edit."""
    place = (edit.start, edit.end)
    return sum(_growth(other) for other in edits if (other.start, other.end) < place)


def _growth(edit: Edit) -> int:
    return len(edit.text.encode()) - (edit.end - edit.start)


def _replaced(content: bytes, places: Iterable[tuple[int, int, bytes]]) -> bytes:
    for start, end, text in sorted(places, reverse=True):
        content = content[:start] + text + content[end:]
    return content
