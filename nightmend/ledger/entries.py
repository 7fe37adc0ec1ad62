"""What goes into the ledger and what comes out of it."""

from nightmend.diagnosis.diagnosis import Diagnosis
from nightmend.evidence import Judgement
from nightmend.frozen import Frozen
from nightmend.recovery.states import AgentState


class Trace(Frozen):
    """By what the work of a repair is known in a file: whole lines with one beside them, bytes as Latin-1."""

    path: str
    before: str
    after: str


class RepairEntry(Frozen):
    """A judged repair of a night."""

    judgement: Judgement
    keys: tuple[str, ...]
    """By what it is known again."""
    commit: str | None = None
    """Its commit on the branch, where it is on one."""
    traces: tuple[Trace, ...] = ()


class NightEntry(Frozen):
    """A night as it ended."""

    run: str
    ended: float
    """Seconds since the epoch."""
    seconds: float
    error: str
    base_commit: str
    result_commit: str
    branch: str | None
    diagnosis: Diagnosis | None
    """The issues of its base; None for a night that did not come so far."""
    repairs: tuple[RepairEntry, ...]
    states: tuple[AgentState, ...]


class ShippedRepair(Frozen):
    """A repair that a night put on a branch."""

    id: str
    run: str
    base: str
    tip: str
    """Commits that the branch of the run begins behind, and ends with."""
    commit: str
    keys: tuple[str, ...]
    traces: tuple[Trace, ...]
    merged: bool
    """Whether an earlier night saw that a person had merged it."""


class KnownIssue(Frozen):
    """An issue over the nights."""

    fingerprint: str
    status: str
    """open, resolved, or reopened."""
    fault: str
    path: str
    first_seen: str
    last_seen: str
    resolved_in: str | None
    """Runs."""
