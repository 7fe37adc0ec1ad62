"""Counting process by process, where no control group can be made: a look at /proc many times a second."""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from nightmend.sandboxes.meter import Usage
from nightmend.settings import GIB, Limits

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_MEMORY_FOLDERS = ("tmp", "dev/shm")


class Polling:
    """Sums over the tree of processes below the sandbox's first one, which adopts every orphan."""

    hidden_memory: bool = False

    def __init__(self, limits: Limits) -> None:
        self.processes = limits.processes + 1  # and bubblewrap's init
        self.data_bytes: int | None = (
            limits.memory + GIB
        )  # about what one process could take between two looks
        self._limits = limits
        self._first: int | None = None
        self._peak = 0
        self._cpu: dict[tuple[int, str], float] = {}
        self._most_cpu = 0.0
        self._exceeded: str | None = None

    def enlisting(self) -> AbstractContextManager[None]:
        """Do nothing: `admit` tells whom to count."""
        return nullcontext()

    def admit(self, pids: Sequence[int]) -> None:
        """Count the first process and all below it."""
        self._first = pids[0]

    def usage(self) -> Usage:
        """Measure."""
        if self._first is not None:
            pids = list(_descendants(self._first))
            self._measure_memory(pids)
            self._measure_cpu(pids)
            if sum(_threads(pid) for pid in pids) > self._limits.processes:
                self._exceeded = self._exceeded or "processes"
        return Usage(self._most_cpu, self._peak or None, self._exceeded)

    def close(self) -> None:
        """Forget the command."""
        self._first = None

    def _measure_memory(self, pids: list[int]) -> None:
        files = self._files()
        if files + sum(_resident(pid) for pid in pids) > self._peak:  # an upper bound, ten times as cheap
            self._peak = max(self._peak, files + sum(_proportional(pid) for pid in pids))
        if self._peak > self._limits.memory:
            self._exceeded = "memory"

    def _files(self) -> int:
        total = 0
        for folder in _MEMORY_FOLDERS:
            try:
                held = os.statvfs(f"/proc/{self._first}/root/{folder}")
            except OSError:
                continue
            if held.f_blocks * held.f_frsize < self._limits.tmp_bytes + _PAGE:  # ours, mounted already
                total += (held.f_blocks - held.f_bfree) * held.f_frsize
        return total

    def _measure_cpu(self, pids: list[int]) -> None:
        living = 0.0
        for pid in pids:
            fields = _stat(pid)
            if fields:
                own, waited_for = (sum(map(int, fields[at : at + 2])) / _TICKS for at in (11, 13))
                self._cpu[pid, fields[19]] = own
                living += own + waited_for
        self._most_cpu = max(self._most_cpu, living, sum(self._cpu.values()))


def _descendants(first: int) -> Iterator[int]:
    pending = [first]
    while pending:
        pid = pending.pop()
        yield pid
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):
                pending += map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text().split())
        except OSError:
            continue


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third on: the second may hold anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _threads(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[17]) if fields else 0


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _proportional(pid: int) -> int:
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return _resident(pid)
    return next((int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:")), 0)
