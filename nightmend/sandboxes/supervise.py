"""One command from its start to the end of its last process: pipes, limits, clock."""

import os
import select
import selectors
import signal
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial

from nightmend.errors import SandboxError
from nightmend.sandboxes.launch import CHUNK, GO, Command, Started, read_some, start
from nightmend.sandboxes.meter import Meter
from nightmend.sandboxes.protocol import CommandResult

TICK = 0.02
KILLED = 128 + signal.SIGKILL
_TOO_LARGE = 128 + signal.SIGXFSZ
_DEATH_SECONDS = 10


@dataclass
class Output:
    """The bytes kept of one stream."""

    limit: int
    kept: bytearray = field(default_factory=bytearray)
    truncated: bool = False

    def take(self, descriptor: int) -> bytes | None:
        """Keep what fits of what is there; return all of it as `read_some` does."""
        data = read_some(descriptor)
        if data:
            room = self.limit - len(self.kept)
            self.kept += data[:room]
            self.truncated = self.truncated or len(data) > room
        return data

    def serve(self, descriptor: int) -> bool:
        """Take what is there; return whether more may come."""
        return self.take(descriptor) != b""


class Supervision:
    """Runs a command once; `end` may be called from any thread, at any time."""

    def __init__(self, command: Command, meter: Meter) -> None:
        self._command = command
        self._meter = meter
        self._outputs = (Output(command.limits.output_bytes), Output(command.limits.output_bytes))
        self._unsent = memoryview(GO + command.stdin)
        self._limit: str | None = None
        self._ended = False
        self._guard = threading.Lock()
        self._init: int | None = None  # process descriptor of the sandbox's first process
        self._began = self._checked = time.monotonic()

    def end(self) -> None:
        """Kill every process of the command; its `run` raises SandboxError."""
        self._ended = True
        self._kill()

    def run(self) -> CommandResult:
        """Return when nothing of the command is left; SandboxError when it could not be started."""
        limits = self._command.limits
        with ExitStack() as stack:
            started = start(self._command, limits.processes + self._meter.spare_processes, stack)
            try:
                self._watch(started)
            finally:
                spent = self._finish(started)
            for pipe, output in zip((started.stdout, started.stderr), self._outputs, strict=True):
                while output.take(pipe.fileno()):
                    continue
            started.listen()
        return self._result(started.told.get("exit-code"), spent)

    def _watch(self, started: Started) -> None:
        """Serve the pipes and mind the limits until bubblewrap has ended."""
        sources: dict[int, tuple[int, Callable[[], bool]]] = {
            started.monitor: (selectors.EVENT_READ, lambda: False),
            started.status: (selectors.EVENT_READ, lambda: self._listen(started)),
            started.stdin.fileno(): (selectors.EVENT_WRITE, lambda: self._feed(started)),
        }
        for pipe, output in zip((started.stdout, started.stderr), self._outputs, strict=True):
            sources[pipe.fileno()] = (selectors.EVENT_READ, partial(output.serve, pipe.fileno()))
        with selectors.DefaultSelector() as selector:
            for descriptor, (event, serve) in sources.items():
                selector.register(descriptor, event, serve)
            while started.monitor in selector.get_map():
                for key, _ in selector.select(TICK):
                    if not key.data():
                        selector.unregister(key.fd)
                self._check()

    def _listen(self, started: Started) -> bool:
        more = started.listen()
        if self._init is None and "child-pid" in started.told:
            with suppress(ProcessLookupError, BrokenPipeError):  # it failed, and bubblewrap will say why
                self._admit(started, started.told["child-pid"])
        return more

    def _admit(self, started: Started, pid: int) -> None:
        """Count the sandbox's first process, which waits at the gate, and open that."""
        init = os.pidfd_open(pid)
        if _parent(pid) != started.process.pid:
            os.close(init)
            return
        with self._guard:
            self._init = init
        self._meter.admit(pid)
        if not self._ended:
            started.open_gate()

    def _feed(self, started: Started) -> bool:
        try:
            self._unsent = self._unsent[os.write(started.stdin.fileno(), self._unsent[:CHUNK]) :]
        except BlockingIOError:
            return True
        except BrokenPipeError:
            self._unsent = self._unsent[:0]
        if not self._unsent:
            started.stdin.close()
        return bool(self._unsent)

    def _check(self) -> None:
        """End the command when it has reached a limit."""
        now = time.monotonic()
        if any(output.truncated for output in self._outputs):
            self._limit = self._limit or "output"
        elif now - self._checked >= TICK:
            self._checked = now
            self._limit = self._limit or self._exceeded(now)
        if self._limit or self._ended:
            self._kill()

    def _exceeded(self, now: float) -> str | None:
        usage = self._meter.usage()
        if usage.exceeded:
            return usage.exceeded
        if usage.cpu_seconds > self._command.limits.cpu_seconds:
            return "cpu_seconds"
        return "wall_seconds" if now - self._began > self._command.limits.wall_seconds else None

    def _kill(self) -> None:
        with self._guard, suppress(ProcessLookupError):
            if self._init is not None:
                signal.pidfd_send_signal(self._init, signal.SIGKILL)

    def _finish(self, started: Started) -> float:
        """End everything, wait until it is gone, and return its CPU seconds as its parents saw them."""
        self._kill()
        if self._init is None:
            started.process.kill()
        _, status, spent = os.wait4(started.process.pid, 0)
        started.process.returncode = os.waitstatus_to_exitcode(status)
        if self._init is not None:
            self._await_death(self._init)
            with self._guard:
                os.close(self._init)
                self._init = None
        return spent.ru_utime + spent.ru_stime

    def _await_death(self, init: int) -> None:
        """Wait for the first process, which the kernel lets go last of its namespace."""
        poll = select.poll()
        poll.register(init, select.POLLIN)
        if not poll.poll(_DEATH_SECONDS * 1000):
            raise SandboxError(f"processes of a sandbox still lived {_DEATH_SECONDS} seconds after SIGKILL")

    def _result(self, code: int | None, spent: float) -> CommandResult:
        usage = self._meter.usage()
        stdout, stderr = (bytes(output.kept) for output in self._outputs)
        truncated = any(output.truncated for output in self._outputs)
        limit = self._limit or usage.exceeded or ("output" if truncated else None)
        if code == _TOO_LARGE:
            limit = limit or "file_bytes"
        if code is None and limit is None:
            if self._ended:
                raise SandboxError("the sandbox was closed while its command ran")
            reason = stderr.decode(errors="replace").strip() or "bubblewrap was ended from outside"
            raise SandboxError(f"the sandbox could not be set up: {reason}")
        return CommandResult(
            return_code=(code or KILLED) if limit else code or 0,
            stdout=stdout,
            stderr=stderr,
            wall_seconds=time.monotonic() - self._began,
            cpu_seconds=max(usage.cpu_seconds, spent),
            peak_memory=usage.peak_memory,
            limit=limit,
            truncated=truncated,
        )


def _parent(pid: int) -> int:
    with open(f"/proc/{pid}/stat", "rb") as stat:
        return int(stat.read().rpartition(b")")[2].split()[1])
