"""Fixes bring fixes: the linter looks again at what a phase kept, until it has nothing new to offer."""

from collections.abc import Collection, Iterable, Sequence

from nightmend.diagnosis.diagnosis import Diagnosis, diagnose
from nightmend.evidence import Judgement
from nightmend.frozen import Frozen
from nightmend.nights import note_cut
from nightmend.patterns.loader import load_patterns
from nightmend.proof.baseline import Baseline
from nightmend.proof.judge import judge
from nightmend.repairs.proposing import propose_all
from nightmend.repairs.repair import Repair, repair_id
from nightmend.repairs.settle import Settled, settle
from nightmend.review.drops import drop_keys
from nightmend.snapshot import Snapshot
from nightmend.targets.config import target_config
from nightmend.workspace import Workspace

MOST = 10
"""Rounds of one phase: two fixes that undo each other would never end."""


class Round(Frozen):
    """One step of a phase: repairs of one snapshot, proved and settled."""

    before: Snapshot
    settled: Settled
    seen: Diagnosis | None = None
    """What the linter saw in `before`; None in the first round, which the agents began."""


def rounds(
    workspace: Workspace,
    snapshot: Snapshot,
    judgements: Iterable[Judgement],
    baseline: Baseline,
    agents: Collection[str],
) -> tuple[Round, ...]:
    """Settle what agents judged, and prove what the linter offers these agents behind it, round by round.

    What was decided is not proposed again, but what only overlapped another repair is, and its last
    judgement is the one that is told. A round in which nothing is kept is the last, and so is the one behind
    which the night has no time left; then a later night does the phase again.
    """
    done = [Round(before=snapshot, settled=settle(workspace, snapshot, judgements, baseline))]
    while agents and len(done) < MOST and done[-1].settled.snapshot != done[-1].before:
        if workspace.night.time_is_over:
            for agent in agents:
                note_cut(workspace.night, agent)
            break
        last = done[-1].settled
        seen = diagnose(workspace, last.snapshot, deep=False, tools=("ruff",))
        offered = _offered(workspace, seen, done, agents)
        if not offered:
            break
        done = [_without(one, offered) for one in done]
        floor = target_config(workspace.store, last.snapshot).python_floor
        judged = judge(workspace, last.snapshot, offered, last.baseline, floor)
        settled = settle(workspace, last.snapshot, judged, last.baseline, mistakes=False)
        done.append(Round(before=last.snapshot, settled=settled, seen=seen))
    return tuple(done)


def summed_up(done: Sequence[Round]) -> Settled:
    """Return what all rounds of a phase came to: the last tree, and all that broke on the way to it."""
    last = done[-1].settled
    broken = {test for one in done for test in one.settled.broken}
    high = {fault for one in done for fault in one.settled.new_high}
    judgements = tuple(judgement for one in done for judgement in one.settled.judgements)
    told = {"broken": tuple(sorted(broken)), "new_high": tuple(sorted(high)), "judgements": judgements}
    return last.model_copy(update=told)


def _offered(
    workspace: Workspace, seen: Diagnosis, done: list[Round], agents: Collection[str]
) -> tuple[Repair, ...]:
    decided = {
        key
        for one in done
        for judgement in one.settled.judgements
        if not judgement.evidence.overlaps
        for key in _keys(judgement.repair)
    }
    issues = [issue for issue in seen.issues if issue.fix and issue.agent in agents and issue.actionable]
    fixes = propose_all(workspace, done[-1].settled.snapshot, issues, load_patterns())
    number = len(done) + 1
    return tuple(_of_round(fix, number) for fix in fixes if not decided & _keys(fix))


def _of_round(repair: Repair, number: int) -> Repair:
    """Give a repair a name of its own: the same bytes may be taken out at the same place in two rounds."""
    name = repair_id(f"{repair.pattern} in round {number}", repair.edits)
    return repair.model_copy(update={"id": name, "round": number})


def _without(done: Round, offered: Iterable[Repair]) -> Round:
    """Leave out what overlapped another repair and has its turn now."""
    again = {key for repair in offered for key in _keys(repair)}
    left = tuple(
        one for one in done.settled.judgements if not (one.evidence.overlaps and _keys(one.repair) & again)
    )
    return done.model_copy(update={"settled": done.settled.model_copy(update={"judgements": left})})


def _keys(repair: Repair) -> set[str]:
    return set(drop_keys(repair, {})) if repair.issues else set()
