"""The engine's part of a phase: where a night begins, and how agents' results become the next state."""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeVar

from nightmend.agents import Phase
from nightmend.diagnosis.diagnosis import Diagnosis, diagnose
from nightmend.diagnosis.measures import Quality, measure
from nightmend.evidence import Judgement
from nightmend.gate import Gate
from nightmend.gates import (
    at_least,
    high_severity_gate,
    no_new_high_gate,
    quality_gates,
    ratchet_gates,
    tests_gate,
)
from nightmend.night import Night
from nightmend.patterns.loader import load_patterns
from nightmend.proof.baseline import Baseline
from nightmend.repairs.repairing import verdict_counts
from nightmend.repairs.rounds import Round, rounds, summed_up
from nightmend.repairs.settle import Settled, commit_patterns
from nightmend.results import AgentResult, Judgements, PhaseResult
from nightmend.settings import Thresholds
from nightmend.workspace import Workspace

M = TypeVar("M", Baseline, Diagnosis, Quality)


def beginning(night: Night) -> PhaseResult:
    """Return the state before the first phase: the target as its owner left it."""
    return PhaseResult(phase="foundation", snapshot=night.base, commit=night.base_commit)


def unchanged(
    phase: Phase, start: PhaseResult, agents: Sequence[AgentResult], gates: Iterable[Gate], clock: float
) -> PhaseResult:
    """Close a phase that repairs nothing; what its agents found goes on to the next one."""
    found = {
        field: ref
        for agent in agents
        for field in ("diagnosis", "baseline", "quality")
        if (ref := getattr(agent, field)) is not None
    }
    update = {
        "phase": phase,
        "agents": tuple(agents),
        "gates": tuple(gates),
        "judgements": None,
        "origin": start.origin or found.get("diagnosis"),
        "seconds": time.perf_counter() - clock,
        **found,
    }
    return start.model_copy(update=update)


def repaired(
    workspace: Workspace,
    phase: Phase,
    start: PhaseResult,
    agents: Sequence[AgentResult],
    gates: Iterable[Gate],
    clock: float,
) -> PhaseResult:
    """Close a phase of repairs: settle what its agents kept, commit it, and weigh it in the phase's gates.

    The last phase of a night weighs the night as a whole, too.
    """
    baseline = _need(workspace, start.baseline, Baseline)
    judged = [
        judgement
        for agent in agents
        if agent.judgements
        for judgement in workspace.get(agent.judgements, Judgements).judgements
    ]
    mine = {agent.agent for agent in agents} & set(workspace.night.agents(phase))
    done = rounds(workspace, start.snapshot, judged, baseline, mine)
    settled = summed_up(done)
    before = _need(workspace, start.quality, Quality)
    moved = settled.snapshot != start.snapshot
    quality = measure(workspace, settled.snapshot) if moved else before
    last = phase == workspace.night.phases[-1]
    *earlier, end = _states(workspace, phase, start.bare, done)
    result = end.model_copy(
        update={
            "rounds": tuple(earlier),
            "agents": _counted(agents, done),
            "gates": (*gates, *safety_gates(workspace.night, settled, baseline, before, quality)),
            "diagnosis": _diagnosis(workspace, start, settled, last=last),
            "quality": workspace.put(quality),
            "seconds": time.perf_counter() - clock,
        }
    )
    whole = night_gates(workspace, result, workspace.night.thresholds) if last else ()
    return result.model_copy(update={"gates": (*result.gates, *whole)})


def _states(
    workspace: Workspace, phase: Phase, start: PhaseResult, done: Sequence[Round]
) -> list[PhaseResult]:
    """Commit the rounds of a phase one behind the other, and return the state behind each."""
    states: list[PhaseResult] = []
    last = start
    for number, one in enumerate(done):
        settled = one.settled
        commit, commits = commit_patterns(
            workspace, one.before, last.commit, settled.judgements, load_patterns()
        )
        seen = done[number + 1].seen if number + 1 < len(done) else None
        last = last.model_copy(
            update={
                "phase": phase,
                "snapshot": settled.snapshot,
                "commit": commit,
                "judgements": workspace.put(Judgements(judgements=settled.judgements, commits=commits)),
                "diagnosis": workspace.put(seen) if seen else last.diagnosis,
                "baseline": workspace.put(settled.baseline),
            }
        )
        states.append(last)
    return states


def _counted(agents: Sequence[AgentResult], done: Sequence[Round]) -> tuple[AgentResult, ...]:
    """Add to the numbers of each agent what came of the linter's further offers to it."""
    later = [judgement for one in done[1:] for judgement in one.settled.judgements]
    return tuple(_with(agent, [one for one in later if one.repair.agent == agent.agent]) for agent in agents)


def _with(agent: AgentResult, later: Sequence[Judgement]) -> AgentResult:
    if not later:
        return agent
    more = {
        name: int(agent.metrics.get(name) or 0) + number for name, number in verdict_counts(later).items()
    }
    return agent.model_copy(update={"metrics": {**agent.metrics, **more}})


def _diagnosis(workspace: Workspace, start: PhaseResult, settled: Settled, *, last: bool) -> str | None:
    """Look at a new snapshot: with every tool only behind the last phase, when the night is summed up."""
    if settled.snapshot == start.snapshot and (not last or start.diagnosis == start.origin):
        return start.diagnosis
    return workspace.put(diagnose(workspace, settled.snapshot, deep=last))


def safety_gates(
    night: Night, settled: Settled, baseline: Baseline, before: Quality, after: Quality
) -> tuple[Gate, ...]:
    """Weigh a tree against the one before: its tests, its grave issues, its measures."""
    passed = Counter(baseline.suite.outcomes.values())["passed"] if baseline.suite.usable else 0
    return (
        tests_gate(settled.broken, passed),
        no_new_high_gate(settled.new_high),
        *ratchet_gates(before, after, long_lines=night.long_lines),
    )


def resolved(before: Diagnosis, after: Diagnosis) -> Counter[str]:
    """Count resolved issues by category.

    Counted by how much rarer a fault became in a file: a line that merely changed is no resolved issue,
    and neither is one that only a tool saw which did not look again.
    """
    again = after.tool_seconds.keys() - (after.tool_failures.keys() - before.tool_failures.keys())
    seen = [issue for issue in before.issues if {rule.partition(":")[0] for rule in issue.rules} & again]
    kinds = Counter((issue.category, issue.fault, issue.path) for issue in seen)
    kinds.subtract(Counter((issue.category, issue.fault, issue.path) for issue in after.issues))
    counts: Counter[str] = Counter()
    for (category, _, _), gone in kinds.items():
        counts[category] += max(0, gone)
    return counts


def issues_resolved(night: Night, result: object) -> int:
    """Count the issues whose repairs a validated phase kept; 0 for one that ended otherwise."""
    if not isinstance(result, PhaseResult) or result.judgements is None:
        return 0
    refs = (one.judgements for one in (*result.rounds, result) if one.judgements)
    workspace = Workspace(night)
    judged = [one for ref in refs for one in workspace.get(ref, Judgements).judgements]
    return sum(len(one.repair.issues) for one in judged if one.verdict == "kept")


def _need(workspace: Workspace, ref: str | None, model: type[M]) -> M:
    if ref is None:
        raise ValueError("a phase of repairs starts behind diagnostics")
    return workspace.get(ref, model)


def new_high(before: Diagnosis, after: Diagnosis) -> tuple[str, ...]:
    """Return the faults of high severity that became more frequent in a file, as any tool sees them."""
    counts = [
        Counter(f"{issue.fault} in {issue.path}" for issue in one.issues if issue.severity == "high")
        for one in (before, after)
    ]
    return tuple(sorted(counts[1] - counts[0]))


def night_gates(workspace: Workspace, result: PhaseResult, thresholds: Thresholds) -> tuple[Gate, ...]:
    """Weigh the whole night: grave issues new and left open, the state of the code, issues resolved."""
    before = _need(workspace, result.origin, Diagnosis)
    after = _need(workspace, result.diagnosis, Diagnosis)
    actionable = len(before.actionable.issues)
    gone = resolved(before.actionable, after.actionable).total()
    rate = 100 * gone / actionable if actionable else None
    high = [issue for issue in after.issues if issue.severity == "high"]
    return (
        no_new_high_gate(new_high(before, after), "no_new_high_severity:night"),
        *quality_gates(_need(workspace, result.quality, Quality), thresholds),
        at_least("issue_resolution_rate", rate, thresholds.issue_resolution_rate),
        high_severity_gate(high, load_patterns(), thresholds.high_severity_open),
    )
