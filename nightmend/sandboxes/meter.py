from typing import NamedTuple, Protocol


class Usage(NamedTuple):
    """What all processes of a command have used together so far."""

    cpu_seconds: float
    peak_memory: int | None
    exceeded: str | None = None
    """The limit that was reached, where the meter itself enforces one."""


class Meter(Protocol):
    """Counts the processes of one command, and holds them to its limits."""

    hidden_memory: bool
    """Whether memory that belongs to no process (memfd, System V) is counted too."""
    spare_processes: int
    """How far RLIMIT_NPROC lies above the limit, so that the meter notices first."""

    def admit(self, pid: int) -> None:
        """Count this process, which has no children yet, and all that it will start."""

    def usage(self) -> Usage:
        """Measure; cheap enough for a hundred times a second."""

    def close(self) -> None:
        """Forget the command, when all its processes are gone."""
