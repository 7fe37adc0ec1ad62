"""Repairs that are good alone and make a file worse together: the ones that tip it are found and dropped."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from nightmend.detectors.running import ToolError
from nightmend.proof.bench import Bench
from nightmend.repairs.recheck import Shift, change, compare
from nightmend.repairs.repair import Repair
from nightmend.repairs.typed import new_type_errors

_ROUNDS = 24
"""Looks at the most in one search; a file that is worse after them loses all its repairs."""
_BY_FILE = 8
"""Beginnings of a file's repairs in one look: the tools read them all in one run."""
_BY_ALL = 1
"""The same of all repairs: mypy runs once for each beginning."""

Worse = Mapping[str, tuple[str, ...]]
"""By file what became more in it; empty where nothing did."""
Groups = dict[str, list[Repair]]
"""Repairs that are judged beside each other: those of a file by its path, or all of them by no path."""
Look = Callable[[Bench, Sequence[tuple[str, Sequence[Repair]]]], list[Worse]]
"""Says of beginnings of groups what they make worse."""


def drop_worse(bench: Bench) -> tuple[str, ...]:
    """Drop the repairs that make their file worse beside the others; return the new grave issues left."""
    dropped = _search(bench, Bench.by_file, _new_faults, _BY_FILE)
    with suppress(ToolError):  # where mypy cannot say, nothing is known
        while _search(bench, _everything, _new_type_errors, _BY_ALL):
            dropped = True
            _search(bench, Bench.by_file, _new_faults, _BY_FILE)
    if not dropped:
        return ()
    groups = bench.by_file()
    left = zip(groups, _shifts(bench, groups.items()), strict=True)
    return tuple(
        f"{fault} in {path}" for path, shift in left for fault in shift.after.graver_than(shift.before)
    )


@dataclass
class _Span:
    """How many first repairs of a group are known to be fine, and how many, if that is known, are worse."""

    fine: int = 0
    bad: int = 0
    worse: Worse = field(default_factory=dict)

    def lengths(self, whole: int, ways: int) -> list[int]:
        """Return up to `ways` lengths to look at, at equal distances; the whole, where it is not known."""
        if self.worse:
            return _between(self.fine, self.bad, ways)
        return [*_between(self.fine, whole, ways - 1), whole] if whole > self.fine else []

    def learn(self, answers: Iterable[tuple[int, Worse]]) -> None:
        """Take in what looks at rising lengths say, as far as the first that is worse."""
        for length, worse in answers:
            if worse:
                self.bad, self.worse = length, worse
                return
            self.fine = length


def _search(bench: Bench, grouped: Callable[[Bench], Groups], look: Look, ways: int) -> bool:
    """Drop from each group what tips it: the last of the shortest beginning that is worse, until none is.

    Says whether anything was dropped.
    """
    standing = len(bench.open)
    spans = {name: _Span() for name in grouped(bench)}
    for number in range(_ROUNDS):
        groups = _of(grouped(bench), spans)
        ways_now = ways if number else 1  # most groups are fine as a whole
        lengths = {name: spans[name].lengths(len(group), ways_now) for name, group in groups.items()}
        begun = [(name, groups[name][:length]) for name in groups for length in lengths[name]]
        if not begun:
            return len(bench.open) < standing
        answers = iter(look(bench, begun))
        for name, group in groups.items():
            span = spans[name]
            span.learn([(length, next(answers)) for length in lengths[name]])
            if not span.worse:
                del spans[name]
            elif span.bad == span.fine + 1:
                [tip] = group[span.fine : span.bad]
                _drop(bench, [tip], span.worse)
                spans |= {path: _Span() for path in tip.paths}  # it is gone from other groups, too
                spans[name] = _Span(fine=span.fine)
    groups = _of(grouped(bench), spans)
    for group, worse in zip(groups.values(), look(bench, list(groups.items())), strict=True):
        there = [repair for repair in group if worse.keys() & set(repair.paths)]
        _drop(bench, (there or group) if worse else (), worse)
    return len(bench.open) < standing


def _of(groups: Groups, names: Iterable[str]) -> Groups:
    return {name: groups[name] for name in names if name in groups}


def _between(low: int, high: int, number: int) -> list[int]:
    """Return up to `number` whole numbers above `low` and below `high`, at equal distances."""
    return sorted({low + (high - low) * step // (number + 1) for step in range(1, number + 1)} - {low})


def _drop(bench: Bench, repairs: Iterable[Repair], worse: Worse) -> None:
    names = sorted({name for names in worse.values() for name in names})
    for repair in repairs:
        bench.drop(repair, "rolled_back", f"with it comes more of: {', '.join(names)}")


def _everything(bench: Bench) -> Groups:
    """Return all repairs as one group: a type may be wrong in one file by a change of another."""
    return {"": bench.open} if bench.open else {}


def _new_faults(bench: Bench, begun: Sequence[tuple[str, Sequence[Repair]]]) -> list[Worse]:
    """Look for grave faults, and for measures that may never fall."""
    long_lines = bench.workspace.night.long_lines
    risen = [
        (*after.graver_than(before), *after.below(before, long_lines=long_lines))
        for before, after in _shifts(bench, begun)
    ]
    return [{path: faults} if faults else {} for (path, _), faults in zip(begun, risen, strict=True)]


def _shifts(bench: Bench, begun: Iterable[tuple[str, Sequence[Repair]]]) -> tuple[Shift, ...]:
    """Compare files with what some of their repairs make of them."""
    changes = [change(path, bench.contents[path], repairs) for path, repairs in begun]
    return compare(bench.workspace, bench.snapshot, changes)


def _new_type_errors(bench: Bench, begun: Sequence[tuple[str, Sequence[Repair]]]) -> list[Worse]:
    """Look for errors of mypy, where the target uses it."""
    variants = [bench.changed(repairs) for _, repairs in begun]
    return list(new_type_errors(bench.workspace, bench.snapshot, variants))
