"""The dear rungs: the target's own tests, on a whole batch at once, and measured speed."""

from collections.abc import Mapping, Sequence

from nightmend.errors import NightmendError
from nightmend.proof.baseline import Baseline
from nightmend.proof.bench import Bench
from nightmend.proof.compare import broken_tests
from nightmend.proof.isolate import Accusation, isolate
from nightmend.proof.suite import SuiteRun, limits_beside, run_suite
from nightmend.repairs.repair import Repair


class Trial:
    """Runs the tests of subsets of a bench and counts what that cost."""

    def __init__(self, bench: Bench, baseline: Baseline) -> None:
        self.bench = bench
        self.baseline = baseline
        self.runs = 0
        self.excused: set[str] = set(baseline.unsteady)
        """Tests that no repair is judged by, because they fail or flicker by themselves."""
        self.limits = limits_beside(baseline.suite)
        self.overran: dict[str, str] = {}
        """Tests in which a run came to a limit, with that limit."""

    def broken(self, repairs: Sequence[Repair], only: Sequence[str] | None = None) -> frozenset[str]:
        """Return the tests that passed before and do not pass with exactly these repairs."""
        if not repairs:
            return frozenset()
        self.runs += 1
        bench = self.bench
        changes = bench.changed(repairs)
        after = run_suite(
            bench.workspace,
            bench.snapshot,
            changes=changes,
            only=only,
            without=self.baseline.suite.left_out,
            limits=self.limits,
        )
        if not after.usable:
            raise NightmendError(f"the tests cannot judge repairs here: {after.reason}")
        broken = set(broken_tests(self.baseline.suite, after)) - self.excused
        return self._reported(after, frozenset(broken & set(only) if only is not None else broken))

    def _reported(self, after: SuiteRun, broken: frozenset[str]) -> frozenset[str]:
        """Leave out the tests that never had their turn, because another one came to a limit."""
        if not after.limit:
            return broken
        if after.stopped_in in broken:
            broken = broken.intersection((*after.outcomes, after.stopped_in))
        known = getattr(self.limits, after.limit, None)
        limit = f"{after.limit} of {known:.0f}" if isinstance(known, int | float) else after.limit
        self.overran |= dict.fromkeys(broken - after.outcomes.keys(), limit)
        return broken

    def broken_at_base(self, tests: Sequence[str]) -> frozenset[str]:
        """Return those of the tests that fail without any repair too: nobody is to blame for them."""
        self.runs += 1
        after = run_suite(self.bench.workspace, self.bench.snapshot, only=tests, limits=self.limits)
        return frozenset(set(broken_tests(self.baseline.suite, after)) & set(tests))

    def accuse(self, batch: Sequence[Repair]) -> list[Accusation]:
        """Return the guilty of a batch, none where it is green or only flickers."""
        tests = self.broken(batch)
        if not tests:
            return []
        alone = sorted(tests)
        again = self.broken(batch, alone)
        if again:
            steady = again - self.broken_at_base(sorted(again))
            if steady:
                chosen = sorted(steady)
                return isolate(batch, lambda subset: self.broken(subset, chosen), frozenset(steady))
        # What fails only beside the other tests needs whole runs, and a second look before any blame.
        repeated = self.broken(batch) & (tests - again)
        self.excused |= tests - repeated
        return isolate(batch, lambda subset: self.broken(subset) & repeated, repeated) if repeated else []


def tests_rung(bench: Bench, baseline: Baseline) -> int:
    """Roll back every repair that breaks a test, until the rest is green together; return the runs needed.

    Repairs of grade A take no part: no test could tell them from the base.
    """
    trial = Trial(bench, baseline)
    if not baseline.suite.usable:
        return 0
    while batch := [repair for repair in bench.open if bench.grades.get(repair.id) != "A"]:
        accusations = trial.accuse(batch)
        if not accusations:
            break
        convict(bench, accusations, trial.overran)
    return trial.runs


def convict(bench: Bench, accusations: Sequence[Accusation], overran: Mapping[str, str]) -> None:
    """Roll the accused back, each with the tests that it breaks as the reason."""
    by_id = {repair.id: repair for repair in bench.open}
    for accusation in accusations:
        repair = by_id.get(accusation.repair)
        if repair is None:
            continue
        bench.note(repair, tests_broken=accusation.tests)
        beside = f", beside {', '.join(accusation.together_with[:3])}" if accusation.together_with else ""
        shown = ", ".join(accusation.tests[:3])
        more = f" and {len(accusation.tests) - 3} more" if len(accusation.tests) > 3 else ""
        limit = next((overran[test] for test in accusation.tests if test in overran), "")
        late = f": the run came to its limit, {limit}" if limit else ""
        bench.drop(repair, "rolled_back", f"it breaks {shown}{more}{beside}{late}")
