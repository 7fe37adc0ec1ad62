"""What agents and phases return: small, since everything large stays in the store behind a reference."""

import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from pydantic import Field

from nightmend.agents import Phase
from nightmend.errors import NightmendError, ValidationError
from nightmend.evidence import Judgement
from nightmend.frozen import Frozen
from nightmend.gate import Gate
from nightmend.privacy.masking import masked
from nightmend.snapshot import Snapshot

Metric = float | int | str | None
AgentStatus = Literal["COMPLETED", "FAILED", "CACHED"]
PhaseStatus = Literal["PASSED", "FAILED", "ROLLED_BACK", "CACHED", "SKIPPED"]
Ref = str
"""Name of a value in the workspace's store: the id of a git blob that holds its JSON."""


class Judgements(Frozen):
    """All repairs of an agent or a phase, with their verdicts."""

    judgements: tuple[Judgement, ...] = ()
    commits: dict[str, str] = Field(default_factory=dict)
    """The commit of each kept repair, by its id, once the phase has settled."""


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
    diagnosis: Ref | None = None
    baseline: Ref | None = None
    quality: Ref | None = None

    def refs(self) -> tuple[Ref, ...]:
        """Every value in the store that this result needs."""
        refs = (self.judgements, self.diagnosis, self.baseline, self.quality)
        return tuple(ref for ref in refs if ref is not None)


class PhaseResult(Frozen):
    """A validated phase: the checkpoint that the next phase, or the next night, starts from."""

    phase: Phase
    snapshot: Snapshot
    commit: str
    """Tip of the night's branch behind this phase, in the store of ours."""
    rounds: tuple["PhaseResult", ...] = ()
    """The states behind all rounds but the last, where fixes brought fixes, with what the linter saw."""
    agents: tuple[AgentResult, ...] = ()
    gates: tuple[Gate, ...] = ()
    judgements: Ref | None = None
    origin: Ref | None = None
    """The diagnosis of the night's base."""
    diagnosis: Ref | None = None
    """The issues of `snapshot`, for the phases that follow."""
    baseline: Ref | None = None
    """The test run of `snapshot`, with the lines that it reached and the tests that are not steady."""
    quality: Ref | None = None
    seconds: float = 0

    def refs(self) -> tuple[Ref, ...]:
        """Every value in the store that this result needs."""
        refs = (self.judgements, self.origin, self.diagnosis, self.baseline, self.quality)
        earlier = (ref for one in self.rounds for ref in one.refs())
        return tuple(dict.fromkeys((*earlier, *(ref for ref in refs if ref is not None))))

    def steps(self, start: "PhaseResult") -> tuple[tuple["PhaseResult", "PhaseResult"], ...]:
        """Return each round of the phase with the state before it; the phase itself is the last."""
        return tuple(pairwise((start, *self.rounds, self)))

    @property
    def bare(self) -> "PhaseResult":
        """The state alone, for whoever goes on from it: what was done and weighed stays behind."""
        return self.model_copy(update={"agents": (), "gates": (), "rounds": ()})

    def state(self) -> tuple[str, ...]:
        """Everything of this phase that the next one's work depends on."""
        return (self.snapshot.tree, self.commit, self.diagnosis or "", self.baseline or "")


class ClosedPhaseError(ValidationError):
    """A phase that was rolled back by its gates, with what it had done."""

    result: PhaseResult | None = None


class PhaseRecord(Frozen):
    """One phase as the report tells it, also when it was rolled back or never began."""

    phase: Phase
    status: PhaseStatus
    seconds: float
    agents: tuple[AgentResult, ...] = ()
    gates: tuple[Gate, ...] = ()
    error: str = ""

    @classmethod
    def of(cls, result: PhaseResult, seconds: float, *, cached: bool) -> "PhaseRecord":
        """Tell a phase that ended well, now or in an earlier night; single agents may be of one, too."""
        begun = float("inf") if cached else time.time() - seconds
        return cls(
            phase=result.phase,
            status="CACHED" if cached else "PASSED",
            seconds=seconds,
            agents=tuple(
                agent.model_copy(update={"status": "CACHED"}) if agent.started < begun else agent
                for agent in result.agents
            ),
            gates=result.gates,
        )

    @classmethod
    def failed(cls, phase: Phase, error: object, seconds: float) -> "PhaseRecord":
        """Tell a phase that was rolled back: by a closed gate, or by an error."""
        status: PhaseStatus = "ROLLED_BACK" if isinstance(error, NightmendError) else "FAILED"
        why = str(error) if isinstance(error, NightmendError) else masked(f"{type(error).__name__}: {error}")
        undone = error.result if isinstance(error, ClosedPhaseError) else None
        return cls(
            phase=phase,
            status=status,
            seconds=seconds,
            error=why,
            agents=undone.agents if undone else (),
            gates=undone.gates if undone else (),
        )


class ShippedStep(Frozen):
    """A step to the published tree: what it began with, and the judged repairs, of which the kept made it."""

    snapshot: Snapshot
    judgements: Ref


class Shipment(Frozen):
    """The part of a night that ships, proved as exactly that tree.

    Its review budget let no more through, or a person dropped the rest.
    """

    result: PhaseResult
    """The state that is published, with the gates that it passed."""
    steps: tuple[ShippedStep, ...]
    """From the night's base to the tree that ships."""
    commits: dict[str, str]
    """The commit of each repair that ships, by its id."""
    waits: dict[str, str]
    """Why each other kept repair waits, by its id."""
    dropped: dict[str, str] = Field(default_factory=dict)
    """Why a person, or what it built on, took a kept repair off the branch, by its id."""
    lines: int
    """Lines that the repairs take away and put in, at most."""


class Course(Frozen):
    """How a night went: its validated phases, the records of all five, and the error that stopped it."""

    beginning: PhaseResult
    validated: tuple[PhaseResult, ...]
    records: tuple[PhaseRecord, ...]
    error: str = ""
    exit_code: int = 0
    """What the command line ends with."""
    undone: PhaseResult | None = None
    """The phase that its gates rolled back; what it had done is told, and not published."""
    shipment: Shipment | None = None
    """What is published, where that is less than all."""

    @classmethod
    def of(
        cls,
        beginning: PhaseResult,
        validated: Sequence[PhaseResult],
        records: Sequence[PhaseRecord],
        failure: object,
    ) -> "Course":
        """Sum up a night; `failure` is the error that stopped it, None where none did."""
        return cls(
            beginning=beginning,
            validated=tuple(validated),
            records=tuple(records),
            error=next((record.error for record in records if record.error), ""),
            exit_code=getattr(failure, "exit_code", 0 if failure is None else 1),
            undone=failure.result if isinstance(failure, ClosedPhaseError) else None,
        )

    @property
    def last(self) -> PhaseResult:
        """The state behind the last validated phase."""
        return self.validated[-1] if self.validated else self.beginning

    @property
    def shipped(self) -> PhaseResult:
        """The state that is published."""
        return self.shipment.result if self.shipment else self.last

    @property
    def results(self) -> tuple[tuple[PhaseResult, PhaseResult], ...]:
        """Each validated phase, round by round, behind the state that it started from."""
        phases = pairwise((self.beginning, *self.validated))
        return tuple(step for start, phase in phases for step in phase.steps(start))

    @property
    def undone_steps(self) -> tuple[tuple[PhaseResult, PhaseResult], ...]:
        """The rounds of the phase that its gates rolled back."""
        return self.undone.steps(self.last) if self.undone else ()

    @property
    def shipped_steps(self) -> tuple[ShippedStep, ...]:
        """The steps to what is published."""
        if self.shipment:
            return self.shipment.steps
        return tuple(
            ShippedStep(snapshot=start.snapshot, judgements=result.judgements)
            for start, result in self.results
            if result.judgements
        )

    @property
    def origin_baseline(self) -> Ref | None:
        """The test run of the night's base."""
        return next((phase.baseline for phase in self.validated if phase.baseline), None)

    @property
    def origin_quality(self) -> Ref | None:
        """The measures of the night's base."""
        return next((phase.quality for phase in self.validated if phase.quality), None)
