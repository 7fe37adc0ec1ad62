"""The contract of every sandbox back end: what one is made from, what it does, what a command leaves."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from pydantic import Field, InstanceOf, model_validator

from nightmend.frozen import Frozen
from nightmend.sandboxes.network import Network
from nightmend.settings import MIB, BackEnd, CollectLimits, Limits

DEFAULT_WORKDIR = "/jail/work"
READ_LIMIT = 64 * MIB


class CommandResult(Frozen):
    """What one command did. A command that failed is a result; a sandbox that failed is a SandboxError."""

    return_code: int
    """As a shell counts it: 127 is a command that was not found, 128 + n an end by signal n."""
    stdout: bytes
    stderr: bytes
    wall_seconds: float
    cpu_seconds: float
    """Of all processes together."""
    peak_memory: int | None
    """Bytes of all processes together; None where the machine cannot say."""
    limit: str | None
    """The field of Limits that ended the sandbox ("output" for output_bytes); then return_code is not 0."""
    truncated: bool
    """Whether output was cut at output_bytes."""


class Skipped(Frozen):
    """What was not copied out of a sandbox."""

    path: str
    reason: str


class Collected(Frozen):
    """What was copied out of a sandbox; all paths are relative to its work layer."""

    files: tuple[str, ...]
    links: tuple[str, ...]
    deleted: tuple[str, ...]
    """Paths of the lower tree that are gone with all below them; something else may stand there now."""
    skipped: tuple[Skipped, ...]


class Bind(Frozen):
    """A file or folder of the host, shown read-only at `inside`."""

    host: str
    inside: str


class SandboxSpec(Frozen):
    """What a sandbox is made from."""

    name: str
    base_directory: str
    """Folder of the host where sandboxes live."""
    lower: str | None
    """Read-only tree under the work layer; None is an empty one."""
    workdir: str = DEFAULT_WORKDIR
    """Absolute place of the work layer inside; may be the target's own path."""
    binds: tuple[Bind, ...] = ()
    limits: Limits = Limits()
    environment: dict[str, str] = Field(default_factory=dict)
    back_end: BackEnd = "auto"
    network: InstanceOf[Network] | None = None
    """None for everything that runs code of a target or of its packages."""

    @model_validator(mode="after")
    def _no_tree_beside_a_network(self) -> Self:
        if self.network is not None and (self.lower is not None or self.workdir != DEFAULT_WORKDIR):
            raise ValueError("a sandbox with a network holds no tree and stands in no other's place")
        return self


class Sandbox(Protocol):
    """One work layer and its commands, one at a time. Driven from the host; files last until `close`."""

    @property
    def id(self) -> str:
        """Name of this sandbox, unique in its base directory."""

    @property
    def path(self) -> Path:
        """Folder of this sandbox on the host; gone after `close`."""

    def run(
        self,
        argv: Sequence[str],
        *,
        limits: Limits | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> CommandResult:
        """Run one command to its end, or to its first limit; nothing of it is left running."""

    def execute_command(self, command: str) -> CommandResult:
        """Run a line of shell."""

    def write(self, path: str, content: bytes) -> None:
        """Put a regular file into the work layer; `path` is relative to it, no link is followed."""

    def read(self, path: str, limit: int = READ_LIMIT) -> bytes:
        """Read a regular file of the work layer, no link followed; FileNotFoundError where there is none."""

    def collect(self, destination: Path, *, limits: CollectLimits | None = None) -> Collected:
        """Copy what the commands wrote into a folder that does not exist yet, which becomes ours.

        Files keep their bytes, holes, times and rwx bits, nothing else; symbolic links keep their text.
        All of it is hostile: follow no link. SandboxError, and nothing copied, at the first limit.
        """

    def close(self) -> None:
        """End what runs and remove everything; again does nothing."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
