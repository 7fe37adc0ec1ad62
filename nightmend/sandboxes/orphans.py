"""Sandboxes that lost their monitor while they were made.

bubblewrap's first process inside waits for a word from its monitor. Where the monitor is killed in the
instant before, because whoever started it was, nothing tells the other one, and it would wait for ever:
with no code of a target yet, but it would wait.
"""

import os
import signal
from contextlib import suppress
from pathlib import Path

from nightmend.sandboxes.launch import ENTER

_NAME = "bwrap"


def end_orphans() -> None:
    """End the waiting processes of sandboxes of ours whose monitor is dead."""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):
            if not _is_orphan(folder):
                continue
            process = os.pidfd_open(int(folder.name))
            try:
                if _is_orphan(folder):  # still the same one, now that its number cannot pass on
                    signal.pidfd_send_signal(process, signal.SIGKILL)
            finally:
                os.close(process)


def _is_orphan(folder: Path) -> bool:
    """Whether this is a process of bubblewrap, started by us, and no child of another one."""
    if _name(folder) != _NAME or ENTER.encode() not in (folder / "cmdline").read_bytes():
        return False
    fields = (folder / "status").read_text(errors="replace").splitlines()
    status = dict(line.split(":\t", 1) for line in fields if ":\t" in line)
    first_of_its_own = status["NSpid"].split()[1:] == ["1"]
    return first_of_its_own and _name(folder.parent / status["PPid"]) != _NAME


def _name(folder: Path) -> str:
    return (folder / "comm").read_text(errors="replace").strip()
