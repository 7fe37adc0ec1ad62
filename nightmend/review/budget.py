"""The review budget: of what a night kept, the gravest and best proved part ships, proved as just that tree.

What the phases proved is the combination of all that they kept. A part of it is another tree, so the chosen
repairs are put onto the night's base and go up the ladder once more, all together.
"""

import difflib
from collections.abc import Iterable, Mapping

from nightmend.diagnosis.diagnosis import Diagnosis, diagnose
from nightmend.diagnosis.measures import Quality, measure
from nightmend.diagnosis.merging import RANK
from nightmend.errors import ValidationError
from nightmend.evidence import Judgement
from nightmend.frozen import Frozen
from nightmend.gates import closed, no_new_high_gate
from nightmend.issue import Severity
from nightmend.patterns.loader import load_patterns
from nightmend.phases import new_high, safety_gates
from nightmend.proof.baseline import Baseline
from nightmend.proof.judge import judge_again
from nightmend.repairs.repair import Edit, Repair, apply_repairs
from nightmend.repairs.settle import Settled, commit_patterns, settle
from nightmend.results import Course, Judgements, PhaseResult, Shipment, ShippedStep
from nightmend.review.rebase import on_base
from nightmend.settings import Budget
from nightmend.targets.config import target_config
from nightmend.workspace import Workspace

GRADES = ("A", "B", "C", "D", None)
SPENT = "the review budget of the night is spent"
LEANS = "it builds on other repairs of this night"


class Candidate(Frozen):
    """A kept repair, with what its turn is decided by."""

    judgement: Judgement
    base: Repair | None
    """The repair on the night's base; None where it builds on another one."""
    severity: Severity
    """Of the gravest issue that it resolves."""
    lines: int
    """Lines that it takes away and puts in."""
    commit: str
    """The commit of its phase and pattern, were all of the night to ship."""

    @property
    def id(self) -> str:
        """The repair's."""
        return self.judgement.repair.id

    @property
    def turn(self) -> tuple[object, ...]:
        """What ships first: the gravest, of these the best proved, of these what says most for its size."""
        repair = self.judgement.repair
        return (
            -RANK[self.severity],
            GRADES.index(self.judgement.grade),
            self.judgement.evidence.speed is None,
            -len(repair.issues),
            self.lines,
            repair.paths,
            repair.line,
        )


def ship(workspace: Workspace, course: Course) -> Course:
    """Return the course with the part of it that the budget lets through, itself where all of it may ship."""
    budget, candidates = workspace.night.budget, list(_candidates(workspace, course))
    commits = len({one.commit for one in candidates})
    if within(budget, commits, sum(one.lines for one in candidates)) or course.origin_baseline is None:
        return course
    chosen = choose(candidates, budget)
    taken = {one.id for one in chosen}
    waits = {one.id: SPENT if one.base else LEANS for one in candidates if one.id not in taken}
    return course.model_copy(update={"shipment": _proved(workspace, course, chosen, waits)})


def within(budget: Budget, commits: int, lines: int) -> bool:
    """Say whether so much may ship."""
    limits = ((commits, budget.max_commits), (lines, budget.max_lines))
    return all(limit is None or number <= limit for number, limit in limits)


def choose(candidates: Iterable[Candidate], budget: Budget) -> list[Candidate]:
    """Take one candidate after the other in their turn; what does not fit any more lets smaller ones pass."""
    chosen: list[Candidate] = []
    themes: set[str] = set()
    lines = 0
    for one in sorted(candidates, key=lambda one: one.turn):
        wanted = themes | {one.judgement.repair.pattern}
        if one.base is not None and within(budget, len(wanted), lines + one.lines):
            chosen.append(one)
            themes, lines = wanted, lines + one.lines
    return chosen


def changed_lines(before: bytes, after: bytes) -> int:
    """Count the lines that a change takes away and puts in."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    same = next((at for at, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), None)
    same = min(len(old), len(new)) if same is None else same
    old, new = old[same:], new[same:]
    blocks = difflib.SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    return len(old) + len(new) - 2 * sum(block.size for block in blocks)


def _candidates(workspace: Workspace, course: Course) -> Iterable[Candidate]:
    steps: list[list[Repair]] = []
    for start, result in course.results:
        held = workspace.get(result.judgements, Judgements) if result.judgements else Judgements()
        kept = [one for one in held.judgements if one.verdict == "kept"]
        grades = _severities(workspace, start)
        contents = workspace.store.read_many(
            start.snapshot, sorted({path for one in kept for path in one.repair.paths})
        )
        on_the_base = workspace.store.read_many(workspace.night.base, contents)
        for one in kept:
            after = apply_repairs([one.repair], contents)
            yield Candidate(
                judgement=one,
                base=_numbered(on_base(one.repair, steps), one.repair, on_the_base, contents),
                severity=max(
                    (grades.get(issue, "low") for issue in one.repair.issues),
                    key=RANK.__getitem__,
                    default="low",
                ),
                lines=sum(changed_lines(contents[path], content) for path, content in after.items()),
                commit=held.commits[one.repair.id],
            )
        steps.append([one.repair for one in kept])


def _numbered(
    base: Repair | None, repair: Repair, before: Mapping[str, bytes], contents: Mapping[str, bytes]
) -> Repair | None:
    """Say in which line of the base a repair is."""
    if base is None:
        return None
    here, there = (max(one.edits, key=lambda edit: edit.start) for one in (base, repair))
    moved = _line(here, before) - _line(there, contents)
    return base.model_copy(update={"line": repair.line + moved})


def _line(edit: Edit, contents: Mapping[str, bytes]) -> int:
    return contents[edit.path].count(b"\n", 0, edit.start)


def _severities(workspace: Workspace, start: PhaseResult) -> dict[str, Severity]:
    issues = workspace.get(start.diagnosis, Diagnosis).issues if start.diagnosis else ()
    return {issue.fingerprint: issue.severity for issue in issues}


def _proved(workspace: Workspace, course: Course, chosen: list[Candidate], waits: dict[str, str]) -> Shipment:
    """Prove the chosen repairs on the night's base, and commit what stands there by itself."""
    if not chosen:
        return _nothing(workspace, course, waits)
    night, last = workspace.night, course.last
    baseline = workspace.get(course.origin_baseline or "", Baseline)
    judged = [one.judgement.model_copy(update={"repair": one.base}) for one in chosen]
    floor = target_config(workspace.store, night.base).python_floor
    fallen = judge_again(workspace, night.base, (one.repair for one in judged), floor)
    alone = [one for one in judged if one.repair.id not in fallen]
    settled = settle(workspace, night.base, alone, baseline)
    fallen |= {one.repair.id: one.reason for one in settled.judgements if one.verdict != "kept"}
    result = looked_at(workspace, course, settled, baseline)
    if shut := closed(result.gates, "ratchet"):
        sentences = "; ".join(gate.sentence for gate in shut)
        raise ValidationError(f"what the review budget lets through is not proved by itself: {sentences}")
    commit, commits = commit_patterns(
        workspace, night.base, night.base_commit, settled.judgements, load_patterns()
    )
    held = Judgements(judgements=settled.judgements, commits=commits)
    why = {name: f"without those that wait it is not proved: {reason}" for name, reason in fallen.items()}
    return Shipment(
        result=result.model_copy(update={"commit": commit, "phase": last.phase}),
        steps=(ShippedStep(snapshot=night.base, judgements=workspace.put(held)),),
        commits=commits,
        waits={**waits, **why},
        lines=sum(one.lines for one in chosen if one.id in commits),
    )


def _nothing(workspace: Workspace, course: Course, waits: dict[str, str]) -> Shipment:
    """Return what ships where the budget has room for no repair: the night's base as it was."""
    night = workspace.night
    base = {
        "snapshot": night.base,
        "commit": night.base_commit,
        "gates": (),
        "diagnosis": course.last.origin,
        "baseline": course.origin_baseline,
        "quality": course.origin_quality,
    }
    return Shipment(result=course.last.model_copy(update=base), steps=(), commits={}, waits=waits, lines=0)


def looked_at(workspace: Workspace, course: Course, settled: Settled, baseline: Baseline) -> PhaseResult:
    """Look at the tree that ships as at the end of a night."""
    before = workspace.get(course.last.origin or "", Diagnosis)
    after = diagnose(workspace, settled.snapshot)
    first, quality = workspace.get(course.origin_quality or "", Quality), measure(workspace, settled.snapshot)
    return course.last.model_copy(
        update={
            "snapshot": settled.snapshot,
            "gates": (
                *safety_gates(workspace.night, settled, baseline, first, quality),
                no_new_high_gate(new_high(before, after), "no_new_high_severity:shipment"),
            ),
            "diagnosis": workspace.put(after),
            "baseline": workspace.put(settled.baseline),
            "quality": workspace.put(quality),
        }
    )
