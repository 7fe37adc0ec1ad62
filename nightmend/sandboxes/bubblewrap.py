"""Sandboxes on bubblewrap: namespaces without a daemon, an overlay on a read-only tree."""

import os
import re
import secrets
import stat
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from nightmend.errors import SandboxError, UsageError
from nightmend.monitoring.pulse import counted
from nightmend.sandboxes.arguments import ENVIRONMENT, ETC, Mounts, arguments, check_inside
from nightmend.sandboxes.binary import bubblewrap_binary
from nightmend.sandboxes.cgroups import cgroup_meter
from nightmend.sandboxes.cleanup import claim, remove_tree
from nightmend.sandboxes.collect import collect
from nightmend.sandboxes.disk import Disk
from nightmend.sandboxes.launch import Command
from nightmend.sandboxes.layers import Layers
from nightmend.sandboxes.owner import sandbox_owner
from nightmend.sandboxes.polling import Polling
from nightmend.sandboxes.protocol import READ_LIMIT, Bind, Collected, CommandResult, SandboxSpec
from nightmend.sandboxes.seccomp import seccomp_filter
from nightmend.sandboxes.staging import on_stage
from nightmend.sandboxes.supervise import Supervision
from nightmend.settings import CollectLimits, Limits

Shown = Callable[[str], str]
"""Where bubblewrap sees a folder of the host."""


class Bubblewrap:
    """One work layer; each command gets fresh namespaces around it."""

    def __init__(self, spec: SandboxSpec) -> None:
        self._binary = bubblewrap_binary()
        for place in (spec.workdir, *(bind.inside for bind in spec.binds)):
            check_inside(place)
        self.spec = spec
        self._owner = sandbox_owner()
        self.id = f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', spec.name).strip('-.')[:60]}-{secrets.token_hex(4)}"
        self.path = Path(spec.base_directory).resolve() / self.id
        self._claim: int | None = self._make_folders()
        self._closing = False
        self._layers = Layers(str(self.path / "upper"), spec.lower, self._owner)
        self._disk = Disk(self.path)
        self._one_at_a_time = threading.Lock()
        self._running: Supervision | None = None

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

    def _run(
        self, argv: Sequence[str], limits: Limits | None, env: Mapping[str, str] | None, stdin: bytes
    ) -> CommandResult:
        limits = limits or self.spec.limits
        environment = {**ENVIRONMENT, **self.spec.environment, **(env or {})}
        if not argv:
            raise UsageError("a sandbox needs a command to run")
        with self._one_at_a_time:
            self._require_open()
            self._require_mount_points()
            meter = cgroup_meter(limits) or Polling(limits)
            running = self._running = Supervision(limits, meter, self._disk)
            try:
                self._require_open()  # `close` sees what runs, or what runs sees `close`
                return self._staged(
                    lambda shown: running.run(
                        Command(
                            binary=f"{shown(self._binary.folder)}/{self._binary.program}",
                            arguments=arguments(self._mounts(shown, limits), environment),
                            system_calls=_filter(meter.hidden_memory),
                            argv=argv,
                            stdin=stdin,
                            limits=limits,
                            owner=self._owner,
                            processes=meter.processes,
                            data_bytes=meter.data_bytes,
                        )
                    )
                )
            finally:
                self._running = None
                meter.close()

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
                remove_tree(self.path)
                os.close(self._claim)
                self._claim = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

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
                (self.path / layer).mkdir(mode=0o755)
                if self._owner:
                    os.chown(self.path / layer, *self._owner)
            if self._owner:
                os.chmod(self.path, 0o711)  # noqa: S103 -- its user passes through, and lists nothing
        except OSError as error:
            raise SandboxError(
                f"no sandbox can be made in {base} ({error}): choose another base_directory"
            ) from None
        return descriptor

    def _staged(self, start: Callable[[Shown], CommandResult]) -> CommandResult:
        if self._owner is None:
            return start(str)
        lower = () if self.spec.lower is None else (self.spec.lower,)
        sources = (self._binary.folder, str(ETC), str(self.path), *lower)
        return on_stage((*sources, *(bind.host for bind in self.spec.binds)), start, self._end)

    def _mounts(self, shown: Shown, limits: Limits) -> Mounts:
        spec, own = self.spec, shown(str(self.path))
        return Mounts(
            lower=None if spec.lower is None else shown(spec.lower),
            upper=f"{own}/upper",
            work=f"{own}/work",
            workdir=spec.workdir,
            etc=shown(str(ETC)),
            binds=tuple(Bind(host=shown(bind.host), inside=bind.inside) for bind in spec.binds),
            tmp_bytes=limits.tmp_bytes,
            network=spec.network is not None,
        )


@cache
def _filter(hidden_memory: bool) -> bytes:
    return seccomp_filter(hidden_memory=hidden_memory)
