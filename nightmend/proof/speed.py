"""Whether a change makes the same work cheaper, beyond the noise of this machine.

The work is the bodies of tests, repeated; its cost is CPU time, since no rule on wall clock held here. Every
round starts three fresh processes in random order: the tree before, the same tree again, and the tree after.
Before and before again must not differ, or the measurement is worth nothing.
"""

import math
import random
import statistics
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

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
QUICK_ROUNDS, PLAIN_GAIN, PLAIN_DRIFT = 3, 0.25, 0.1
"""A first look: so many rounds, and what they must show to need no second one."""
CANDIDATES = 40
"""Tests whose own gain is looked at before a few are chosen."""
CHOSEN = 4
CHUNKS = 8
SLOW = 0.1
"""CPU seconds of one body from which it is not repeated."""


class Round(Frozen):
    """CPU seconds of the same work in three fresh processes."""

    before: float
    again: float
    after: float


def claims_gain(speed: Speed) -> bool:
    """Say whether a measurement supports that the change is faster."""
    return speed.lower_bound > LEAST_BOUND and speed.gain >= LEAST_GAIN


def measure_speed(
    workspace: Workspace,
    snapshot: Snapshot,
    before: Mapping[str, bytes],
    after: Mapping[str, bytes],
    tests: Sequence[str],
    *,
    budget: float = 20,
    sample: float = 0.3,
) -> Speed | None:
    """Compare two trees by the CPU time of tests that reach what differs between them.

    `budget` is about what all of it may cost in CPU seconds, `sample` what one process measures. None where
    the tests do not pass, cost too much, or differ between equal trees.
    """
    track = _Track(workspace, snapshot, (before, after))
    work = _choose(track, tests, sample)
    if not work:
        return None
    verdict = glance(_quick_rounds(track, work))
    return verdict if isinstance(verdict, Speed) else _weigh_carefully(track, work, budget)


def _weigh_carefully(track: "_Track", work: Mapping[str, int], budget: float) -> Speed | None:
    rounds: list[Round] = []
    for _ in range(ROUNDS):
        begun = track.spent
        measured = _round(track, work)
        if measured is not None:
            rounds.append(measured)
        cost = track.spent - begun
        if track.spent + cost * max(1, FEWEST_ROUNDS - len(rounds)) > budget:
            break
    return weigh(rounds)


class _Track:
    """Runs tests on the trees to compare, and counts what that cost."""

    def __init__(
        self, workspace: Workspace, snapshot: Snapshot, trees: Sequence[Mapping[str, bytes]]
    ) -> None:
        self._workspace = workspace
        self._snapshot = snapshot
        self._trees = trees
        self.spent = 0.0

    def run(self, tree: int, work: Mapping[str, int], seed: int = 0) -> dict[str, float]:
        """Return the CPU seconds of each test that passed; `work` says how often each is repeated."""
        run = run_suite(
            self._workspace,
            self._snapshot,
            changes=self._trees[tree],
            only=tuple(work),
            repeat={test: repeat for test, repeat in work.items() if repeat},
            limits=SUITE_LIMITS.model_copy(update={"cpu_seconds": 120, "wall_seconds": 240}),
            hash_seed=seed,
        )
        self.spent += run.cpu_seconds
        passed = {test for test, outcome in run.outcomes.items() if outcome == "passed"}
        return {test: run.call_seconds[test] for test in work if run.usable and test in passed}


def _choose(track: _Track, tests: Sequence[str], sample: float) -> dict[str, int]:
    """Return the tests to compare by, with their repetitions: those that gain, unless others lose by it."""
    once = track.run(0, dict.fromkeys(tests, 0))
    cheapest = sorted(once, key=once.__getitem__)[:CANDIDATES]
    tried = {test: _repetitions(once[test], sample / 8) for test in cheapest}
    if not tried:
        return {}
    with ThreadPoolExecutor(2) as pool:
        early, late = pool.map(lambda tree: track.run(tree, tried), (0, 1))
    known = [test for test in tried if early.get(test) and late.get(test)]
    by_gain = sorted(known, key=lambda test: late[test] / early[test])
    loses = sum(late[test] for test in known) > sum(early[test] for test in known)
    chosen = by_gain if loses else by_gain[:CHOSEN]
    return {test: _repetitions(once[test], sample / len(chosen)) for test in chosen}


def _repetitions(seconds: float, wanted: float) -> int:
    """Return how often a body is repeated in each of the chunks; 0 is once in all."""
    if seconds >= SLOW:
        return 0
    return max(1, round(wanted / CHUNKS / max(seconds, 1e-6)))


def _quick_rounds(track: _Track, work: Mapping[str, int]) -> list[Round]:
    """Take a few rounds two processes at a time: noisier, and enough for what is far from the limit."""
    jobs = [(number, name) for number in range(QUICK_ROUNDS) for name in Round.model_fields]
    random.shuffle(jobs)
    seeds = [random.randrange(2**32 - 1) for _ in range(QUICK_ROUNDS)]  # noqa: S311 -- noise, no secret

    def cost(job: tuple[int, str]) -> float:
        measured = track.run(int(job[1] == "after"), work, seeds[job[0]])
        return sum(measured.values()) if len(measured) == len(work) else 0.0

    with ThreadPoolExecutor(2) as pool:
        costs = dict(zip(jobs, pool.map(cost, jobs), strict=True))
    return [
        Round.model_validate({name: costs[number, name] for name in Round.model_fields})
        for number in range(QUICK_ROUNDS)
    ]


def glance(rounds: Sequence[Round]) -> Speed | None:
    """Judge what a few rounds show beyond doubt, None where it takes a closer look.

    A gain is beyond doubt where each round gains more than PLAIN_GAIN and equal trees differ by less than
    PLAIN_DRIFT, far more than the noise of 0.035 that was measured. None is where the middle round gains
    less than half of what a claim needs: going on would cost much and most likely claim nothing.
    """
    if len(rounds) < QUICK_ROUNDS or any(min(one.before, one.again, one.after) <= 0 for one in rounds):
        return None
    gains = [1 - one.after / math.sqrt(one.before * one.again) for one in rounds]
    drift = max(abs(math.log(one.before / one.again)) for one in rounds)
    plain = min(gains) > PLAIN_GAIN and drift < PLAIN_DRIFT
    if not plain and statistics.median(gains) > LEAST_GAIN / 2:
        return None
    return Speed(
        before=statistics.median(one.before for one in rounds),
        after=statistics.median(one.after for one in rounds),
        gain=statistics.median(gains),
        lower_bound=min(gains) if plain else min(0.0, *gains),
        pairs=len(rounds),
    )


def _round(track: _Track, work: Mapping[str, int]) -> Round | None:
    seed = random.randrange(2**32 - 1)  # noqa: S311 -- noise, no secret
    costs: dict[str, float] = {}
    for name in random.sample(list(Round.model_fields), k=3):
        measured = track.run(int(name == "after"), work, seed)
        if len(measured) < len(work):
            return None
        costs[name] = sum(measured.values())
    return Round.model_validate(costs)


def weigh(rounds: Sequence[Round]) -> Speed | None:
    """Judge rounds as a whole; None where there are too few, or equal trees seem to differ."""
    if len(rounds) < FEWEST_ROUNDS or any(min(one.before, one.again, one.after) <= 0 for one in rounds):
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
