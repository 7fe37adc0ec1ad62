"""Whether a change makes the same work cheaper, beyond the noise of this machine.

The work is the bodies of tests, repeated; its cost is CPU time, since no rule on wall clock held here. Every
round starts three fresh processes in random order: the tree before, the same tree again, and the tree after.
Before and before again must not differ, or the measurement is worth nothing. Starting a process costs most:
changes that no test reaches together are measured in the same ones.
"""

import math
import random
import statistics
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

from nightmend.evidence import Speed
from nightmend.frozen import Frozen
from nightmend.proof.suite import run_suite
from nightmend.settings import SUITE_LIMITS
from nightmend.snapshot import Snapshot
from nightmend.workspace import Workspace

LEAST_BOUND, LEAST_GAIN = 0.01, 0.05
"""A claim needs this much at 99 % confidence, and this much in the median pair."""
ROUNDS, FEWEST_ROUNDS = 12, 8
CONFIDENCE = 0.99
PLAIN_GAIN = {2: 0.4, 3: 0.25}
"""A first look: after so many rounds, what each must gain to need no closer one."""
PLAIN_DRIFT = 0.1
PLAIN_TIMES = 5
"""Equal trees may differ by PLAIN_DRIFT, or by so many times less than the gain."""
CANDIDATES = 40
"""Tests whose own gain is looked at before a few are chosen."""
CHOSEN = 4
CHUNKS = 8
MOST_MORE = 32
"""How many times more often than at that look a test may be repeated: its body may become dearer."""
SLOW = 0.1
"""CPU seconds of one body from which it is not repeated."""
Work: TypeAlias = Mapping[str, int]
"""Tests, with how often each is repeated."""


class Round(Frozen):
    """CPU seconds of the same work in three fresh processes."""

    before: float
    again: float
    after: float


def claims_gain(speed: Speed) -> bool:
    """Say whether a measurement supports that the change is faster."""
    return speed.lower_bound > LEAST_BOUND and speed.gain >= LEAST_GAIN


def measure_speeds(
    workspace: Workspace,
    snapshot: Snapshot,
    changes: Mapping[str, bytes],
    claims: Mapping[str, Sequence[str]],
    seconds: Mapping[str, float],
    *,
    budget: float = 20,
    sample: float = 0.3,
) -> dict[str, Speed | None]:
    """Compare a snapshot with `changes` laid over it, in which several claims of speed stand together.

    Each claim has the tests that reach it and no other of them, so that one process measures all. `seconds`
    is about what a test costs, `budget` what one claim may cost in CPU seconds, `sample` what one process
    measures of it. None is where the tests do not pass, cost too much, or differ between equal trees.
    """
    track = _Track(workspace, snapshot, ({}, changes))
    works = _choose(track, claims, seconds, sample)
    speeds, unsure = _look(track, works)
    return dict.fromkeys(claims) | speeds | _weigh_carefully(track, unsure, budget * len(unsure))


class _Track:
    """Runs tests on the trees to compare, and counts what that cost."""

    def __init__(
        self, workspace: Workspace, snapshot: Snapshot, trees: Sequence[Mapping[str, bytes]]
    ) -> None:
        self._workspace = workspace
        self._snapshot = snapshot
        self._trees = trees
        self.spent = 0.0

    def run(self, tree: int, works: Iterable[Work], seed: int = 0) -> dict[str, float]:
        """Return the CPU seconds of each test that passed and is steady; `works` repeat them so often."""
        repeats = {test: repeat for work in works for test, repeat in work.items()}
        run = run_suite(
            self._workspace,
            self._snapshot,
            changes=self._trees[tree],
            only=tuple(repeats),
            repeat={test: repeat for test, repeat in repeats.items() if repeat},
            limits=SUITE_LIMITS.model_copy(update={"cpu_seconds": 120, "wall_seconds": 240}),
            hash_seed=seed,
        )
        self.spent += run.cpu_seconds
        passed = {test for test, outcome in run.outcomes.items() if outcome == "passed"} - {*run.growing}
        return {test: run.call_seconds[test] for test in repeats if run.usable and test in passed}

    def costs(self, tree: int, works: Mapping[str, Work], seed: int) -> dict[str, float]:
        """Return the CPU seconds of each work; 0 where a test of it did not pass."""
        measured = self.run(tree, works.values(), seed)
        return {
            claim: sum(measured[test] for test in work) if work.keys() <= measured.keys() else 0.0
            for claim, work in works.items()
        }


def _choose(
    track: _Track, claims: Mapping[str, Sequence[str]], seconds: Mapping[str, float], sample: float
) -> dict[str, Work]:
    """Return for each claim the tests to compare by: those that gain, unless others lose by it."""
    looks = {
        claim: {
            test: _repetitions(seconds.get(test, 0), sample / 8)
            for test in sorted(tests, key=lambda test: seconds.get(test, 0))[:CANDIDATES]
        }
        for claim, tests in claims.items()
    }
    with ThreadPoolExecutor(2) as pool:
        early, late = pool.map(lambda tree: track.run(tree, looks.values()), (0, 1))
    works: dict[str, Work] = {}
    for claim, look in looks.items():
        known = [test for test in look if early.get(test) and late.get(test)]
        by_gain = sorted(known, key=lambda test: late[test] / early[test])
        loses = sum(late[test] for test in known) > sum(early[test] for test in known)
        chosen = by_gain if loses else _best(by_gain, early, late)
        if chosen:
            works[claim] = {
                test: min(
                    _repetitions(early[test] / (CHUNKS * look[test] or 1), sample / len(chosen)),
                    MOST_MORE * look[test],
                )
                for test in chosen
            }
    return works


def _best(by_gain: Sequence[str], early: Mapping[str, float], late: Mapping[str, float]) -> list[str]:
    """Return a few tests that gain about as much as the best one."""
    gains = {test: 1 - late[test] / early[test] for test in by_gain[:CHOSEN]}
    return [test for test, gain in gains.items() if gain >= max(gains.values()) / 2]


def _repetitions(seconds: float, wanted: float) -> int:
    """Return how often a body is repeated in each of the chunks; 0 is once in all."""
    if seconds >= SLOW:
        return 0
    return max(1, round(wanted / CHUNKS / max(seconds, 1e-6)))


def _look(track: _Track, works: Mapping[str, Work]) -> tuple[dict[str, Speed], dict[str, Work]]:
    """Take no more rounds than each work needs; return what they show, and what takes a closer look."""
    rounds: dict[str, list[Round]] = {claim: [] for claim in works}
    speeds: dict[str, Speed] = {}
    unsure, done = dict(works), 0
    for enough in PLAIN_GAIN:
        for claim, fresh in _side_by_side(track, unsure, enough - done).items():
            rounds[claim] += fresh
            if speed := glance(rounds[claim]):
                speeds[claim] = speed
            if speed or not _all_ran(rounds[claim]):
                del unsure[claim]
        done = enough
    return speeds, unsure


def _all_ran(rounds: Sequence[Round]) -> bool:
    return all(min(one.before, one.again, one.after) > 0 for one in rounds)


def _side_by_side(track: _Track, works: Mapping[str, Work], count: int) -> dict[str, list[Round]]:
    """Take rounds two processes at a time: noisier, and enough for what is far from the limit."""
    seeds = [_seed() for _ in range(count if works else 0)]
    jobs = [(seed, name) for seed in seeds for name in Round.model_fields]
    random.shuffle(jobs)
    with ThreadPoolExecutor(2) as pool:
        measured = pool.map(lambda job: track.costs(int(job[1] == "after"), works, job[0]), jobs)
        costs = dict(zip(jobs, measured, strict=True))
    return {
        claim: [
            Round.model_validate({name: costs[seed, name][claim] for name in Round.model_fields})
            for seed in seeds
        ]
        for claim in works
    }


def _weigh_carefully(track: _Track, works: Mapping[str, Work], budget: float) -> dict[str, Speed | None]:
    """Take more rounds, one process at a time and no more than the budget has, of what is still open."""
    rounds: list[dict[str, Round]] = []
    for _ in range(ROUNDS if works else 0):
        begun = track.spent
        seed = _seed()
        costs = {
            name: track.costs(int(name == "after"), works, seed)
            for name in random.sample(list(Round.model_fields), k=3)
        }
        rounds.append(
            {
                claim: Round.model_validate({name: costs[name][claim] for name in Round.model_fields})
                for claim in works
            }
        )
        cost = track.spent - begun
        if track.spent + cost * max(1, FEWEST_ROUNDS - len(rounds)) > budget:
            break
    return {claim: weigh([one[claim] for one in rounds]) for claim in works}


def _seed() -> int:
    return random.randrange(2**32 - 1)  # noqa: S311 -- noise, no secret


def glance(rounds: Sequence[Round]) -> Speed | None:
    """Judge what a few rounds show beyond doubt, None where it takes a closer look.

    A gain is beyond doubt where each round gains more than PLAIN_GAIN, far more than the noise of 0.035 that
    was measured, and equal trees differ by little beside it. No claim is where the middle round, of two the
    better, gains less than half of what one needs: going on would cost much and hardly change that.
    """
    if len(rounds) not in PLAIN_GAIN or not _all_ran(rounds):
        return None
    ratios = [math.log(math.sqrt(one.before * one.again) / one.after) for one in rounds]
    gains = [1 - math.exp(-ratio) for ratio in ratios]
    drift = max(abs(math.log(one.before / one.again)) for one in rounds)
    calm = drift < max(PLAIN_DRIFT, min(ratios) / PLAIN_TIMES)
    plain = calm and min(gains) > PLAIN_GAIN[len(rounds)]
    if not plain and sorted(gains)[len(gains) // 2] > LEAST_GAIN / 2:
        return None
    return Speed(
        before=statistics.median(one.before for one in rounds),
        after=statistics.median(one.after for one in rounds),
        gain=statistics.median(gains),
        lower_bound=min(gains) if plain else min(0.0, *gains),
        pairs=len(rounds),
    )


def weigh(rounds: Sequence[Round]) -> Speed | None:
    """Judge rounds as a whole; None where there are too few, or equal trees seem to differ."""
    if len(rounds) < FEWEST_ROUNDS or not _all_ran(rounds):
        return None
    drift = [math.log(one.before / one.again) for one in rounds]
    if any(_bound(sign) > LEAST_BOUND for sign in (drift, [-ratio for ratio in drift])):
        return None
    ratios = [math.log(math.sqrt(one.before * one.again) / one.after) for one in rounds]
    return Speed(
        before=statistics.median(one.before for one in rounds),
        after=statistics.median(one.after for one in rounds),
        gain=1 - math.exp(-statistics.median(ratios)),
        lower_bound=1 - math.exp(-_bound(ratios)),
        pairs=len(rounds),
    )


def _bound(ratios: Sequence[float]) -> float:
    """Return the bootstrap 99 % lower bound of the median; a pair of the other sign refutes any gain.

    The bootstrap is exact, not drawn: the middle of a resample is at most the k-th smallest ratio when at
    least half of the resample is among the k smallest.
    """
    ordered, size = sorted(ratios), len(ratios)
    middle = (size + 1) // 2

    def chance(smallest: int) -> float:
        share = smallest / size
        counts = range(middle, size + 1)
        return sum(math.comb(size, n) * share**n * (1 - share) ** (size - n) for n in counts)

    bound = next(ratio for at, ratio in enumerate(ordered, 1) if chance(at) >= 1 - CONFIDENCE)
    return min(bound, *ordered) if ordered[0] <= 0 else bound
