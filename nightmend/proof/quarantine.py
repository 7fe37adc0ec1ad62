"""Tests that do not end alike each time on one tree: some flicker, others an earlier test decides."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from nightmend.frozen import Frozen
from nightmend.proof.records import SuiteRun

SEARCHING_RUNS = 32
"""Runs of parts of the suite, at most, that look for what decides tests that depend on the order."""
Cause = Literal["flaky", "order", "hash_seed"]


class Quarantined(Frozen):
    """A test by which no repair is judged."""

    test: str
    cause: Cause
    order_seed: int
    """Of the order beside the suite's own in which it was looked at."""
    hash_seed: int
    """PYTHONHASHSEED in that run."""
    spoiled_by: str = ""
    """The one test behind which it fails; alone it passes."""
    needs: str = ""
    """The one test behind which it passes; alone it fails."""


class Way(NamedTuple):
    """How a suite is run: the seed of its order, None for its own, and PYTHONHASHSEED."""

    order: int | None
    hash_seed: int


Run = Callable[[Way, Sequence[str] | None], SuiteRun]
"""Runs the suite, or some tests in the order in which they come there."""


class Looked(NamedTuple):
    """What looking again told."""

    quarantined: tuple[Quarantined, ...]
    runs: int
    """Of the whole suite, those included that were there before."""


def quarantine(first: SuiteRun, second: SuiteRun, own: Way, other: Way, run: Run) -> Looked:
    """Look again at the tests that passed in one of two runs only: `first` its `own` way, `second` another.

    Where there are none, nothing is run. Else the other way is gone again: what differs then flickers. For
    the rest the suite is run in its own order with the other hash seed: what ends there as in the first run
    depends on the order. What does not is decided by that seed, or flickers: the own way gone again tells.
    What had no turn in a second run that was cut short is compared in the suite's own order, as it is.
    """
    more: list[SuiteRun] = []

    def again(way: Way) -> SuiteRun:
        more.append(run(way, None))
        return more[-1]

    flaky = _passed(first) ^ _passed(again(own)) if second.cut_short else set()
    by_order, by_hash = differing_tests(first, second) - flaky, set[str]()
    if by_order:
        flaky |= differing_tests(second, again(other))
        by_order -= flaky
    if by_order:
        hashed = again(own._replace(hash_seed=other.hash_seed))
        by_hash = by_order & differing_tests(first, hashed)
        flaky |= differing_tests(first, hashed) - by_hash
    if by_hash:
        plain = hashed if own.hash_seed == other.hash_seed else again(own)
        flaky |= differing_tests(first, plain)
    search = _Search(((first, own._replace(hash_seed=other.hash_seed)), (second, other)), run)
    quarantined = (
        *_named(flaky, "flaky", other),
        *_named(by_hash - flaky, "hash_seed", other),
        *map(search.decided, _named(by_order - by_hash - flaky, "order", other)),
    )
    return Looked(quarantined, 2 + len(more))


def differing_tests(one: SuiteRun, other: SuiteRun) -> set[str]:
    """Return the tests that passed in one of two runs only, of those that had their turn in both."""
    apart = _passed(one) ^ _passed(other)
    return {test for test in apart if _had_turn(one, test) and _had_turn(other, test)}


def _passed(run: SuiteRun) -> set[str]:
    return {test for test, outcome in run.outcomes.items() if outcome == "passed"}


def _had_turn(run: SuiteRun, test: str) -> bool:
    return not run.cut_short or test in run.outcomes or run.stopped_in in (test, test.partition("::")[0])


def _named(tests: Iterable[str], cause: Cause, way: Way) -> Iterator[Quarantined]:
    for test in sorted(tests):
        yield Quarantined(test=test, cause=cause, order_seed=way.order or 0, hash_seed=way.hash_seed)


class _Search:
    """Finds the earlier test that decides how others end, while the runs last."""

    def __init__(self, seen: Sequence[tuple[SuiteRun, Way]], run: Run) -> None:
        self._seen = seen
        self._run = run
        self._left = SEARCHING_RUNS
        self._found: list[str] = []

    def decided(self, quarantined: Quarantined) -> Quarantined:
        """Name what spoils a test that passes alone, or what one needs that fails alone."""
        test = quarantined.test
        (red, red_way), (green, green_way) = sorted(self._seen, key=lambda one: test in _passed(one[0]))
        if test not in red.outcomes or (alone := self._passes(red_way, [test])) is None:
            return quarantined  # what ends the run would do so in every one
        run, way = (red, red_way) if alone else (green, green_way)
        names = list(run.outcomes)
        decider = self._decider(
            names[: names.index(test)], lambda some: self._passes(way, [*some, test]) is (not alone)
        )
        return quarantined.model_copy(update={"spoiled_by" if alone else "needs": decider})

    def _decider(self, before: Sequence[str], turns: Callable[[Sequence[str]], bool]) -> str:
        """Return the one of the tests before that turns the outcome; empty where no single one does."""
        for known in self._found:
            if known in before and turns([known]):
                return known
        while len(before) > 1:
            middle = len(before) // 2
            halves = (before[middle:], before[:middle])
            before = next((half for half in halves if turns(half)), ())
        self._found += before
        return before[0] if before else ""

    def _passes(self, way: Way, tests: Sequence[str]) -> bool | None:
        """Say whether the last of some tests passes behind the others; None where no run is left."""
        if not self._left:
            return None
        self._left -= 1
        return tests[-1] in _passed(self._run(way, tests))
