"""A thread beside the night that asks at intervals."""

import threading
import time
from collections.abc import Callable, Sequence
from contextvars import copy_context
from types import TracebackType
from typing import NamedTuple

from nightmend.monitoring.pulse import aside


class Round(NamedTuple):
    """What is done again and again, and the seconds between two beginnings."""

    seconds: float
    act: Callable[[], object]


class Watch:
    """Acts at intervals for as long as its block lasts, first one interval after its beginning.

    A round must not raise. It runs in the context of whoever opened the block, and is no agent's sign of
    life.
    """

    def __init__(self, rounds: Sequence[Round]) -> None:
        self._rounds = tuple(rounds)
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "Watch":
        context = copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._go,), name="watch", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread:
            self._thread.join()

    def _go(self) -> None:
        now = time.monotonic()
        due = [now + each.seconds for each in self._rounds]
        with aside():
            while not self._over.wait(max(0.0, min(due, default=now + 60) - time.monotonic())):
                for at, each in enumerate(self._rounds):
                    if due[at] <= time.monotonic():
                        each.act()
                        due[at] = time.monotonic() + each.seconds
