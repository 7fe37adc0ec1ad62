"""What the back ends have in common: a folder of their own, a work layer in it, and turns."""

import os
import re
import secrets
import stat
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Protocol, Self

from nightmend.errors import SandboxError, UsageError
from nightmend.monitoring.pulse import counted
from nightmend.sandboxes.arguments import ENVIRONMENT, check_inside
from nightmend.sandboxes.claims import claim
from nightmend.sandboxes.cleanup import remove_tree
from nightmend.sandboxes.collect import collect
from nightmend.sandboxes.disk import Disk
from nightmend.sandboxes.layers import Layers
from nightmend.sandboxes.owner import sandbox_owner
from nightmend.sandboxes.protocol import READ_LIMIT, Collected, CommandResult, SandboxSpec
from nightmend.settings import CollectLimits, Limits


class Running(Protocol):
    """A command that runs."""

    def end(self) -> None:
        """Kill every process of the command; may be called from any thread, at any time."""


class Layered(ABC):
    """One work layer, in an upper folder over the lower tree; a back end says how a command runs on it."""

    def __init__(self, spec: SandboxSpec) -> None:
        for place in (spec.workdir, *(bind.inside for bind in spec.binds)):
            check_inside(place)
        self.spec = spec
        self._owner = sandbox_owner()
        self.id = f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', spec.name).strip('-.')[:60]}-{secrets.token_hex(4)}"
        self.path = Path(spec.base_directory).resolve() / self.id
        self._claim: int | None = self._make_folders()
        self._closing = False
        self._layers = Layers(str(self.path / "upper"), spec.lower, self._owner)
        self._disk = Disk(self.path / "upper")
        self._one_at_a_time = threading.Lock()
        self._running: Running | None = None

    def run(
        self,
        argv: Sequence[str],
        *,
        limits: Limits | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
    ) -> CommandResult:
        """Run one command to its end, or to its first limit; nothing of it is left running."""
        return counted(self.spec.name, lambda: self._run(argv, limits, env, stdin))

    def execute_command(self, command: str) -> CommandResult:
        """Run a line of shell."""
        return self.run(("sh", "-c", command))

    def write(self, path: str, content: bytes) -> None:
        """Put a regular file into the work layer; `path` is relative to it, no link is followed."""
        with self._one_at_a_time:
            self._require_open()
            self._layers.write(path, content)

    def read(self, path: str, limit: int = READ_LIMIT) -> bytes:
        """Read a regular file of the work layer, no link followed; FileNotFoundError where there is none."""
        with self._one_at_a_time:
            self._require_open()
            return self._layers.read(path, limit)

    def collect(self, destination: Path, *, limits: CollectLimits | None = None) -> Collected:
        """Copy what the commands wrote into a folder that does not exist yet."""
        with self._one_at_a_time:
            self._require_open()
            return collect(self._layers, destination, limits or CollectLimits())

    def close(self) -> None:
        """End what runs and remove everything; again does nothing."""
        self._closing = True
        self._end()
        with self._one_at_a_time:
            if self._claim is not None:
                self._remove()
                os.close(self._claim)
                self._claim = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def _command(
        self, argv: Sequence[str], limits: Limits, environment: Mapping[str, str], stdin: bytes
    ) -> CommandResult:
        """Run a command, kept in `_running` meanwhile; `_require_open` is asked once it is there."""

    def _remove(self) -> None:
        """Remove all that the sandbox holds, once nothing of it runs."""
        remove_tree(self.path)

    def _run(
        self, argv: Sequence[str], limits: Limits | None, env: Mapping[str, str] | None, stdin: bytes
    ) -> CommandResult:
        environment = {**ENVIRONMENT, **self.spec.environment, **(env or {})}
        if not argv:
            raise UsageError("a sandbox needs a command to run")
        with self._one_at_a_time:
            self._require_open()
            self._require_mount_points()
            try:
                return self._command(argv, limits or self.spec.limits, environment, stdin)
            finally:
                self._running = None

    def _end(self) -> None:
        running = self._running
        if running:
            running.end()

    def _require_open(self) -> None:
        if self._closing:
            raise SandboxError(f"the sandbox {self.id!r} is closed: create a new one")

    def _require_mount_points(self) -> None:
        """Refuse to mount below the work layer through a link that a command has put there."""
        workdir = PurePosixPath(self.spec.workdir)
        for bind in self.spec.binds:
            inside = PurePosixPath(bind.inside)
            if inside != workdir and inside.is_relative_to(workdir):
                self._layers.require_no_links(str(inside.relative_to(workdir)))

    def _make_folders(self) -> int:
        base = self.path.parent
        try:
            base.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = base.stat()
            open_to_all = found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX
            if found.st_uid not in {0, os.geteuid()} or open_to_all:
                raise SandboxError(f"others can change {base}: choose another base_directory")
            self.path.mkdir(mode=0o700)
            descriptor = claim(self.path)
            for layer in ("upper", "work"):
                self._make_own(self.path / layer)
            if self._owner:
                os.chmod(self.path, 0o711)  # noqa: S103 -- its user passes through, and lists nothing
        except OSError as error:
            raise SandboxError(
                f"no sandbox can be made in {base} ({error}): choose another base_directory"
            ) from None
        return descriptor

    def _make_own(self, folder: Path) -> None:
        """Make a folder that belongs to whom commands run as."""
        folder.mkdir(mode=0o755)
        if self._owner:
            os.chown(folder, *self._owner)
