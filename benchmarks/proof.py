"""What the proof of many repairs costs, in runs of the suite: `python benchmarks/proof.py [NAME ...]`.

Repairs of all kinds are judged and settled by the engine's own functions, as a phase does. What the tests
condemned is tried again without our search: by the tests that did so alone, or else by the whole suite, alone
and beside all that was kept.
"""

import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import islice

import candidates
import page
from meter import Meter, spent, watch_boxes
from real_projects import engine
from row import Machine, machine
from sources import Project, environment, listed, repository

from nightmend.evidence import Judgement
from nightmend.frozen import Frozen
from nightmend.home import state_folder
from nightmend.nights import open_night
from nightmend.patterns.source import Module
from nightmend.proof.baseline import establish_baseline
from nightmend.proof.bench import Bench
from nightmend.proof.compare import broken_tests
from nightmend.proof.judge import judge
from nightmend.proof.reach import Reach
from nightmend.proof.rungs import equality_rung, syntax_rung
from nightmend.proof.suite import run_suite
from nightmend.repairs.repair import Repair, apply_repairs
from nightmend.repairs.settle import Settled, settle
from nightmend.targets.config import target_config
from nightmend.targets.protected import is_test
from nightmend.workspace import Workspace

RESULTS = page.ROWS / "proof"
CHOSEN = ("boltons", "ciw", "python-engineio", "sqlite-utils")
MANY = 200
BAD_SHARE = 0.05
ASKED = 20
"""Tests that are asked whether a mistake breaks one."""
SHOWN = 0.05
"""Runs below which a step is not worth a word."""
TRIED = 260
"""Candidates that are looked at to find so many good ones."""


class Batch(Frozen):
    """What one lot of repairs came to."""

    repairs: int
    kept: int
    grades: dict[str, int]
    refused: int
    rolled_back: int
    runs: float
    """Processor time in full warm runs of the suite, all of it."""
    steps: dict[str, float]
    """The same by step."""
    untested: int
    """Repairs that were decided without a test of the target: equal, or refused before the tests."""
    equal: int
    wrongly_dropped: int
    broken: int
    """Tests that passed before and do not pass on the tree with what was kept."""

    @property
    def tests(self) -> float:
        """Runs of the rung of tests and of the whole suite when a lot is settled."""
        return sum(self.steps.get(step, 0) for step in ("tests_rung", "prove_whole"))


class Figures(Frozen):
    """What one project came to."""

    project: str
    tests: int
    suite_cpu: float
    """Processor seconds of a full warm run."""
    recording: float
    """Processor time of a run that records which test reaches what, beside a plain one."""
    equality_ms: float
    """Processor milliseconds of the equality rung for a repair."""
    pool: dict[str, int]
    batches: dict[str, Batch]
    machine: Machine
    engine: str


class Subject:
    """A project with its baseline, on which lots of repairs are tried."""

    def __init__(self, project: Project, *, long_lines: bool = False) -> None:
        folder = state_folder() / "benchmarks" / f"{project.name}-{project.version}"
        folder.mkdir(parents=True, exist_ok=True)
        place = repository(project, folder)
        python = str(environment(project, place, folder)) if project.needs else None
        night = open_night(
            place,
            python,
            home=folder / "proof",
            build_environment=not python,
            long_lines=long_lines,
            tell=print,
        )
        self.workspace = Workspace(night)
        self.base = night.base
        self.floor = target_config(self.workspace.store, self.base).python_floor
        self.baseline = establish_baseline(self.workspace, self.base)
        self.suite_cpu = sorted(self._plain_run() for _ in range(3))[1]

    def _plain_run(self) -> float:
        before = spent()
        run_suite(self.workspace, self.base, without=self.baseline.suite.left_out)
        return spent() - before

    def breaks(self, repair: Repair, tests: Collection[str]) -> bool:
        """Say whether a repair alone breaks any of some tests, which pass without it."""
        if not tests:
            return False
        runs = [
            run_suite(self.workspace, self.base, changes=changes, only=sorted(tests))
            for changes in ({}, self._changes([repair]))
        ]
        return bool(set(broken_tests(*runs)) - set(self.baseline.unsteady))

    def _changes(self, repairs: Sequence[Repair]) -> dict[str, bytes]:
        paths = sorted({path for one in repairs for path in one.paths})
        return apply_repairs(repairs, self.workspace.store.read_many(self.base, paths))

    def broken(self, repairs: Sequence[Repair]) -> frozenset[str]:
        """Return the tests that these repairs break, by the whole suite and a second look."""
        if not repairs:
            return frozenset()
        changes = self._changes(repairs)
        found: set[str] | None = None
        for _ in range(2):
            run = run_suite(self.workspace, self.base, changes=changes, without=self.baseline.suite.left_out)
            here = set(broken_tests(self.baseline.suite, run)) - set(self.baseline.unsteady)
            found = here if found is None else found & here
            if not found:
                break
        return frozenset(found or ())

    def judged(self, repairs: Iterable[Repair]) -> tuple[Judgement, ...]:
        """Take repairs up the ladder."""
        return judge(self.workspace, self.base, repairs, self.baseline, self.floor)

    def tried(self, name: str, repairs: Sequence[Repair]) -> tuple[Batch, Settled]:
        """Judge and settle a lot, and say what it cost and whether that was right."""
        meter = Meter()
        with meter.running():
            settled = settle(self.workspace, self.base, self.judged(repairs), self.baseline)
        kept = _kept(settled.judgements)
        condemned = [one for one in settled.judgements if one.evidence.tests_broken]
        wrongly = [one for one in condemned if not self._is_bad(one, kept)]
        batch = Batch(
            repairs=len(repairs),
            kept=len(kept),
            grades=_counted(one.grade or "none" for one in settled.judgements if one.verdict == "kept"),
            refused=sum(one.verdict == "refused" for one in settled.judgements),
            rolled_back=sum(one.verdict == "rolled_back" for one in settled.judgements),
            runs=round(meter.cpu / self.suite_cpu, 2),
            steps={step: round(cpu / self.suite_cpu, 3) for step, cpu in meter.by_step.items()},
            untested=sum(_untested(one) for one in settled.judgements),
            equal=sum(one.evidence.equal_by_construction or False for one in settled.judgements),
            wrongly_dropped=len(wrongly),
            broken=len(self.broken(kept)),
        )
        print(name, batch, *(f"{one.repair.id} {one.reason}" for one in wrongly), sep="\n  ", flush=True)
        return batch, settled

    def _is_bad(self, judgement: Judgement, kept: Sequence[Repair]) -> bool:
        """Ask the tests that condemned a repair alone, then the whole suite, alone and beside the others."""
        repair = judgement.repair
        blamed = self.breaks(repair, judgement.evidence.tests_broken)
        return blamed or bool(self.broken([repair]) or self.broken([*kept, repair]))


def main(names: Sequence[str]) -> None:
    """Measure the named projects, or four, keep what they came to, and draw the table."""
    watch_boxes()
    for name in names or CHOSEN:
        figures = measured(listed()[name])
        page.keep(RESULTS, name, figures)
        draw()


def draw() -> None:
    """Write the table of all figures that are kept into the page."""
    kept = page.kept(RESULTS, Figures)
    page.put("proof", table(kept))


def table(kept: Sequence[Figures]) -> str:
    """One line for each goal, one column a project."""
    facts: dict[tuple[str, str], Callable[[Figures], str]] = {
        ("tests in the suite, CPU seconds of a full warm run", ""): lambda one: (
            f"{one.tests}, {one.suite_cpu:.1f} s"
        ),
        ("candidates", ""): lambda one: ", ".join(f"{kind} {count}" for kind, count in one.pool.items()),
        ("tests broken by what was kept, in all lots", "0"): lambda one: str(
            sum(lot.broken for lot in one.batches.values())
        ),
        ("repairs wrongly dropped, in all lots", "0"): lambda one: str(
            sum(lot.wrongly_dropped for lot in one.batches.values())
        ),
        ("runs for 200 good repairs of all kinds", "3"): lambda one: _lot(one, "good"),
        ("runs for 200 linter fixes that are not equal", "5"): lambda one: _lot(one, "good linter fixes"),
        ("runs with 5 % that break a test", "6"): lambda one: _lot(one, "some bad"),
        ("of these, the tests alone", ""): lambda one: (
            f"{one.batches['good'].tests:.1f}, {one.batches['good linter fixes'].tests:.1f},"
            f" {one.batches['some bad'].tests:.1f}"
        ),
        ("where the runs of the first lot went", ""): lambda one: _steps(one.batches["good"]),
        ("equal by construction, of repairs as they come", ""): lambda one: _share(
            one.batches["as they come"], one.batches["as they come"].equal
        ),
        ("decided without a test, of repairs as they come", "75 %"): lambda one: _share(
            one.batches["as they come"], one.batches["as they come"].untested
        ),
        ("CPU time of the equality rung for a repair", "3 ms"): lambda one: f"{one.equality_ms:.1f} ms",
        ("recording with contexts, beside a plain run", "1.7"): lambda one: f"{one.recording:.2f}",
        ("machine", ""): lambda one: f"{one.machine.cores} cores, Python {one.machine.python}",
        ("nightmend", ""): lambda one: f"`{one.engine}`",
    }
    head = ["", "goal", *(one.project for one in kept)]
    return page.grid(
        head, [[name, goal, *(fact(one) for one in kept)] for (name, goal), fact in facts.items()]
    )


def _lot(one: Figures, name: str) -> str:
    lot = one.batches[name]
    return f"{lot.runs:.1f} ({lot.repairs} tried, {lot.kept} kept)"


def _share(lot: Batch, number: int) -> str:
    return f"{100 * number / lot.repairs:.0f} % of {lot.repairs}"


def _steps(lot: Batch) -> str:
    told = {step.removesuffix("_rung").replace("_", " "): runs for step, runs in lot.steps.items()}
    return ", ".join(f"{step} {runs:.1f}" for step, runs in told.items() if runs >= SHOWN)


def measured(project: Project) -> Figures:
    """Try lots of repairs of one project."""
    subject = Subject(project)
    pool = candidates.candidates(subject.workspace)
    found, settled = subject.tried("as they come", pool[:TRIED])
    good = _kept(settled.judgements)[:MANY]
    fixes, milliseconds = unequal(subject, [one for one in pool if one.pattern.startswith(candidates.LINTER)])
    good_fixes = _kept(subject.judged(fixes[:TRIED]))[:MANY]
    bad = breaking(subject, round(BAD_SHARE * MANY))
    lots = {
        "good": good,
        "good linter fixes": good_fixes,
        "some bad": candidates.apart([*bad, *good])[: len(good)],
    }
    batches = {"as they come": found}
    batches |= {name: subject.tried(name, lot)[0] for name, lot in lots.items()}
    return Figures(
        project=project.label,
        tests=len(subject.baseline.suite.outcomes),
        suite_cpu=round(subject.suite_cpu, 2),
        recording=round(recording(subject), 2),
        equality_ms=round(milliseconds, 2),
        pool=_counted(one.pattern.split("-")[0] for one in pool),
        batches=batches,
        machine=machine(),
        engine=engine(),
    )


def unequal(subject: Subject, fixes: Sequence[Repair]) -> tuple[list[Repair], float]:
    """Return what survives the equality rung, and its milliseconds for a repair."""
    bench = Bench(subject.workspace, subject.base, fixes, subject.floor)
    syntax_rung(bench)
    _ = bench.erasure  # is made once for all of them
    before = spent()
    equality_rung(bench)
    cost = 1000 * (spent() - before) / max(len(bench.open), 1)
    return [one for one in bench.open if bench.grades.get(one.id) != "A"], cost


def breaking(subject: Subject, number: int) -> list[Repair]:
    """Return planted mistakes that break a test, each in a function of its own choice."""
    paths = [path for path in subject.baseline.suite.spectrum.reached if not is_test(path)]
    contents = subject.workspace.store.read_many(subject.base, sorted(paths))
    modules = filter(None, (Module.parse(path, text) for path, text in contents.items()))
    planted = [one for module in modules for one in candidates.mistakes(module)]
    reach = Reach(subject.baseline.judging.spectrum, contents)
    shuffled = ((one, reach.tests(one) or ()) for one in candidates.shuffled(planted))
    found = (one for one, tests in shuffled if subject.breaks(one, sorted(tests)[:ASKED]))
    return list(islice(found, number))


def recording(subject: Subject) -> float:
    """Return what recording costs, as a ratio of two runs each."""
    before = spent()
    for _ in range(2):
        run_suite(subject.workspace, subject.base, coverage=True, without=subject.baseline.suite.left_out)
    return (spent() - before) / 2 / subject.suite_cpu


def _kept(judgements: Iterable[Judgement]) -> list[Repair]:
    return [one.repair for one in judgements if one.verdict == "kept"]


def _untested(judgement: Judgement) -> bool:
    """Say whether no test was needed: it is equal, or fell before the tests, or none could tell of it."""
    return judgement.evidence.equal_by_construction or judgement.verdict == "refused"


def _counted(names: Iterable[str]) -> dict[str, int]:
    listed = list(names)
    return {name: listed.count(name) for name in sorted(set(listed))}


if __name__ == "__main__":
    main(sys.argv[1:])
