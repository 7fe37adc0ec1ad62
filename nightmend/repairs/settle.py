"""The end of a phase: agents' repairs become one snapshot, proved as a whole, and commits of it."""

import textwrap
from collections.abc import Iterable, Sequence

from nightmend.agents import PHASES
from nightmend.evidence import Judgement
from nightmend.frozen import Frozen
from nightmend.night import ALWAYS
from nightmend.patterns.pattern import Pattern
from nightmend.proof.baseline import Baseline
from nightmend.proof.bench import Bench, why_kept
from nightmend.proof.carried import carried
from nightmend.proof.compare import broken_tests
from nightmend.proof.layout_rung import combined_layout_rung
from nightmend.proof.mutants import guarded
from nightmend.proof.redetection_rung import combined_redetection_rung
from nightmend.proof.rungs import overlap_rung
from nightmend.proof.suite import SuiteRun, run_suite
from nightmend.proof.trial import Trial
from nightmend.repairs.repair import FOREIGN, Repair, apply_repairs
from nightmend.repairs.tipping import drop_worse
from nightmend.report.text import line
from nightmend.snapshot import Snapshot
from nightmend.workspace import Workspace

PROPOSED = "Apply what another tool proposed"
PHASES_OF_REPAIRS = len(PHASES) - len(ALWAYS)
SUBJECT, BODY = 72, 72
"""Characters of a line in a commit's message."""


class Settled(Frozen):
    """A phase's new snapshot with all that was judged on the way to it."""

    snapshot: Snapshot
    judgements: tuple[Judgement, ...]
    baseline: Baseline
    """The tests of exactly this snapshot."""
    broken: tuple[str, ...]
    new_high: tuple[str, ...]


def settle(
    workspace: Workspace,
    snapshot: Snapshot,
    judgements: Iterable[Judgement],
    baseline: Baseline,
    *,
    mistakes: bool = True,
) -> Settled:
    """Combine what the agents kept; drop what clashes, breaks a test, or makes a file worse.

    Without `mistakes` no test is asked whether it notices one: no repair gets grade B.
    """
    judged = tuple(judgements)
    bench = Bench(workspace, snapshot, (one.repair for one in judged if one.verdict == "kept"))
    overlap_rung(bench)
    combined_layout_rung(bench)
    proved, new_high = _stood_together(bench, baseline)
    dropped = {one.repair.id: one for one in bench.judgements() if one.verdict != "kept"}
    final = tuple(_amend(one, dropped) for one in judged)
    changes = bench.changed(bench.open)
    settled = workspace.store.write(snapshot, changes) if changes else snapshot
    return Settled(
        snapshot=settled,
        judgements=_graded(workspace, settled, final, proved) if mistakes else final,
        baseline=proved,
        broken=tuple(sorted(set(broken_tests(baseline.suite, proved.suite)) - set(proved.unsteady))),
        new_high=new_high,
    )


def _stood_together(bench: Bench, baseline: Baseline) -> tuple[Baseline, tuple[str, ...]]:
    """Drop repairs until those left bring nothing, make no file worse and break no test, as one tree.

    Returns the tests of that tree, and the new grave issues in it.
    """
    tested = None
    proved = baseline
    while True:
        new_high = _looked_at_together(bench)
        standing = len(bench.open)
        if standing == tested:
            return proved, new_high
        proved = _prove_whole(bench, baseline)
        tested = len(bench.open)
        if tested == standing:
            return proved, new_high


def _looked_at_together(bench: Bench) -> tuple[str, ...]:
    """Drop what the tools have to say of, until they have nothing; return the new grave issues left."""
    while True:
        standing = len(bench.open)
        combined_redetection_rung(bench)
        new_high = drop_worse(bench)
        if len(bench.open) == standing:
            return new_high


def _amend(judgement: Judgement, dropped: dict[str, Judgement]) -> Judgement:
    fallen = dropped.get(judgement.repair.id)
    if fallen is None or judgement.verdict != "kept":
        return judgement
    shown = {
        "tests_broken": fallen.evidence.tests_broken or judgement.evidence.tests_broken,
        "overlaps": fallen.evidence.overlaps,
        "new_issues": fallen.evidence.new_issues or judgement.evidence.new_issues,
        "issue_gone": judgement.evidence.issue_gone
        if fallen.evidence.issue_gone is None
        else fallen.evidence.issue_gone,
    }
    return judgement.model_copy(
        update={
            "verdict": fallen.verdict,
            "reason": fallen.reason,
            "evidence": judgement.evidence.model_copy(update=shown),
        }
    )


def _graded(
    workspace: Workspace, snapshot: Snapshot, judgements: Sequence[Judgement], baseline: Baseline
) -> tuple[Judgement, ...]:
    """Raise to grade B whatever tests guard against a mistake, as far as the budget goes."""
    kept = [one for one in judgements if one.verdict == "kept"]
    waiting = {one.repair.id for one in kept if one.grade == "C" and one.evidence.mistake_noticed is None}
    budget = workspace.night.sandbox.mutation_budget / PHASES_OF_REPAIRS
    if not waiting or not baseline.suite.usable or not budget or workspace.night.time_is_over:
        return tuple(judgements)
    everything = [one.repair for one in kept]
    found = guarded(workspace, snapshot, everything, waiting, baseline.judging, budget)
    return tuple(_with_guard(one, found.get(one.repair.id)) for one in judgements)


def _with_guard(judgement: Judgement, noticed: bool | None) -> Judgement:
    if noticed is None:
        return judgement
    evidence = judgement.evidence.model_copy(update={"mistake_noticed": noticed})
    better = {"grade": "B", "reason": why_kept(evidence)} if noticed else {}
    return judgement.model_copy(update={"evidence": evidence, **better})


def _prove_whole(bench: Bench, baseline: Baseline) -> Baseline:
    """Run the whole suite on the combination until it is no worse, rolling the guilty back."""
    if not bench.open or not baseline.suite.usable:
        return baseline
    trial = Trial(bench, baseline)
    while True:
        changes = bench.changed(bench.open)
        suite = run_suite(
            bench.workspace,
            bench.snapshot,
            changes=changes,
            without=baseline.suite.left_out,
            limits=trial.limits,
        )
        broken = frozenset(set(broken_tests(baseline.suite, suite)) - trial.excused)
        standing = len(bench.open)
        trial.clear(broken)
        if len(bench.open) == standing:
            # What broke here and has no guilty at a second look flickers, or fails without any repair too.
            unsteady = tuple(sorted(trial.excused | broken))
            return baseline.model_copy(
                update={"suite": _with_reach(suite, bench, baseline), "unsteady": unsteady}
            )


def _with_reach(suite: SuiteRun, bench: Bench, baseline: Baseline) -> SuiteRun:
    """Say of a run what its tests reach without recording it again, which costs most of another run."""
    edits = [edit for repair in bench.open for edit in repair.edits]
    spectrum = carried(baseline.suite.spectrum, edits, bench.contents)
    return suite.model_copy(update={"spectrum": spectrum, "coverage_failed": baseline.suite.coverage_failed})


def commit_patterns(
    workspace: Workspace,
    snapshot: Snapshot,
    parent: str,
    judgements: Sequence[Judgement],
    patterns: dict[str, Pattern],
) -> tuple[str, dict[str, str]]:
    """Commit the kept repairs of a phase, one commit a pattern.

    Returns the last commit, and the commit of each repair by its id.
    """
    kept = [one for one in judgements if one.verdict == "kept"]
    paths = sorted({path for one in kept for path in one.repair.paths})
    contents = workspace.store.read_many(snapshot, paths)
    applied: list[Repair] = []
    commits: dict[str, str] = {}
    for name in dict.fromkeys(one.repair.pattern for one in kept):
        group = [one for one in kept if one.repair.pattern == name]
        applied += [one.repair for one in group]
        tree = workspace.store.write(snapshot, apply_repairs(applied, contents))
        parent = workspace.store.commit(tree, parent, commit_message(name, group, patterns.get(name)))
        commits |= {one.repair.id: parent for one in group}
    return parent, commits


def commit_message(name: str, group: Sequence[Judgement], pattern: Pattern | None) -> str:
    """Write the message of a pattern's commit; its trailers name the repairs and their evidence."""
    files = sorted({path for one in group for path in one.repair.paths})
    where = f"{len(group)} places in {len(files)} files" if len(files) > 1 else f"In {line(files[0])}"
    trailers = [
        f"Nightmend-Repair: {one.repair.id} {line(one.repair.paths[0])}:{one.repair.line} grade={one.grade}"
        for one in group
    ]
    return "\n".join(
        [
            _subject(name, len(group), pattern, min(one.repair.round for one in group)),
            "",
            *textwrap.wrap(_why(group[0].repair, pattern), BODY),
            "",
            f"{where}.",
            "",
            f"Nightmend-Agent: {group[0].repair.agent}",
            *trailers,
            "",
        ]
    )


def _why(repair: Repair, pattern: Pattern | None) -> str:
    if repair.foreign:
        return "Each of these edits was proved alone, and all of them together; what was not is left out."
    return pattern.why if pattern else repair.summary


def _subject(name: str, places: int, pattern: Pattern | None, number: int) -> str:
    """Say what a commit does, in which round if not the first, and in how many places where that fits."""
    known = PROPOSED if name == FOREIGN else pattern.title if pattern else None
    title = known or f"{'Mend' if pattern else 'Apply the fix of'} {name.replace('-', ' ')}"
    title = f"{title}, round {number}" if number > 1 else title
    counted = f"{title} ({places} places)"
    return counted if places > 1 and len(counted) <= SUBJECT else title
