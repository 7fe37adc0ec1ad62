from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol


class Usage(NamedTuple):
    """What all processes of a command have used together so far."""

    cpu_seconds: float
    peak_memory: int | None
    exceeded: str | None = None
    """The limit that was reached, where the meter itself watches one."""


class Meter(Protocol):
    """Counts the processes of one command together, and holds them to memory and processes."""

    hidden_memory: bool
    """Whether memory that belongs to no process (memfd, System V) is counted too."""
    processes: int
    """Hard limit to set beside: where the meter itself would notice first, it lies a little higher."""
    data_bytes: int | None
    """Hard limit to set on each process, where memory is only looked at now and then."""

    def enlisting(self) -> AbstractContextManager[None]:
        """Count what the calling thread starts while this lasts, where that is possible."""

    def admit(self, pids: Sequence[int]) -> None:
        """Count the processes that are there, the first one first, and all that they will start."""

    def usage(self) -> Usage:
        """Measure; cheap enough for fifty times a second."""

    def close(self) -> None:
        """Forget the command, when all its processes are gone."""
