"""What agents and phases return: small, since everything large stays in the store behind a reference."""

from typing import Literal

from pydantic import Field

from nightmend.agents import Phase
from nightmend.evidence import Judgement
from nightmend.frozen import Frozen
from nightmend.gate import Gate
from nightmend.snapshot import Snapshot

Metric = float | int | str | None
AgentStatus = Literal["COMPLETED", "FAILED", "CACHED"]
PhaseStatus = Literal["PASSED", "FAILED", "ROLLED_BACK", "CACHED", "SKIPPED"]
Ref = str
"""Name of a value in the workspace's store: the id of a git blob that holds its JSON."""


class Judgements(Frozen):
    """All repairs of an agent or a phase, with their verdicts."""

    judgements: tuple[Judgement, ...] = ()


class AgentResult(Frozen):
    """What one agent did: its numbers, and a reference to its judged repairs."""

    agent: str
    status: AgentStatus = "COMPLETED"
    seconds: float
    started: float
    """Seconds since the epoch; with `seconds` it shows which agents worked at once."""
    pid: int
    metrics: dict[str, Metric] = Field(default_factory=dict)
    judgements: Ref | None = None


class PhaseResult(Frozen):
    """A validated phase: the checkpoint that the next phase, or the next night, starts from."""

    phase: Phase
    snapshot: Snapshot
    commit: str
    """Tip of the night's branch behind this phase, in the store of ours."""
    agents: tuple[AgentResult, ...]
    gates: tuple[Gate, ...]
    judgements: Ref
    diagnosis: Ref | None = None
    """The issues of `snapshot`, for the phases that follow."""
    suite: Ref | None = None
    """The test run of `snapshot`, with the lines that it reached."""
    quality: Ref | None = None
    seconds: float


class PhaseRecord(Frozen):
    """One phase as the report tells it, also when it was rolled back or never began."""

    phase: Phase
    status: PhaseStatus
    seconds: float
    agents: tuple[AgentResult, ...] = ()
    gates: tuple[Gate, ...] = ()
    error: str = ""
