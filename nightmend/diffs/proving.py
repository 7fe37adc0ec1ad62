"""What another tool proposes goes up the ladder like any repair of ours."""

from nightmend.agent_run import Work
from nightmend.diffs.proposing import propose_diff
from nightmend.frozen import Frozen
from nightmend.proof.baseline import Baseline
from nightmend.proof.judge import judge
from nightmend.repairs.repairing import verdict_counts
from nightmend.results import Judgements, PhaseResult
from nightmend.review.publication import Published
from nightmend.targets.config import target_config
from nightmend.workspace import Workspace


class Proved(Frozen):
    """What came of a diff."""

    published: Published
    tried: int
    """Edits that it fell into."""
    kept: int
    report: str
    """Folder of the report."""


def prove_diff(workspace: Workspace, start: PhaseResult, diff: bytes) -> Work:
    """Split a diff against the night's base, and judge each part of it; nothing is applied."""
    proposal = propose_diff(workspace, diff)
    baseline = workspace.get(start.baseline or "", Baseline)
    floor = target_config(workspace.store, start.snapshot).python_floor
    judged = judge(workspace, start.snapshot, proposal.repairs, baseline, floor)
    judgements = (*judged, *proposal.refused)
    return Work(
        metrics=dict(verdict_counts(judgements)),
        judgements=workspace.put(Judgements(judgements=judgements)),
    )
