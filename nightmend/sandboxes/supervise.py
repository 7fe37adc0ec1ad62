"""One command from its start to the end of its last process: pipes, limits, clock."""

import json
import os
import select
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import IO

from nightmend.errors import SandboxError
from nightmend.sandboxes.meter import Meter
from nightmend.sandboxes.protocol import CommandResult
from nightmend.settings import Limits

TICK = 0.02
CHUNK = 1 << 16
KILLED = 128 + signal.SIGKILL
_TOO_LARGE = 128 + signal.SIGXFSZ
_DEATH_SECONDS = 10
_WHEN_TOLD = ("/bin/sh", "-c", 'read -r _ && exec "$@"', "sh")
"""Waits for a line on standard input, which never comes when we died while the sandbox was being made."""


@dataclass(frozen=True)
class Command:
    """What to start: bubblewrap and its arguments, the filter, and the command inside."""

    binary: str
    arguments: Sequence[str]
    system_calls: bytes
    argv: Sequence[str]
    stdin: bytes
    limits: Limits
    owner: tuple[int, int] | None


@dataclass
class Output:
    """The bytes kept of one stream."""

    limit: int
    kept: bytearray = field(default_factory=bytearray)
    truncated: bool = False

    def add(self, data: bytes) -> None:
        """Keep what fits."""
        room = self.limit - len(self.kept)
        self.kept += data[:room]
        self.truncated = self.truncated or len(data) > room


class Supervision:
    """Runs a command once; `end` may be called from any thread, at any time."""

    def __init__(self, command: Command, meter: Meter) -> None:
        self._command = command
        self._meter = meter
        self._ended = threading.Event()
        self._first: int | None = None  # process descriptor of the sandbox's init
        self._limit: str | None = None
        self._started = self._checked = time.monotonic()
        self._outputs = (Output(command.limits.output_bytes), Output(command.limits.output_bytes))

    def end(self) -> None:
        """Kill every process of the command; its `run` then raises SandboxError."""
        self._ended.set()
        self._kill()

    def run(self) -> CommandResult:
        """Return when nothing of the command is left; SandboxError when it could not be started."""
        with ExitStack() as stack:
            status = _Status(stack)
            process = self._start(status, stack)
            try:
                self._admit(process, status, stack)
                self._watch(process)
            finally:
                self._kill()
                if self._first is None:
                    process.kill()
                spent = _collect(process)
                self._await_death()
            for pipe, output in self._pipes(process):
                with suppress(BlockingIOError):
                    while _pump(pipe.fileno(), output):
                        continue
            return self._result(status.exit_code(), spent)

    def _start(self, status: "_Status", stack: ExitStack) -> "subprocess.Popen[bytes]":
        listed = _memory_file(b"".join(word.encode() + b"\0" for word in self._command.arguments), stack)
        filtered = _memory_file(self._command.system_calls, stack)
        argv = [self._command.binary, "--args", str(listed), "--seccomp", str(filtered)]
        argv += ["--json-status-fd", str(status.theirs), "--block-fd", str(status.gate_theirs), "--"]
        user, group = self._command.owner or (None, None)
        try:
            process = subprocess.Popen(
                [*argv, *_WHEN_TOLD, *self._limited(), *self._command.argv],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                cwd="/",
                env={"PATH": "/usr/bin:/bin"},
                pass_fds=(listed, filtered, status.theirs, status.gate_theirs),
                user=user,
                group=group,
                extra_groups=None if user is None else [],
            )
        except OSError as error:
            raise SandboxError(f"bubblewrap could not be started: {error}") from None
        finally:
            status.close_theirs()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe:
                os.set_blocking(pipe.fileno(), False)
                stack.callback(pipe.close)
        return process

    def _limited(self) -> tuple[str, ...]:
        """Return the prefix that sets limits inside: only there are processes counted by sandbox."""
        limits = self._command.limits
        return (
            "/usr/bin/prlimit",
            "--core=0",
            f"--fsize={limits.file_bytes}",
            f"--nofile={limits.open_files}",
            f"--nproc={limits.processes + self._meter.spare_processes}",
            f"--cpu={int(limits.cpu_seconds) + 2}",
            "--",
        )

    def _admit(self, process: "subprocess.Popen[bytes]", status: "_Status", stack: ExitStack) -> None:
        """Count and limit the sandbox's init while it waits at the gate, then open it."""
        pid = status.child()
        if pid is None:
            return
        with suppress(ProcessLookupError, BrokenPipeError):
            first = os.pidfd_open(pid)
            stack.callback(self._forget, first)
            if _parent(pid) != process.pid:
                return
            self._first = first
            self._meter.admit(pid)
            if not self._ended.is_set():
                status.open_gate()

    def _watch(self, process: "subprocess.Popen[bytes]") -> None:
        monitor = os.pidfd_open(process.pid)
        unsent = memoryview(b"\n" + self._command.stdin)
        with selectors.DefaultSelector() as selector:
            selector.register(monitor, selectors.EVENT_READ)
            for pipe, output in self._pipes(process):
                selector.register(pipe, selectors.EVENT_READ, output)
            if process.stdin:
                selector.register(process.stdin, selectors.EVENT_WRITE)
            try:
                while True:
                    for key, _ in selector.select(TICK):
                        if key.fd == monitor:
                            return
                        if isinstance(key.data, Output):
                            more = _pump(key.fd, key.data)
                        else:
                            unsent = _feed(key.fd, unsent)
                            more = bool(unsent)
                        if not more:
                            selector.unregister(key.fileobj)
                            if key.fileobj is process.stdin:
                                process.stdin.close()
                    self._check()
            finally:
                os.close(monitor)

    def _check(self) -> None:
        """End the command when it has reached a limit."""
        now = time.monotonic()
        if any(output.truncated for output in self._outputs):
            self._limit = self._limit or "output"
        elif now - self._checked >= TICK:
            self._checked = now
            self._limit = self._limit or self._exceeded(now)
        if self._limit or self._ended.is_set():
            self._kill()

    def _exceeded(self, now: float) -> str | None:
        usage = self._meter.usage()
        if usage.exceeded:
            return usage.exceeded
        if usage.cpu_seconds > self._command.limits.cpu_seconds:
            return "cpu_seconds"
        return "wall_seconds" if now - self._started > self._command.limits.wall_seconds else None

    def _kill(self) -> None:
        first = self._first
        if first is not None:
            with suppress(OSError):
                signal.pidfd_send_signal(first, signal.SIGKILL)

    def _forget(self, first: int) -> None:
        self._first = None
        os.close(first)

    def _await_death(self) -> None:
        """Wait until the kernel has ended the whole process namespace."""
        if self._first is None:
            return
        poll = select.poll()
        poll.register(self._first, select.POLLIN)
        if not poll.poll(_DEATH_SECONDS * 1000):
            raise SandboxError(f"processes of a sandbox still lived {_DEATH_SECONDS} seconds after SIGKILL")

    def _pipes(self, process: "subprocess.Popen[bytes]") -> Iterator[tuple[IO[bytes], Output]]:
        for pipe, output in zip((process.stdout, process.stderr), self._outputs, strict=True):
            if pipe:
                yield pipe, output

    def _result(self, code: int | None, spent: float) -> CommandResult:
        usage = self._meter.usage()
        stdout, stderr = (bytes(output.kept) for output in self._outputs)
        truncated = any(output.truncated for output in self._outputs)
        limit = self._limit or usage.exceeded or ("output" if truncated else None)
        if code == _TOO_LARGE:
            limit = limit or "file_bytes"
        if code is None and limit is None:
            if self._ended.is_set():
                raise SandboxError("the sandbox was closed while its command ran")
            reason = stderr.decode(errors="replace").strip() or "bubblewrap was ended from outside"
            raise SandboxError(f"the sandbox could not be set up: {reason}")
        return CommandResult(
            return_code=(code or KILLED) if limit else code or 0,
            stdout=stdout,
            stderr=stderr,
            wall_seconds=time.monotonic() - self._started,
            cpu_seconds=max(usage.cpu_seconds, spent),
            peak_memory=usage.peak_memory,
            limit=limit,
            truncated=truncated,
        )


class _Status:
    """The two pipes to bubblewrap: it tells what it started and how that ended; we open its gate."""

    def __init__(self, stack: ExitStack) -> None:
        ours, self.theirs = os.pipe()
        self.gate_theirs, self._gate = os.pipe()
        self._told = stack.enter_context(os.fdopen(ours, "rb"))
        stack.callback(os.close, self._gate)

    def close_theirs(self) -> None:
        os.close(self.theirs)
        os.close(self.gate_theirs)

    def open_gate(self) -> None:
        os.write(self._gate, b"x")

    def child(self) -> int | None:
        """Return the process that bubblewrap started, or None when it failed before."""
        line = self._told.readline()
        return int(json.loads(line)["child-pid"]) if line else None

    def exit_code(self) -> int | None:
        """Return how the command ended, when bubblewrap has; None when it never began, or was killed."""
        line = self._told.readline()
        return int(json.loads(line)["exit-code"]) if line else None


def _memory_file(content: bytes, stack: ExitStack) -> int:
    descriptor = os.memfd_create("nightmend")
    stack.callback(os.close, descriptor)
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _parent(pid: int) -> int:
    with open(f"/proc/{pid}/stat", "rb") as stat:
        return int(stat.read().rpartition(b")")[2].split()[1])


def _pump(descriptor: int, output: Output) -> bool:
    """Move what one pipe holds into its output; return whether more may come."""
    data = os.read(descriptor, CHUNK)
    output.add(data)
    return bool(data)


def _feed(descriptor: int, unsent: memoryview) -> memoryview:
    """Write what the command takes, and return the rest; nothing when it takes no more."""
    try:
        return unsent[os.write(descriptor, unsent[:CHUNK]) :]
    except BlockingIOError:
        return unsent
    except BrokenPipeError:
        return unsent[:0]


def _collect(process: "subprocess.Popen[bytes]") -> float:
    """Wait for bubblewrap and return the CPU seconds of all that it and its children waited for."""
    _, status, spent = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return spent.ru_utime + spent.ru_stime
