"""Sandboxes on bubblewrap: namespaces without a daemon, an overlay on a read-only tree."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache

from nightmend.sandboxes.arguments import ETC, Mounts, arguments
from nightmend.sandboxes.binary import bubblewrap_binary
from nightmend.sandboxes.cgroups import cgroup_meter
from nightmend.sandboxes.launch import Command
from nightmend.sandboxes.layered import Layered
from nightmend.sandboxes.polling import Polling
from nightmend.sandboxes.protocol import Bind, CommandResult, SandboxSpec
from nightmend.sandboxes.seccomp import seccomp_filter
from nightmend.sandboxes.staging import on_stage
from nightmend.sandboxes.supervise import Supervision
from nightmend.settings import Limits

Shown = Callable[[str], str]
"""Where bubblewrap sees a folder of the host."""


class Bubblewrap(Layered):
    """One work layer; each command gets fresh namespaces around it."""

    def __init__(self, spec: SandboxSpec) -> None:
        self._binary = bubblewrap_binary()
        super().__init__(spec)

    def _command(
        self, argv: Sequence[str], limits: Limits, environment: Mapping[str, str], stdin: bytes
    ) -> CommandResult:
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
            meter.close()

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
