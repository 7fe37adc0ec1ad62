"""Find which repair breaks each of several tests, with few runs: each answers for many of them at once."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from enum import Enum, auto
from itertools import islice
from typing import NamedTuple

from nightmend.frozen import Frozen
from nightmend.repairs.repair import Repair
from nightmend.workers import each

WITNESSES = 24
"""Tests that are searched at once; the others are looked at again when the guilty are gone."""
AT_ONCE = 2
"""Runs from which a round learns, however many workers there are: more would ask what one of them answers."""


class Told(NamedTuple):
    """What a run told of tests; of those in neither set nothing, since it was cut short before their turn."""

    red: frozenset[str] = frozenset()
    green: frozenset[str] = frozenset()


Runs = Callable[[Sequence[Repair], Sequence[str]], Told]
"""What these tests say when exactly these repairs are applied."""


class Accusation(Frozen):
    """A repair that breaks tests: alone, or only together with others that stay."""

    repair: str
    tests: tuple[str, ...]
    together_with: tuple[str, ...] = ()


class _Step(Enum):
    HALVE = auto()
    """Several suspects are left: half of them are tried."""
    CONFIRM = auto()
    """One is left: does it break the test alone?"""
    TOGETHER = auto()
    """It does not: does it beside what was kept?"""
    GUILTY = auto()
    NOBODY = auto()
    """The suspects do not break the test at all: the guilty one is elsewhere."""


class _Search:
    """Halves the suspects of one test until one is left.

    With `keep` alone the test passes; with `keep` and `candidates` it breaks. So the search ends at a repair
    without which it would pass, whether that breaks it alone or beside what is kept.
    """

    def __init__(self, test: str, suspects: Sequence[Repair]) -> None:
        self.test = test
        self.suspects = tuple(suspects)
        self.candidates = list(suspects)
        self.keep: list[Repair] = []
        self.step = _Step.HALVE if len(suspects) > 1 else _Step.CONFIRM
        self._red_once = False

    def plan(self, decided: Mapping[str, bool]) -> dict[str, bool] | None:
        """Say which suspects the next run must have and which it must lack; None where that cannot be had.

        `decided` is what other tests want of the same run.
        """
        kept = {one.id for one in self.keep if self.step is not _Step.CONFIRM}
        halves = self._halves(decided) if self.step is _Step.HALVE else {self.candidates[0].id: True}
        wanted = {one.id: one.id in kept for one in self.suspects} | (halves or {})
        clashes = any(decided.get(name, inside) != inside for name, inside in wanted.items())
        return None if halves is None or clashes else wanted

    def _halves(self, decided: Mapping[str, bool]) -> dict[str, bool] | None:
        free = [one.id for one in self.candidates if one.id not in decided]
        inside = sum(decided.get(one.id, False) for one in self.candidates)
        outside = len(self.candidates) - len(free) - inside
        least, most = (0 if inside else 1), len(free) - (0 if outside else 1)
        if least > most:
            return None
        chosen = set(free[: max(least, min(most, len(self.candidates) // 2 - inside))])
        return {one.id: decided.get(one.id, one.id in chosen) for one in self.candidates}

    def learn(self, applied: Collection[str], red: bool) -> None:
        """Narrow the search by what a run showed."""
        match self.step:
            case _Step.HALVE:
                self._narrow(applied, red)
            case _Step.CONFIRM:
                apart = _Step.GUILTY if self._red_once else _Step.TOGETHER
                self.keep = [] if red else self.keep
                self.step = _Step.GUILTY if red else apart if self.keep else _Step.NOBODY
            case _Step.TOGETHER:
                self.step = _Step.GUILTY if red else _Step.NOBODY

    def _narrow(self, applied: Collection[str], red: bool) -> None:
        part = [one for one in self.candidates if one.id in applied]
        if red:
            self.candidates, self._red_once = part, True
        else:
            self.candidates = [one for one in self.candidates if one.id not in applied]
            self.keep += part
        if len(self.candidates) == 1:
            self.step = _Step.GUILTY if red and not self.keep else _Step.CONFIRM

    def accusation(self) -> Accusation:
        """Name the guilty one, with partners in the same files where there are such."""
        guilty = self.candidates[0]
        near = [one for one in self.keep if set(one.paths) & set(guilty.paths)] or self.keep
        return Accusation(repair=guilty.id, tests=(self.test,), together_with=tuple(one.id for one in near))


def isolate(suspects: Mapping[str, Sequence[Repair]], run: Runs) -> list[Accusation]:
    """Name a guilty repair for each of some tests that break, by the suspects of each.

    A test passes with none of its suspects. Without the accused it would pass, beside those of its suspects
    that were not accused. A caller removes the accused and looks again: what they masked shows itself then.
    Nobody is accused of a test that its suspects do not break.
    """
    everybody = {one.id: one for some in suspects.values() for one in some}

    def ran(ask: _Ask) -> Told:
        repairs = [repair for name, repair in everybody.items() if name in ask.applied]
        return run(repairs, [one.test for one in ask.asked])

    searches = [_Search(test, suspects[test]) for test in _witnesses(suspects)]
    while waiting := [one for one in searches if one.step not in (_Step.GUILTY, _Step.NOBODY)]:
        asks = list(islice(_next_runs(waiting), AT_ONCE))
        for (applied, asked), told in zip(asks, each(ran, asks), strict=True):
            heard = [one for one in asked if one.test in told.red | told.green]
            for search in heard or asked:  # a run that told nothing was broken by its repairs
                search.learn(applied, search.test not in told.green)
    return _merged(search.accusation() for search in searches if search.step is _Step.GUILTY)


class _Ask(NamedTuple):
    """One run: its repairs, and the searches that learn from it."""

    applied: frozenset[str]
    asked: list[_Search]


def _next_runs(waiting: Sequence[_Search]) -> Iterator[_Ask]:
    """Yield runs that may go at once, until each test that waits is in one of them."""
    while waiting:
        ask = _next_run(waiting)
        yield ask
        waiting = [one for one in waiting if one not in ask.asked]


def _next_run(waiting: Sequence[_Search]) -> _Ask:
    """Choose the repairs of one run so that it tells something of as many tests as possible."""
    decided: dict[str, bool] = {}
    asked = []
    for search in sorted(waiting, key=lambda one: (-len(one.candidates), one.test)):
        wanted = search.plan(decided)
        if wanted is not None:
            decided |= wanted
            asked.append(search)
    return _Ask(frozenset(name for name, inside in decided.items() if inside), asked)


def _witnesses(suspects: Mapping[str, Sequence[Repair]]) -> list[str]:
    """Choose one test for each set of suspects, the smallest sets first: others would tell nothing new."""
    first: dict[frozenset[str], str] = {}
    for test in sorted(test for test, some in suspects.items() if some):
        first.setdefault(frozenset(one.id for one in suspects[test]), test)
    return [test for _, test in sorted(first.items(), key=lambda item: (len(item[0]), item[1]))][:WITNESSES]


def _merged(accusations: Iterable[Accusation]) -> list[Accusation]:
    """Put the accusations of one repair together; who breaks a test alone needs no partner."""
    merged: dict[str, Accusation] = {}
    for one in accusations:
        before = merged.get(one.repair, one)
        partners = before.together_with if one.together_with else ()
        tests = tuple(dict.fromkeys((*before.tests, *one.tests)))
        merged[one.repair] = Accusation(repair=one.repair, tests=tests, together_with=partners)
    return list(merged.values())
