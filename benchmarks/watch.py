"""Run a command and watch its processes: what they hold in memory, and when something works in a sandbox."""

import contextlib
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

INTERVAL = 0.05
WEIGH_EVERY = 10
"""Looks between two weighings; a weighing costs some milliseconds a process."""


@dataclass
class Watched:
    """One command from its start to its end."""

    return_code: int = 0
    seconds: float = 0
    sandbox_seconds: float = 0
    """When at least one sandbox was open: a tool, a test run, or target code in any other way."""
    peak_own: int = 0
    """Bytes of all our processes together (flow, Dask), shared pages once; not what sandboxes hold."""
    peak_server: int = 0


def watch(command: Sequence[str], environment: dict[str, str], log: Path) -> Watched:
    """Run a command to its end, its output in `log`, and return what was seen of it."""
    seen = Watched()
    began = last = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        looks = 0
        while process.poll() is None:
            ours, server, boxed = _tree(process.pid)
            now = time.monotonic()
            if boxed:
                seen.sandbox_seconds += now - last
            last = now
            if looks % WEIGH_EVERY == 0:
                seen.peak_own = max(seen.peak_own, _weigh(ours))
                seen.peak_server = max(seen.peak_server, _weigh(server))
            looks += 1
            time.sleep(INTERVAL)
    seen.return_code, seen.seconds = process.returncode, time.monotonic() - began
    return seen


def _tree(root: int) -> tuple[list[int], list[int], bool]:
    """Return our processes below `root`, those of the Prefect server, and whether a sandbox is open."""
    children = _children()
    ours: list[int] = []
    server: list[int] = []
    boxed = False
    waiting = [(root, ours)]
    while waiting:
        pid, kind = waiting.pop()
        kind.append(pid)
        for child in children.get(pid, ()):
            name, words = _said(child)
            if name == "bwrap":
                boxed = True
            else:
                waiting.append((child, server if "uvicorn" in words else kind))
    return ours, server, boxed


def _children() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
            found.setdefault(parent, []).append(int(folder.name))
    return found


def _said(pid: int) -> tuple[str, str]:
    try:
        name = Path(f"/proc/{pid}/comm").read_text().strip()
        return name, Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except OSError:
        return "", ""


def _weigh(pids: Sequence[int]) -> int:
    return sum(_proportional(pid) for pid in pids)


def _proportional(pid: int) -> int:
    """Return a process's bytes of memory, its part of what it shares (PSS)."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    kilobytes = next((line.split()[1] for line in rollup.splitlines() if line.startswith("Pss:")), "0")
    return int(kilobytes) * 1024
