"""The index of a target's checkpoints: a small record for each validated phase of each night."""

import hashlib
import re
from pathlib import Path
from typing import Literal

from pydantic import ValidationError as InvalidModel

from nightmend.agents import Phase
from nightmend.errors import UsageError
from nightmend.files import write_atomically
from nightmend.frozen import Frozen
from nightmend.night import Night
from nightmend.recovery.states import AgentState
from nightmend.snapshot import Snapshot

NAMED = "named"
"""Folder of the checkpoints that a person made."""


class DatabaseState(Frozen):
    """What is known of a target over the nights: the index of its checkpoints, and its ledger."""

    checkpoints: tuple[str, ...]
    """Names, oldest first, the unreadable ones last."""
    digest: str
    """SHA-256 over their files."""
    ledger: str | None = None
    """The backup of the ledger, by the SHA-256 of its bytes; None where there was no ledger yet."""


class SystemCheckpoint(Frozen):
    """Everything that a rollback restores; the field names are the specification's."""

    name: str
    """<run>/<phase> for a validated phase; a plain name where a person made it."""
    timestamp: float
    """Seconds since the epoch."""
    phase: Phase | None
    """None for a checkpoint from before the first night."""
    snapshot: Snapshot
    commit: str
    agent_states: tuple[AgentState, ...]
    configuration: Night
    database_state: DatabaseState | None = None
    result_key: str
    """Where Prefect's result persistence holds the phase itself."""


class ListedCheckpoint(Frozen):
    """A checkpoint file as a listing shows it, the unreadable ones too."""

    name: str
    state: Literal["verified", "corrupt"]
    checkpoint: SystemCheckpoint | None = None
    size: int = 0
    """Bytes of the record, and of the ledger's backup that it names; others may name that too."""


class Checkpoints:
    """The checkpoint records of one target, a file for each."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.backups = folder / "ledgers"
        """Backups of the ledger, each under the SHA-256 of its bytes."""

    def put(self, checkpoint: SystemCheckpoint) -> None:
        """Write a record."""
        write_atomically(self._path(checkpoint.name), checkpoint.model_dump_json(indent=1).encode())

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

    def database_state(self) -> DatabaseState:
        """Return the state of the index as it is now."""
        names = tuple(entry.name for entry in self.listing())
        digest = hashlib.sha256(b"\0".join(self._path(name).read_bytes() for name in names))
        return DatabaseState(checkpoints=names, digest=digest.hexdigest())

    def _load(self, path: Path) -> ListedCheckpoint:
        name = path.stem if path.parent.name == NAMED else f"{path.parent.name}/{path.stem}"
        try:
            checkpoint = SystemCheckpoint.model_validate_json(path.read_bytes())
        except (OSError, InvalidModel):
            return ListedCheckpoint(name=name, state="corrupt")
        backup = checkpoint.database_state and checkpoint.database_state.ledger
        copies = [self.backups / backup] if backup else []
        size = sum(file.stat().st_size for file in (path, *copies) if file.exists())
        return ListedCheckpoint(name=name, state="verified", checkpoint=checkpoint, size=size)

    def _path(self, name: str) -> Path:
        if not re.fullmatch(r"([\w.+-]+/)?[\w.+-]+", name) or {".", ".."} & set(name.split("/")):
            raise UsageError(f"{name!r} cannot be the name of a checkpoint: use letters, digits and dashes")
        run, _, phase = name.rpartition("/")
        return self.folder / (run or NAMED) / f"{phase}.json"
