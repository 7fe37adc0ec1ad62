"""A look at many repairs of a file at once, which spares most of them a look of their own.

Where all of them together bring nothing to any line, and each one's issue is gone from its own lines, none
needs another look. What comes is laid to the repairs on its lines, or to those next to it; these are taken
out, and the rest is looked at again.
"""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence

from nightmend.proof.bench import Bench
from nightmend.repairs.recheck import Mark, Shift, change, compare
from nightmend.repairs.repair import Edit, Repair, apart

_ENOUGH = 4
"""Repairs of a file for which another look at once is worth it."""
_TWO = 2
"""Of so many each has its own look, which is as cheap: one may hide what the other brings."""
_LOOKS = 6

Lot = tuple[str, list[Repair]]
"""A file, and repairs of it that can all be applied."""
Place = tuple[int, int]
"""The number of a region and 0, or of the one before a line (-1: none) and the line, as numbered before."""
Standing = Counter[tuple[Place, str]]
"""How often a name stands at a place."""


def spared(bench: Bench) -> frozenset[str]:
    """Return the repairs, by their ids, of which a look at many shows that they need none of their own.

    Those that change several files are looked at beside the others, and are never among them.
    """
    lots = _lots(bench.open)
    clear: set[str] = set()
    for number in range(_LOOKS):
        if not lots:
            break
        left: list[Lot] = []
        for (path, lot), doubtful in zip(lots, _doubts(bench, lots), strict=True):
            rest = [one for one in lot if one.id not in doubtful]
            if not doubtful:
                clear |= {one.id for one in rest if _is_single(one) and len(rest) != _TWO}
            else:  # whoever was accused first may not be all of it: then it may be anyone
                left += [(path, part) for part in (_halves(rest) if number else [rest])]
        lots = [(path, lot) for path, lot in left if sum(map(_is_single, lot)) >= _ENOUGH]
    return frozenset(clear)


def _is_single(repair: Repair) -> bool:
    return len(repair.paths) == 1


def _lots(repairs: Iterable[Repair]) -> list[Lot]:
    together, _ = apart(repairs)
    paths = sorted({path for one in together for path in one.paths})
    return [(path, [one for one in together if path in one.paths]) for path in paths]


def _halves(lot: list[Repair]) -> list[list[Repair]]:
    middle = len(lot) // 2
    return [lot[:middle], lot[middle:]]


def _doubts(bench: Bench, lots: Sequence[Lot]) -> list[set[str]]:
    """Return of each lot the repairs, by their ids, that may have brought something, or left their issue."""
    changes = [change(path, bench.contents[path], lot) for path, lot in lots]
    shifts = compare(bench.workspace, bench.snapshot, changes)
    return [
        _doubtful(Regions(path, bench.contents[path], lot), lot, shift)
        for (path, lot), shift in zip(lots, shifts, strict=True)
    ]


def _doubtful(regions: "Regions", lot: Sequence[Repair], shift: Shift) -> set[str]:
    if shift.after.tool_failures:
        return {one.id for one in lot}
    before, after = shift.before.marks, shift.after.marks
    rules = regions.after(after.rules) - regions.before(before.rules)
    faults_before, faults_after = regions.before(before.faults), regions.after(after.faults)
    came = {place for place, _ in (rules | (faults_after - faults_before))}
    accused = {one.id for place in came for one in regions.near(place)}
    return accused | {
        one.id for one in lot if _is_single(one) and not regions.resolved(one, faults_before - faults_after)
    }


class Regions:
    """The lines of a file that a lot of its repairs touches, in regions with untouched lines between them."""

    def __init__(self, path: str, content: bytes, lot: Sequence[Repair]) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        self._moved: list[int] = []
        """How many lines come behind a region, by it and those before it."""
        self._repairs: list[list[Repair]] = []
        self._of = {one.id: set[int]() for one in lot}
        breaks = [match.start() for match in re.finditer(rb"\n", content)]
        edits = sorted(
            ((edit, one) for one in lot for edit in one.edits if edit.path == path),
            key=lambda pair: (pair[0].start, pair[0].end),
        )
        done: Edit | None = None
        for edit, repair in edits:
            first, last = (1 + bisect_left(breaks, offset) for offset in (edit.start, edit.end))
            if not self._lasts or first > self._lasts[-1]:
                self._open(first)
            self._lasts[-1] = max(last, self._lasts[-1])
            if edit != done:
                self._moved[-1] += edit.text.count("\n") - (last - first)
            self._repairs[-1].append(repair)
            self._of[repair.id].add(len(self._firsts) - 1)
            done = edit

    def _open(self, first: int) -> None:
        self._firsts.append(first)
        self._lasts.append(first)
        self._moved.append(self._moved[-1] if self._moved else 0)
        self._repairs.append([])

    def before(self, marks: Iterable[Mark]) -> Standing:
        """Count what stands at which place of the file as it is."""
        return Counter((_place(line, self._firsts, self._lasts), name) for name, line in marks)

    def after(self, marks: Iterable[Mark]) -> Standing:
        """Count what stands at which place of the file with the lot."""
        ahead = [0, *self._moved]
        firsts = [first + moved for first, moved in zip(self._firsts, ahead, strict=False)]
        lasts = [last + moved for last, moved in zip(self._lasts, self._moved, strict=True)]
        counted: Standing = Counter()
        for name, line in marks:
            region, at = _place(line, firsts, lasts)
            counted[(region, at and at - ahead[region + 1]), name] += 1
        return counted

    def near(self, place: Place) -> list[Repair]:
        """Return the repairs of a region, or of those on both sides of a line."""
        region, line = place
        return [one for lot in self._repairs[max(region, 0) : region + 1 + bool(line)] for one in lot]

    def resolved(self, repair: Repair, gone: Standing) -> bool:
        """Say whether what a repair claims is gone from its lines, however many claim it there."""
        mine = self._of[repair.id]
        rivals = {one.id: one for region in mine for one in self._repairs[region]}
        claims = Counter(fault for one in rivals.values() for fault in one.faults)
        return all(
            sum(gone[(region, 0), fault] for region in mine) >= claims[fault] for fault in repair.faults
        )


def _place(line: int, firsts: Sequence[int], lasts: Sequence[int]) -> Place:
    region = bisect_right(firsts, line) - 1
    return (region, 0) if region >= 0 and line <= lasts[region] else (region, line)
