"""The start of bubblewrap: its pipes, its arguments by descriptor, and a command that waits to be told."""

import json
import os
import resource
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO

from nightmend.errors import SandboxError, UsageError
from nightmend.sandboxes.owner import acting_as
from nightmend.sandboxes.watching import CHUNK, Pipes
from nightmend.settings import Limits

ENTER = 'echo && read -r _ && exec "$@"'
"""Ends the script around every command, and so tells our sandboxes from those of others."""
GO = b"\n"
"""First line of standard output, by which the shell around the command says that it waits, and of standard
input, for which it waits."""


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
    processes: int
    """Hard limit of processes and threads at once."""
    data_bytes: int | None
    """Hard limit of the private memory of one process."""


@dataclass(frozen=True)
class Started:
    """A bubblewrap that makes its sandbox, in which a shell then waits."""

    process: "subprocess.Popen[bytes]"
    monitor: int
    """Process descriptor of bubblewrap itself."""
    status: int
    """A file for what bubblewrap says: a pipe, broken by our death, would end it with its child asleep."""
    pipes: Pipes

    def told(self, key: str) -> int | None:
        """Return what bubblewrap said: child-pid at first, exit-code at the end of a command that began."""
        said = os.pread(self.status, CHUNK, 0)
        documents = (json.loads(line) for line in said.splitlines(keepends=True) if line.endswith(b"\n"))
        return next((int(document[key]) for document in documents if key in document), None)


def start(command: Command, stack: ExitStack) -> Started:
    """Start bubblewrap; SandboxError when it cannot be executed."""
    listed = _memory_file(_joined(command.arguments), stack)
    filtered = _memory_file(command.system_calls, stack)
    status = _memory_file(b"", stack)
    options = ("--args", listed, "--seccomp", filtered, "--json-status-fd", status)
    argv = [command.binary, *map(str, options), "--", "/bin/sh", "-c", _script(command), "sh", *command.argv]
    process = _popen(argv, (listed, filtered, status), command.owner)
    monitor = os.pidfd_open(process.pid)
    stack.callback(os.close, monitor)
    streams = (process.stdin, process.stdout, process.stderr)
    return Started(process, monitor, status, Pipes(*(_unblocked(pipe, stack) for pipe in streams)))


def _unblocked(pipe: IO[bytes] | None, stack: ExitStack) -> IO[bytes]:
    assert pipe is not None  # noqa: S101 -- all three were asked for
    os.set_blocking(pipe.fileno(), False)
    return stack.enter_context(pipe)


def _popen(
    argv: Sequence[str], descriptors: Sequence[int], owner: tuple[int, int] | None
) -> "subprocess.Popen[bytes]":
    try:
        with acting_as(owner):
            return subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                cwd="/",
                env={"PATH": "/usr/bin:/bin"},
                pass_fds=descriptors,
                process_group=0,  # else Ctrl-C ends it while its child sleeps, which hears no such signal
            )
    except ValueError:
        raise UsageError(f"the command {argv!r} holds a zero byte") from None
    except OSError as error:
        raise SandboxError(f"bubblewrap could not be started: {error}") from None


def _script(command: Command) -> str:
    """Return the shell script around the command.

    It sets the limits from inside, where the kernel counts processes by sandbox. Then it waits to be told:
    the command must not begin before all is counted, nor when we died while the sandbox was made, before the
    kernel watched for that.
    """
    limits = command.limits
    wanted = (
        ("c", resource.RLIMIT_CORE, 0, 1),
        ("f", resource.RLIMIT_FSIZE, limits.file_bytes, 512),
        ("n", resource.RLIMIT_NOFILE, limits.open_files, 1),
        ("t", resource.RLIMIT_CPU, int(limits.cpu_seconds) + 2, 1),
        ("d", resource.RLIMIT_DATA, command.data_bytes, 1024),
    )
    steps = [
        f"ulimit -{letter} {_allowed(kind, value) // unit}"
        for letter, kind, value, unit in wanted
        if value is not None
    ]
    processes = _allowed(resource.RLIMIT_NPROC, command.processes)
    either = f"{{ ulimit -u {processes} 2>/dev/null || ulimit -p {processes}; }}"  # bash, dash
    return " && ".join([*steps, either, ENTER])


def _allowed(kind: int, value: int) -> int:
    _, hard = resource.getrlimit(kind)
    return value if hard == resource.RLIM_INFINITY else min(value, hard)


def _joined(words: Sequence[str]) -> bytes:
    for word in words:
        if "\0" in word:
            raise UsageError(f"the path or variable {word!r} of a sandbox holds a zero byte")
    return b"".join(os.fsencode(word) + b"\0" for word in words)


def _memory_file(content: bytes, stack: ExitStack) -> int:
    try:
        descriptor = os.memfd_create("nightmend")
    except OSError as error:
        raise SandboxError(f"no file in memory can be made: {error}") from None
    stack.callback(os.close, descriptor)
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
