"""Signs of life of the agent that works in this process, and the end of one that gives none.

A sign is a command that a sandbox begins or ends, output or processor time of one, a file that patterns look
at, or a repair on trial. An agent may work for as long as it likes; one that is silent is stuck.
"""

import ctypes
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from nightmend.errors import SandboxError, SilentAgentError
from nightmend.sandboxes.protocol import CommandResult, Sandbox

T = TypeVar("T")
GRACE_SECONDS = 3.0
"""What an agent gets to end of itself, once its sandboxes are gone."""


class _StopAgent(BaseException):
    """Raised in the middle of a silent agent; no handler of its own takes it for a failure of its work."""


class Pulse:
    """The signs of life of one agent, and what it has open."""

    def __init__(self, agent: str, timeout: float) -> None:
        self.agent = agent
        self.timeout = timeout
        self.commands = self.failures = 0
        self.silent = False
        self._last = time.monotonic()
        self._sign = "its beginning"
        self._boxes: weakref.WeakSet[Sandbox] = weakref.WeakSet()
        self._done = threading.Event()
        self._guard = threading.Lock()
        self._thread = threading.get_ident()

    def beat(self, sign: str = "") -> None:
        """Note a sign of life; SilentAgentError where the agent has been given up."""
        if self.silent:
            raise self.error()
        self._last = time.monotonic()
        self._sign = sign or self._sign

    def adopt(self, box: Sandbox) -> None:
        """Note a sandbox that is to end with the agent."""
        self._boxes.add(box)
        self.beat()

    def error(self) -> SilentAgentError:
        """Say who was silent, since when, and what can be done."""
        return SilentAgentError(
            f"agent {self.agent} gave no sign of life for {self.timeout:g} seconds after {self._sign} and was"
            " ended: see what hangs there, or raise default_timeout"
        )

    def watch(self) -> None:
        """Wait until the agent is done; end it when it is silent for too long."""
        while not self._done.wait(max(0.01, self._last + self.timeout - time.monotonic())):
            if time.monotonic() - self._last >= self.timeout:
                self.silent = True
                break
        for box in list(self._boxes) if self.silent else ():
            with suppress(SandboxError):
                box.close()
        while not self._done.wait(GRACE_SECONDS):
            self._interrupt()

    def over(self) -> None:
        """Let the watch end, and take back what it has not raised yet."""
        with self._guard:
            self._done.set()
            self._raise(None)

    def _interrupt(self) -> None:
        with self._guard:
            if not self._done.is_set():
                self._raise(_StopAgent)

    def _raise(self, error: type[BaseException] | None) -> None:
        """Raise an error at the next step of Python that the agent's own thread takes."""
        what = ctypes.py_object() if error is None else ctypes.py_object(error)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread), what)


_at_work: list[Pulse] = []
"""One, unless agents share a process; a watch over the night itself is none of them."""
_aside = threading.local()


def watched(pulse: Pulse, work: Callable[[], T]) -> T:
    """Do an agent's work for as long as it gives signs of life; SilentAgentError when it stops."""
    try:
        done = _watched(pulse, work)
    except (Exception, _StopAgent) as error:
        if pulse.silent:
            raise pulse.error() from error
        raise
    if pulse.silent:
        raise pulse.error()
    return done


def _watched(pulse: Pulse, work: Callable[[], T]) -> T:
    watch = threading.Thread(target=pulse.watch, name=f"pulse of {pulse.agent}", daemon=True)
    _at_work.append(pulse)
    watch.start()
    try:
        return work()
    finally:
        _at_work.remove(pulse)
        pulse.over()
        watch.join()  # the sandboxes of a silent agent are gone when that is known


@contextmanager
def aside() -> Iterator[None]:
    """Let what this thread does be no sign of life of any agent."""
    _aside.here = True
    try:
        yield
    finally:
        _aside.here = False


def beat(sign: str = "") -> None:
    """Give a sign of life; says what it was where that tells a person something."""
    for pulse in _pulses():
        pulse.beat(sign)


def adopt(box: Sandbox) -> Sandbox:
    """Return a new sandbox, which ends with the agent that made it when that is silent."""
    try:
        for pulse in _pulses():
            pulse.adopt(box)
    except SilentAgentError:
        box.close()
        raise
    return box


def counted(name: str, run: Callable[[], CommandResult]) -> CommandResult:
    """Run a command of a sandbox as a sign of life; count it, and whether it failed or met a limit."""
    beat(f"the start of a command in the sandbox `{name}`")
    failed = True
    try:
        result = run()
        failed = result.limit is not None
    except SandboxError:
        beat()  # a sandbox that was closed under a silent agent is no fault of the sandbox
        raise
    finally:
        for pulse in _pulses():
            pulse.commands += 1
            pulse.failures += failed
    beat(f"the end of a command in the sandbox `{name}`")
    return result


def _pulses() -> list[Pulse]:
    return [] if getattr(_aside, "here", False) else list(_at_work)
