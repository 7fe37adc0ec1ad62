"""What every back end does while a command runs: serve its pipes, mind its limits, say what became of it."""

import os
import select
import selectors
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import IO, NamedTuple

from nightmend.errors import EndedError, SandboxError
from nightmend.monitoring.pulse import beat
from nightmend.sandboxes.disk import Disk
from nightmend.sandboxes.meter import Meter
from nightmend.sandboxes.protocol import CommandResult
from nightmend.settings import Limits

CHUNK = 1 << 16
TICK = 0.02
KILLED = 128 + signal.SIGKILL
_TOO_LARGE = 128 + signal.SIGXFSZ
_LOOK_SECONDS = 5.0
_AT_WORK = 0.01
"""Share of a processor: a command that uses less, and says nothing, only waits."""


class Pipes(NamedTuple):
    """Our ends of a command's standard streams. They do not block us."""

    stdin: IO[bytes]
    stdout: IO[bytes]
    stderr: IO[bytes]


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


class Watch:
    """The eyes on one command; `end` makes what runs go away, and may be called again and again."""

    def __init__(self, limits: Limits, meter: Meter, disk: Disk, end: Callable[[], None]) -> None:
        self.closed = False
        """Set from any thread: the sandbox is being closed."""
        self._limits = limits
        self._meter = meter
        self._disk = disk
        self._end = end
        self._outputs = (Output(limits.output_bytes), Output(limits.output_bytes))
        self._unsent = memoryview(b"")
        self._limit: str | None = None
        self._began = self._checked = self._alive = self._looked = time.monotonic()
        self._wall = 0.0
        self._said, self._spent = 0, 0.0

    def serve(self, monitor: int, pipes: Pipes, stdin: bytes) -> None:
        """Serve the pipes and mind the limits until the process descriptor `monitor` says that it ended."""
        self._began = self._checked = self._alive = self._looked = time.monotonic()
        self._unsent = memoryview(stdin)
        sources: dict[int, tuple[int, Callable[[], bool]]] = {
            monitor: (selectors.EVENT_READ, lambda: False),
            pipes.stdin.fileno(): (selectors.EVENT_WRITE, lambda: self._feed(pipes.stdin)),
        }
        for pipe, output in zip(pipes[1:], self._outputs, strict=True):
            sources[pipe.fileno()] = (selectors.EVENT_READ, partial(output.serve, pipe.fileno()))
        with selectors.DefaultSelector() as selector:
            for descriptor, (event, serve) in sources.items():
                selector.register(descriptor, event, serve)
            while monitor in selector.get_map():
                for key, _ in selector.select(TICK):
                    if not key.data():
                        selector.unregister(key.fd)
                self._check()
        self._wall = time.monotonic() - self._began

    def drain(self, pipes: Pipes) -> None:
        """Take what a command that is gone has left in its pipes."""
        for pipe, output in zip(pipes[1:], self._outputs, strict=True):
            while output.take(pipe.fileno()):
                continue

    def result(self, code: int | None, spent: float, ended_otherwise: str) -> CommandResult:
        """Say what a command did that ended with `code`, None where it never came to its own end.

        `spent` are CPU seconds as another one counted them, `ended_otherwise` is the reason where none is
        known.
        """
        usage = self._meter.usage()
        stdout, stderr = (bytes(output.kept) for output in self._outputs)
        limit = self._limit or usage.exceeded or ("output" if self._flooded else None)
        if code == _TOO_LARGE:
            limit = limit or "file_bytes"
        if self.closed:
            raise SandboxError("the sandbox was closed while its command ran")
        if code is None and limit is None:
            reason = stderr.decode(errors="replace").strip()
            if not reason:
                raise EndedError(f"the sandbox could not be set up: {ended_otherwise}")
            raise SandboxError(f"the sandbox could not be set up: {reason}")
        return CommandResult(
            return_code=(code or KILLED) if limit else code or 0,
            stdout=stdout,
            stderr=stderr,
            wall_seconds=self._wall,
            cpu_seconds=max(usage.cpu_seconds, spent),
            peak_memory=usage.peak_memory,
            limit=limit,
            truncated=any(output.truncated for output in self._outputs),
        )

    def _feed(self, stdin: IO[bytes]) -> bool:
        try:
            self._unsent = self._unsent[os.write(stdin.fileno(), self._unsent[:CHUNK]) :]
        except BlockingIOError:
            return True
        except BrokenPipeError:
            self._unsent = self._unsent[:0]
        if not self._unsent:
            stdin.close()
        return bool(self._unsent)

    def _check(self) -> None:
        """End the command when it has reached a limit."""
        now = time.monotonic()
        if self._flooded:
            self._limit = self._limit or "output"
        elif now - self._checked >= TICK:
            self._checked = now
            self._limit = self._limit or self._exceeded(now)
        if self._limit or self.closed:
            self._end()

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


def readable(descriptor: int, seconds: float) -> bool:
    """Whether there is something to read, or a process has ended, within so many seconds."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(0.0, seconds) * 1000))


def read_some(descriptor: int, most: int = CHUNK) -> bytes | None:
    """Read what is there: b"" at the end, None when there is nothing yet."""
    try:
        return os.read(descriptor, most)
    except BlockingIOError:
        return None
