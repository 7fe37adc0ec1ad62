"""A night runs behind whoever else works on the machine."""

import contextlib
import os
import sys

import psutil

NICENESS = 10
IO_LEVEL = 7
"""The last of the eight levels of the best-effort class: behind others, and never starved."""


def lower_priority() -> None:
    """Put this process behind others, at the processor and the disk; what it starts inherits that.

    A process that is nicer already stays so.
    """
    for thread in _threads():
        with contextlib.suppress(ProcessLookupError):  # a thread that has ended meanwhile
            current = os.getpriority(os.PRIO_PROCESS, thread)
            if current < NICENESS:
                os.setpriority(os.PRIO_PROCESS, thread, NICENESS)
    if sys.platform == "linux":
        psutil.Process().ionice(psutil.IOPRIO_CLASS_BE, IO_LEVEL)


def _threads() -> list[int]:
    """Return the threads of this process: Linux counts niceness by thread."""
    return [thread.id for thread in psutil.Process().threads()] if sys.platform == "linux" else [0]
