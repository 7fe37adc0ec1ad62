"""The dear rung: the target's own tests, on a whole batch at once."""

import threading
from collections.abc import Collection, Mapping, Sequence

from nightmend.errors import NightmendError
from nightmend.proof.baseline import Baseline
from nightmend.proof.bench import Bench
from nightmend.proof.compare import broken_tests
from nightmend.proof.isolate import Accusation, Told, isolate
from nightmend.proof.parts import file_of, parts_of
from nightmend.proof.reach import Reach
from nightmend.proof.suite import SuiteRun, limits_beside, run_suite
from nightmend.repairs.repair import Repair
from nightmend.workers import each


class Trial:
    """Runs the tests of subsets of a bench and counts what that cost."""

    def __init__(self, bench: Bench, baseline: Baseline) -> None:
        self.bench = bench
        self.baseline = baseline
        self._reach = Reach(baseline.suite.spectrum, bench.contents, bench.imports_same)
        self._tests: dict[str, frozenset[str] | None] = {}
        self.runs = 0
        self._counting = threading.Lock()
        self.excused: set[str] = set(baseline.unsteady)
        """Tests that no repair is judged by, because they fail or flicker by themselves."""
        self.limits = limits_beside(baseline.suite)
        self.overran: dict[str, str] = {}
        """Tests in which a run came to a limit, with that limit."""

    def reaching(self, repairs: Sequence[Repair]) -> frozenset[str] | None:
        """Return the tests that can tell of any of the repairs; None is the whole suite."""
        found: set[str] = set()
        for repair in repairs:
            tests = self._tests_of(repair)
            if tests is None:
                return None
            found |= tests
        return self._asked(None) & found

    def run(
        self, repairs: Sequence[Repair], only: Collection[str] | None = None, *, beside: bool = False
    ) -> Told:
        """Say how the tests that passed before, or some of them, do with exactly these repairs.

        They run in parts at once, but for those that are to run `beside` each other.
        """
        asked = self._asked(only)
        if not repairs or not asked:
            return Told(green=asked)
        changes = self.bench.changed(repairs)
        whole = [None if only is None else sorted(asked)]
        parts: Sequence[Sequence[str] | None] = whole if beside else self._parts(asked) or whole
        runs = each(lambda part: self._suite(part, changes), parts)
        told = [
            self._told(asked if part is None else frozenset(part), run)
            for part, run in zip(parts, runs, strict=True)
        ]
        red, green = (frozenset().union(*some) for some in zip(*told, strict=True))
        return Told(red, green)

    def _parts(self, asked: Collection[str]) -> list[list[str]]:
        """Split tests into the same parts for any number of workers; none where one run has to do."""
        there = self.bench.workspace.store.files(self.bench.snapshot)
        named = all(file_of(test) in there for test in asked)  # else pytest finds it in no file
        parts = parts_of(self.baseline.suite, asked) if named else []
        return parts if len(parts) > 1 else []

    def _suite(self, only: Sequence[str] | None, changes: Mapping[str, bytes] = {}) -> SuiteRun:
        after = run_suite(
            self.bench.workspace,
            self.bench.snapshot,
            changes=changes,
            only=only,
            without=self.baseline.suite.left_out,
            limits=self.limits,
        )
        with self._counting:
            self.runs += 1
        if not after.usable:
            raise NightmendError(f"the tests cannot judge repairs here: {after.reason}")
        return after

    def _asked(self, only: Collection[str] | None) -> frozenset[str]:
        passed = (name for name, outcome in self.baseline.suite.outcomes.items() if outcome == "passed")
        return frozenset(passed if only is None else only) - self.excused

    def _told(self, asked: frozenset[str], after: SuiteRun) -> Told:
        """Read a run; where it was cut short, those broke that said so, and the one at which it ended."""
        green = frozenset(name for name in asked if after.outcomes.get(name) == "passed")
        red = asked - green
        if after.cut_short:
            place = after.stopped_in
            red = frozenset(name for name in red if name in after.outcomes or place in (name, file_of(name)))
        if after.limit:
            known = getattr(self.limits, after.limit, None)
            limit = f"{after.limit} of {known:.0f}" if isinstance(known, int | float) else after.limit
            self.overran |= dict.fromkeys(red - after.outcomes.keys(), limit)
        return Told(red or asked - green, green)

    def _at_base(self, tests: Collection[str]) -> Told:
        """Say how some tests do without any repair."""
        after = self._suite(sorted(tests))
        red = frozenset(broken_tests(self.baseline.suite, after)) & frozenset(tests)
        return Told(red, frozenset(tests) - red)

    def clear(self, seen: frozenset[str] | None = None) -> None:
        """Roll back every repair of the bench that breaks a test, until the rest is green.

        `seen` are the tests that a run of the whole suite with all of them broke, where there was one.
        Repairs of grade A take no part: no test could tell them from the base.
        """
        only = None if seen is not None else self.reaching(self._batch())
        waiting = self._asked(only)
        told = self.run(self._batch(), only) if seen is None else Told(seen, waiting - seen)
        while told.red:
            waiting -= told.red | told.green
            self._look_again(told.red, only)
            told = self.run(self._batch(), waiting)

    def _look_again(self, tests: frozenset[str], only: Collection[str] | None) -> None:
        """Find who breaks some tests; what fails only now and then, or on the base too, accuses nobody."""
        batch = self._batch()
        again, base = each(lambda look: look(tests), (lambda some: self.run(batch, some), self._at_base))
        self.excused |= base.red & again.red
        self._convict_by(again.red - self.excused)
        self._convict_beside(only, again.green)
        if untold := tests - again.red - again.green - self.excused:
            self._look_again(untold, only)

    def _batch(self) -> list[Repair]:
        return [repair for repair in self.bench.open if self.bench.grades.get(repair.id) != "A"]

    def _convict_by(self, tests: frozenset[str]) -> None:
        """Roll back whoever breaks these tests, which fail by themselves too, until they pass."""
        while tests and (batch := self._batch()):
            accusations = isolate({test: self._suspects(test, batch) for test in tests}, self.run)
            accusations = accusations or isolate({min(tests): batch}, self.run)
            if not accusations:
                self.excused |= tests
                return
            accused = {one.repair for one in accusations}
            told = self.run([one for one in batch if one.id not in accused], tests)
            convict(self.bench, self._with_all_tests(accusations, tests & told.green), self.overran)
            tests -= told.green

    def _with_all_tests(self, accusations: Sequence[Accusation], mended: frozenset[str]) -> list[Accusation]:
        """Blame an accused repair for the other tests, too, that reach it and pass without it."""
        blamed = {test for one in accusations for test in one.tests}
        by_id = {repair.id: repair for repair in self.bench.open}
        told = []
        for one in accusations:
            rest = sorted(test for test in mended - blamed if self._is_reached(by_id[one.repair], test))
            blamed.update(rest)
            told.append(one.model_copy(update={"tests": (*one.tests, *rest)}))
        return told

    def _suspects(self, test: str, batch: list[Repair]) -> list[Repair]:
        """Return the repairs that a test reaches; all where none is known."""
        return [repair for repair in batch if self._is_reached(repair, test)] or batch

    def _is_reached(self, repair: Repair, test: str) -> bool:
        tests = self._tests_of(repair)
        return tests is None or test in tests

    def _tests_of(self, repair: Repair) -> frozenset[str] | None:
        """Return the tests that can tell of a repair, worked out once; None is all of them."""
        if repair.id not in self._tests:
            self._tests[repair.id] = self._reach.tests(repair)
        return self._tests[repair.id]

    def _convict_beside(self, only: Collection[str] | None, tests: frozenset[str]) -> None:
        """Roll back whoever breaks tests that fail only beside others: that needs them all, twice."""

        def run(repairs: Sequence[Repair], wanted: Collection[str]) -> Told:
            told = self.run(repairs, only, beside=True)
            return Told(told.red.intersection(wanted), told.green.intersection(wanted))

        while tests and (batch := self._batch()):
            told = run(batch, tests)
            self.excused |= told.green
            tests = told.red
            accusations = isolate({min(tests): batch}, run) if tests else []
            if not accusations:
                self.excused |= tests
                return
            convict(self.bench, accusations, self.overran)


def tests_rung(bench: Bench, baseline: Baseline) -> int:
    """Roll back every repair that breaks a test that reaches it; return the runs needed."""
    if not baseline.suite.usable:
        return 0
    trial = Trial(bench, baseline)
    trial.clear()
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
