"""The start of bubblewrap: its pipes, its arguments by descriptor, and a command that waits to be told."""

import json
import os
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO

from nightmend.errors import SandboxError, UsageError
from nightmend.settings import Limits

CHUNK = 1 << 16
GO = b"\n"
"""First line of standard input, for `_WHEN_TOLD`."""
_WHEN_TOLD = ("/bin/sh", "-c", 'read -r _ && exec "$@"', "sh")
"""Never goes on when we die while the sandbox is made, before the kernel would tell it of our death."""


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
class Started:
    """A bubblewrap that makes its sandbox and then waits at the gate. All descriptors are non-blocking."""

    process: "subprocess.Popen[bytes]"
    monitor: int
    """Process descriptor of bubblewrap itself."""
    status: int
    gate: int
    stdin: IO[bytes]
    stdout: IO[bytes]
    stderr: IO[bytes]
    told: dict[str, int] = field(default_factory=dict)
    """What bubblewrap has said so far: child-pid at first, exit-code at the end of a command that began."""
    _line: bytes = b""

    def listen(self) -> bool:
        """Take in what bubblewrap says; return whether more may come."""
        said = read_some(self.status)
        *lines, self._line = (self._line + (said or b"")).split(b"\n")
        for line in lines:
            self.told.update(json.loads(line))
        return said != b""

    def open_gate(self) -> None:
        """Let bubblewrap start the command."""
        os.write(self.gate, b"x")


def start(command: Command, processes: int, stack: ExitStack) -> Started:
    """Start bubblewrap; `processes` is the hard limit inside. SandboxError when it cannot be executed."""
    listed = _memory_file(_joined(command.arguments), stack)
    filtered = _memory_file(command.system_calls, stack)
    status, status_in = os.pipe()
    gate_out, gate = os.pipe()
    for ours in (status, gate):
        os.set_blocking(ours, False)
        stack.callback(os.close, ours)
    options = ("--args", listed, "--seccomp", filtered, "--json-status-fd", status_in, "--block-fd", gate_out)
    argv = [command.binary, *map(str, options), "--", *_WHEN_TOLD, *_limited(command.limits, processes)]
    try:
        process = _popen([*argv, *command.argv], (listed, filtered, status_in, gate_out), command.owner)
    finally:
        os.close(status_in)
        os.close(gate_out)
    monitor = os.pidfd_open(process.pid)
    stack.callback(os.close, monitor)
    stdin, stdout, stderr = (_unblocked(p, stack) for p in (process.stdin, process.stdout, process.stderr))
    return Started(process, monitor, status, gate, stdin, stdout, stderr)


def read_some(descriptor: int) -> bytes | None:
    """Read what is there: b"" at the end, None when there is nothing yet."""
    try:
        return os.read(descriptor, CHUNK)
    except BlockingIOError:
        return None


def _unblocked(pipe: IO[bytes] | None, stack: ExitStack) -> IO[bytes]:
    assert pipe is not None  # noqa: S101 -- all three were asked for
    os.set_blocking(pipe.fileno(), False)
    return stack.enter_context(pipe)


def _popen(
    argv: Sequence[str], descriptors: Sequence[int], owner: tuple[int, int] | None
) -> "subprocess.Popen[bytes]":
    user, group = owner or (None, None)
    try:
        return subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            cwd="/",
            env={"PATH": "/usr/bin:/bin"},
            pass_fds=descriptors,
            user=user,
            group=group,
            extra_groups=None if user is None else [],
        )
    except ValueError:
        raise UsageError(f"the command {argv!r} holds a zero byte") from None
    except OSError as error:
        raise SandboxError(f"bubblewrap could not be started: {error}") from None


def _limited(limits: Limits, processes: int) -> tuple[str, ...]:
    """Return the prefix that sets limits from inside, where the kernel counts processes by sandbox."""
    return (
        "/usr/bin/prlimit",
        "--core=0",
        f"--fsize={limits.file_bytes}",
        f"--nofile={limits.open_files}",
        f"--nproc={processes}",
        f"--cpu={int(limits.cpu_seconds) + 2}",
        "--",
    )


def _joined(words: Sequence[str]) -> bytes:
    for word in words:
        if "\0" in word:
            raise UsageError(f"the path or variable {word!r} of a sandbox holds a zero byte")
    return b"".join(os.fsencode(word) + b"\0" for word in words)


def _memory_file(content: bytes, stack: ExitStack) -> int:
    descriptor = os.memfd_create("nightmend")
    stack.callback(os.close, descriptor)
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
