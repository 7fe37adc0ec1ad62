"""The index of a target's checkpoints: a small record for each validated phase of each night."""

import time
from pathlib import Path
from typing import Literal

from pydantic import ValidationError as InvalidModel

from nightmend.agents import Phase
from nightmend.files import write_atomically
from nightmend.frozen import Frozen
from nightmend.night import Night
from nightmend.recovery.states import AgentState
from nightmend.results import PhaseResult
from nightmend.snapshot import Snapshot


class SystemCheckpoint(Frozen):
    """Everything that a rollback restores; the field names are the specification's."""

    name: str
    """<run>/<phase>."""
    timestamp: float
    """Seconds since the epoch."""
    phase: Phase
    snapshot: Snapshot
    commit: str
    agent_states: tuple[AgentState, ...]
    configuration: Night
    database_state: None = None
    """Taken once there is a ledger."""
    result_key: str
    """Where Prefect's result persistence holds the phase itself."""


class ListedCheckpoint(Frozen):
    """A checkpoint file as a listing shows it, the unreadable ones too."""

    name: str
    state: Literal["verified", "corrupt"]
    checkpoint: SystemCheckpoint | None = None


class Checkpoints:
    """The checkpoint records of one target, a file for each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def record(
        self, night: Night, result: PhaseResult, states: tuple[AgentState, ...], result_key: str
    ) -> SystemCheckpoint:
        """Write the record of a validated phase."""
        checkpoint = SystemCheckpoint(
            name=f"{night.run}/{result.phase}",
            timestamp=time.time(),
            phase=result.phase,
            snapshot=result.snapshot,
            commit=result.commit,
            agent_states=states,
            configuration=night,
            result_key=result_key,
        )
        write_atomically(self._path(checkpoint.name), checkpoint.model_dump_json(indent=1).encode())
        return checkpoint

    def forget(self, name: str) -> None:
        """Drop the record of a phase that was rolled back."""
        self._path(name).unlink(missing_ok=True)

    def get(self, name: str) -> SystemCheckpoint:
        """Return a checkpoint by name; ValueError where there is none, as the specification says."""
        listed = {one.name: one for one in self.listing()}
        known = listed.get(name)
        if known is None or known.checkpoint is None:
            names = ", ".join(one for one, entry in listed.items() if entry.checkpoint) or "none"
            raise ValueError(f"Checkpoint {name} not found (known: {names})")
        return known.checkpoint

    def listing(self) -> tuple[ListedCheckpoint, ...]:
        """Return every checkpoint of the target, oldest first; corrupt files stand at the end."""
        entries = [self._load(path) for path in sorted(self.folder.glob("*/*.json"))]
        return tuple(
            sorted(
                entries,
                key=lambda entry: entry.checkpoint.timestamp if entry.checkpoint else float("inf"),
            )
        )

    def _load(self, path: Path) -> ListedCheckpoint:
        name = f"{path.parent.name}/{path.stem}"
        try:
            checkpoint = SystemCheckpoint.model_validate_json(path.read_bytes())
        except (OSError, InvalidModel):
            return ListedCheckpoint(name=name, state="corrupt")
        return ListedCheckpoint(name=name, state="verified", checkpoint=checkpoint)

    def _path(self, name: str) -> Path:
        run, phase = name.split("/")
        return self.folder / run / f"{phase}.json"
