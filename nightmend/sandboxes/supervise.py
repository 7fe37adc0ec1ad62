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
from typing import TypeVar

from nightmend.errors import SandboxError
from nightmend.monitoring.pulse import beat
from nightmend.sandboxes.disk import Disk
from nightmend.sandboxes.launch import CHUNK, GO, Command, Started, read_some, start
from nightmend.sandboxes.meter import Meter
from nightmend.sandboxes.protocol import CommandResult
from nightmend.settings import Limits

TICK = 0.02
KILLED = 128 + signal.SIGKILL
_TOO_LARGE = 128 + signal.SIGXFSZ
_DEATH_SECONDS = 10
_SETUP_SECONDS = 30
_GLANCE = 0.0002
_LOOK_SECONDS = 5.0
_AT_WORK = 0.01
"""Share of a processor: a command that uses less, and says nothing, only waits."""
T = TypeVar("T")


@dataclass
class Output:
    """The bytes kept of one stream."""

    limit: int
    kept: bytearray = field(default_factory=bytearray)
    truncated: bool = False
    seen: int = 0
    """Bytes of all there was."""

    def take(self, descriptor: int) -> bytes | None:
        """Keep what fits of what is there; return all of it as `read_some` does."""
        data = read_some(descriptor)
        if data:
            self.seen += len(data)
            room = self.limit - len(self.kept)
            self.kept += data[:room]
            self.truncated = self.truncated or len(data) > room
        return data

    def serve(self, descriptor: int) -> bool:
        """Take what is there; return whether more may come."""
        return self.take(descriptor) != b""


class Supervision:
    """Runs a command once; `end` may be called from any thread, at any time."""

    def __init__(self, limits: Limits, meter: Meter, disk: Disk) -> None:
        self._limits = limits
        self._meter = meter
        self._disk = disk
        self._outputs = (Output(limits.output_bytes), Output(limits.output_bytes))
        self._unsent = memoryview(b"")
        self._limit: str | None = None
        self._closed = False
        self._guard = threading.Lock()
        self._init: int | None = None  # process descriptor of the sandbox's first process
        self._began = self._checked = self._alive = self._looked = time.monotonic()
        self._said, self._spent = 0, 0.0

    def end(self) -> None:
        """Kill every process of the command; its `run` raises SandboxError."""
        self._closed = True
        self._kill()

    def run(self, command: Command) -> CommandResult:
        """Return when nothing of the command is left; SandboxError when it could not be started."""
        with ExitStack() as stack:
            started = start(command, stack)
            try:
                self._admit(started, command.stdin)
                self._watch(started)
            finally:
                spent = self._finish(started)
            for pipe, output in zip((started.stdout, started.stderr), self._outputs, strict=True):
                while output.take(pipe.fileno()):
                    continue
            code = started.told("exit-code")
        return self._result(code, spent)

    def _watch(self, started: Started) -> None:
        """Serve the pipes and mind the limits until bubblewrap has ended."""
        sources: dict[int, tuple[int, Callable[[], bool]]] = {
            started.monitor: (selectors.EVENT_READ, lambda: False),
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

    def _admit(self, started: Started, stdin: bytes) -> None:
        """Count the sandbox's first process while it waits at the gate, and open that."""
        pid = self._find_init(started)
        if pid is None and not _readable(started.monitor, 0):
            raise SandboxError(f"a sandbox was not made within {_SETUP_SECONDS} seconds: try again later")
        if pid is None:
            return  # it has failed, and bubblewrap will say why
        try:
            _expendable(pid)
            self._meter.admit(pid)
        except ProcessLookupError:
            return
        except OSError as error:
            raise SandboxError(f"the processes of a sandbox could not be counted: {error}") from None
        if self._closed:
            return
        with suppress(BrokenPipeError):
            started.open_gate()
        if _ask(started, partial(_minds_its_parent, pid)):
            self._unsent = memoryview(GO + stdin)

    def _find_init(self, started: Started) -> int | None:
        """Wait for the sandbox's first process, and hold on to it; None when bubblewrap ended without one."""
        pid = _ask(started, partial(started.told, "child-pid"))
        if pid is None or self._init is not None:
            return pid
        with suppress(ProcessLookupError, FileNotFoundError):
            init = os.pidfd_open(pid)
            if _parent(pid) == started.process.pid:
                with self._guard:
                    self._init = init
                return pid
            os.close(init)
        return None

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
        if self._flooded:
            self._limit = self._limit or "output"
        elif now - self._checked >= TICK:
            self._checked = now
            self._limit = self._limit or self._exceeded(now)
        if self._limit or self._closed:
            self._kill()

    @property
    def _flooded(self) -> bool:
        return self._limits.more_output == "end" and any(output.truncated for output in self._outputs)

    def _exceeded(self, now: float) -> str | None:
        usage = self._meter.usage()
        self._look_for_life(now, usage.cpu_seconds)
        if usage.exceeded:
            return usage.exceeded
        if usage.cpu_seconds > self._limits.cpu_seconds:
            return "cpu_seconds"
        if now - self._began > self._limits.wall_seconds:
            return "wall_seconds"
        if self._limits.silent_seconds and now - self._alive > self._limits.silent_seconds:
            return "silent_seconds"
        return "disk_bytes" if self._disk.exceeds(self._limits.disk_bytes) else None

    def _look_for_life(self, now: float, spent: float) -> None:
        said = sum(output.seen for output in self._outputs)
        busy = False
        if now - self._looked >= _LOOK_SECONDS:
            busy = spent - self._spent >= _AT_WORK * (now - self._looked)
            self._looked, self._spent = now, spent
        if said > self._said or busy:
            self._said, self._alive = said, now
            beat()

    def _kill(self) -> None:
        with self._guard, suppress(ProcessLookupError):
            if self._init is not None:
                signal.pidfd_send_signal(self._init, signal.SIGKILL)

    def _finish(self, started: Started) -> float:
        """End everything, wait until it is gone, and return its CPU seconds as its parents saw them."""
        if not self._find_init(started):
            _end_unfinished(started)
        self._kill()
        _, status, spent = os.wait4(started.process.pid, 0)
        started.process.returncode = os.waitstatus_to_exitcode(status)
        if self._init is not None:
            if not _readable(self._init, _DEATH_SECONDS):  # the kernel lets it go last of its namespace
                raise SandboxError(
                    f"processes of a sandbox still lived {_DEATH_SECONDS} seconds after SIGKILL"
                )
            with self._guard:
                os.close(self._init)
                self._init = None
        return spent.ru_utime + spent.ru_stime

    def _result(self, code: int | None, spent: float) -> CommandResult:
        usage = self._meter.usage()
        stdout, stderr = (bytes(output.kept) for output in self._outputs)
        truncated = any(output.truncated for output in self._outputs)
        limit = self._limit or usage.exceeded or ("output" if self._flooded else None)
        if code == _TOO_LARGE:
            limit = limit or "file_bytes"
        if self._closed:
            raise SandboxError("the sandbox was closed while its command ran")
        if code is None and limit is None:
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


def _readable(descriptor: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def _ask(started: Started, question: Callable[[], T | None]) -> T | None:
    """Ask until there is an answer; None when bubblewrap ended, or took too long, without one."""
    until = time.monotonic() + _SETUP_SECONDS
    while True:
        last = _readable(started.monitor, 0) or time.monotonic() > until
        answer = question()
        if answer is not None or last:
            return answer
        time.sleep(_GLANCE)


def _minds_its_parent(pid: int) -> bool | None:
    """Whether the sandbox's first process would die with us; it filters its calls just after."""
    try:
        with open(f"/proc/{pid}/status", "rb") as status:
            return True if b"\nSeccomp:\t2\n" in status.read() else None
    except OSError:
        return None


def _end_unfinished(started: Started) -> None:
    """End bubblewrap and what it has started without saying so, which would wait for it for ever."""
    signal.pidfd_send_signal(started.monitor, signal.SIGSTOP)
    os.waitid(os.P_PIDFD, started.monitor, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    pid = started.process.pid
    with suppress(OSError), open(f"/proc/{pid}/task/{pid}/children") as children:
        for child in children.read().split():
            os.kill(int(child), signal.SIGKILL)
    signal.pidfd_send_signal(started.monitor, signal.SIGKILL)


def _expendable(pid: int) -> None:
    """Let a process and all that it will start die before anything else where the machine lacks memory.

    Written by root this is also the least that they can set: sparing itself, a process would hold off the
    end of its control group.
    """
    with suppress(FileNotFoundError), open(f"/proc/{pid}/oom_score_adj", "w") as score:
        score.write("1000")


def _parent(pid: int) -> int:
    with open(f"/proc/{pid}/stat", "rb") as stat:
        return int(stat.read().rpartition(b")")[2].split()[1])
