"""The functions in which the slowest tests of a target spend their time, and the memory that they take."""

from collections.abc import Sequence

from pydantic import Field

from nightmend.frozen import Frozen
from nightmend.proof.baseline import Baseline
from nightmend.proof.records import FunctionTime
from nightmend.proof.suite import run_suite
from nightmend.settings import SUITE_LIMITS
from nightmend.snapshot import Snapshot
from nightmend.workspace import Workspace

TESTS, SECONDS = 5, 1.0
"""So many tests are profiled at most, as far as their bodies together take so many CPU seconds without it."""
LIMITS = SUITE_LIMITS.model_copy(update={"cpu_seconds": 20, "wall_seconds": 60})
SHOWN = 10


class Profile(Frozen):
    """What the slowest tests do, as line-profiler and memory-profiler saw it."""

    tests: tuple[str, ...] = ()
    seconds: float = 0
    """On the clock in the bodies of the tests, the profiler's own work included."""
    functions: tuple[FunctionTime, ...] = ()
    """Of the target's own functions those with the most time, what they call included."""
    peak_memory: dict[str, float] = Field(default_factory=dict)
    """MiB of the process, by test; empty where that could not be measured."""
    trouble: str = ""
    """Why something of this is missing."""

    @property
    def peak_mib(self) -> float | None:
        """The most memory that any of the tests took."""
        return max(self.peak_memory.values(), default=None)

    def share(self, function: FunctionTime) -> float:
        """Return the percent of the tests' time that a function takes."""
        return round(min(100.0, 100 * function.seconds / self.seconds), 1) if self.seconds else 0.0

    @property
    def metrics(self) -> dict[str, float | str | None]:
        """The numbers as a report shows them."""
        hot = [f"{one.name} ({one.path}:{one.line}) {self.share(one)}%" for one in self.functions[:3]]
        return {
            "hot_functions": ", ".join(hot) or None,
            "peak_memory_mib": self.peak_mib and round(self.peak_mib, 1),
            "profile": self.trouble or f"{len(self.tests)} slowest tests",
        }


def profile_tests(workspace: Workspace, snapshot: Snapshot, baseline: Baseline) -> Profile:
    """Profile the slowest tests that pass; about twenty seconds at most."""
    if not baseline.suite.usable:
        return Profile(trouble=baseline.suite.reason)
    tests = slowest(baseline)
    if not tests:
        return Profile(trouble="no test that passes is quick enough to be profiled")
    run = run_suite(workspace, snapshot, only=tests, profilers=True, limits=LIMITS)
    seen = run.profiled
    missing = "" if seen.seconds else run.reason
    return Profile(
        tests=tests,
        seconds=seen.seconds,
        functions=seen.functions[:SHOWN],
        peak_memory=seen.peak_memory,
        trouble="; ".join(filter(None, (*seen.failed, missing))),
    )


def slowest(baseline: Baseline) -> tuple[str, ...]:
    """Return the steady tests that take the most time, as many as may be profiled."""
    passed = [test for test, outcome in baseline.suite.outcomes.items() if outcome == "passed"]
    spent = baseline.suite.call_seconds
    ranked = sorted(set(passed) - set(baseline.unsteady), key=lambda test: (-spent.get(test, 0.0), test))
    return _affordable(ranked, [spent.get(test, 0.0) for test in ranked])


def _affordable(tests: Sequence[str], seconds: Sequence[float]) -> tuple[str, ...]:
    chosen: list[str] = []
    left = SECONDS
    for test, cost in zip(tests, seconds, strict=True):
        if cost <= left and len(chosen) < TESTS:
            chosen.append(test)
            left -= cost
    return tuple(chosen)
