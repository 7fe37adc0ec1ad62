"""Processor seconds of our own process and of all that it waited for, by the step that spent them."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from nightmend.proof import judge
from nightmend.repairs import settle
from nightmend.sandboxes import layered
from nightmend.sandboxes.protocol import CommandResult

SETTLING = (
    "combined_layout_rung",
    "combined_redetection_rung",
    "drop_worse",
    "_prove_whole",
    "_graded",
)
_boxes: dict[str, float] = defaultdict(float)
"""Processor seconds of all sandboxes that this process opened, by name."""


def watch_boxes() -> None:
    """Add up what sandboxes spend from now on: their processes are no children that we wait for."""
    before = layered.counted

    def counted(name: str, run: Callable[[], CommandResult]) -> CommandResult:
        result = before(name, run)
        _boxes[name] += result.cpu_seconds
        return result

    layered.counted = counted


class Meter:
    """What a block cost, in all and by the rungs of the ladder that it climbed."""

    def __init__(self) -> None:
        self.cpu = self.wall = 0.0
        self.by_step: dict[str, float] = defaultdict(float)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Measure a block."""
        before, clock = spent(), time.perf_counter()
        with ExitStack() as stack:
            for module, names in ((judge, _rungs()), (settle, SETTLING)):
                for name in names:
                    wrapped = self._noted(name.strip("_"), getattr(module, name))
                    stack.enter_context(patch.object(module, name, wrapped))
            yield
        self.cpu += spent() - before
        self.wall += time.perf_counter() - clock

    def _noted(self, name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        def run(*given: Any) -> Any:
            before = spent()
            try:
                return step(*given)
            finally:
                self.by_step[name] += spent() - before

        return run


def spent() -> float:
    """Return the processor seconds of this process and of all its sandboxes."""
    return time.process_time() + sum(_boxes.values())


def _rungs() -> list[str]:
    return [name for name in vars(judge) if name.endswith("_rung")]
