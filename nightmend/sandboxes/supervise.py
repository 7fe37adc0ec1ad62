"""One command in bubblewrap, from its start to the end of its last process."""

import os
import select
import signal
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from typing import TypeVar

from nightmend.errors import SandboxError
from nightmend.sandboxes.disk import Disk
from nightmend.sandboxes.launch import GO, Command, Started, start
from nightmend.sandboxes.meter import Meter
from nightmend.sandboxes.protocol import CommandResult
from nightmend.sandboxes.watching import TICK, Watch, read_some, readable
from nightmend.settings import Limits

_DEATH_SECONDS = 10
_SETUP_SECONDS = 30
_GLANCE = 0.0002
T = TypeVar("T")


class Supervision:
    """Runs a command once; `end` may be called from any thread, at any time."""

    def __init__(self, limits: Limits, meter: Meter, disk: Disk) -> None:
        self._meter = meter
        self._watch = Watch(limits, meter, disk, self._kill)
        self._guard = threading.Lock()
        self._init: int | None = None  # process descriptor of the sandbox's first process

    def end(self) -> None:
        """Kill every process of the command; its `run` raises SandboxError."""
        self._watch.closed = True
        self._kill()

    def run(self, command: Command) -> CommandResult:
        """Return when nothing of the command is left; SandboxError when it could not be started."""
        with ExitStack() as stack:
            with self._meter.enlisting():
                started = start(command, stack)
            try:
                unsent = self._admit(started, command.stdin)
                if not self._watch.closed:  # what is not known yet cannot be killed while it is served
                    self._watch.serve(started.monitor, started.pipes, unsent)
            finally:
                spent = self._finish(started)
            self._watch.drain(started.pipes)
            code = started.told("exit-code")
        return self._watch.result(code, spent, "bubblewrap was ended from outside")

    def _admit(self, started: Started, stdin: bytes) -> bytes:
        """Count the sandbox's first processes while its shell waits.

        Returns what to send: nothing lets the command end before it began.
        """
        pid = self._find_init(started) if self._is_made(started) else None
        if pid is None and not self._watch.closed and not readable(started.monitor, 0):
            raise SandboxError(f"a sandbox was not made within {_SETUP_SECONDS} seconds: try again later")
        if pid is None or self._watch.closed:
            return b""  # it has failed, and bubblewrap will say why
        try:
            pids = (pid, *_children(pid))
            for each in pids:
                _expendable(each)
            self._meter.admit(pids)
        except ProcessLookupError:
            return b""
        except OSError as error:
            raise SandboxError(f"the processes of a sandbox could not be counted: {error}") from None
        return GO + stdin if _ask(started, partial(_minds_its_parent, pid)) else b""

    def _is_made(self, started: Started) -> bool:
        """Wait until the shell in the sandbox says that it waits; False when it never will."""
        poll = select.poll()
        for descriptor in (started.pipes.stdout.fileno(), started.monitor):
            poll.register(descriptor, select.POLLIN)
        until = time.monotonic() + _SETUP_SECONDS
        while not self._watch.closed and time.monotonic() < until:
            poll.poll(TICK * 1000)
            ended = readable(started.monitor, 0)
            said = read_some(started.pipes.stdout.fileno(), len(GO))
            if said == b"":
                ended = readable(started.monitor, until - time.monotonic())
            if said == GO or ended:
                return said == GO
        return False

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
            if not readable(self._init, _DEATH_SECONDS):  # the kernel lets it go last of its namespace
                raise SandboxError(
                    f"processes of a sandbox still lived {_DEATH_SECONDS} seconds after SIGKILL"
                )
            with self._guard:
                os.close(self._init)
                self._init = None
        return spent.ru_utime + spent.ru_stime


def _ask(started: Started, question: Callable[[], T | None]) -> T | None:
    """Ask until there is an answer; None when bubblewrap ended, or took too long, without one."""
    until = time.monotonic() + _SETUP_SECONDS
    while True:
        last = readable(started.monitor, 0) or time.monotonic() > until
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


def _children(pid: int) -> tuple[int, ...]:
    with open(f"/proc/{pid}/task/{pid}/children", "rb") as children:
        return tuple(map(int, children.read().split()))


def _parent(pid: int) -> int:
    with open(f"/proc/{pid}/stat", "rb") as stat:
        return int(stat.read().rpartition(b")")[2].split()[1])
