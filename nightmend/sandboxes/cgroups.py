"""Kernel control groups: exact sums over all processes of a command, and a hard limit of memory."""

import os
import secrets
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from nightmend.sandboxes.meter import Meter, Usage
from nightmend.settings import MIB, Limits

PREFIX = "nightmend-"
CONTROLLERS = ("memory", "cpuacct", "pids")
UNIFIED = ""
"""Stands for version 2 where version 1 has the name of a controller."""
_SPARE = 16


class CgroupsV1:
    """One group in each of the memory, cpuacct and pids hierarchies."""

    hidden_memory: bool = True
    data_bytes: int | None = None

    def __init__(self, parents: Mapping[str, Path], limits: Limits) -> None:
        self.processes = limits.processes + _SPARE
        name = _new_name()
        self._groups = {controller: parents[controller] / name for controller in CONTROLLERS}
        try:
            for group in self._groups.values():
                group.mkdir()
            self._limit(limits)
        except OSError:
            self.close()
            raise

    def _limit(self, limits: Limits) -> None:
        memory = self._groups["memory"]
        (memory / "memory.limit_in_bytes").write_text(str(limits.memory))
        with_swap = memory / "memory.memsw.limit_in_bytes"
        if with_swap.exists():
            with_swap.write_text(str(limits.memory))
        (self._groups["pids"] / "pids.max").write_text(str(limits.processes + 1))  # and bubblewrap's init

    def admit(self, pid: int) -> None:
        """Count this process and all that it will start."""
        for group in self._groups.values():
            (group / "cgroup.procs").write_text(str(pid))

    def usage(self) -> Usage:
        """Read the sums of the kernel."""
        cpu = int((self._groups["cpuacct"] / "cpuacct.usage").read_text()) / 1e9
        peak = int((self._groups["memory"] / "memory.max_usage_in_bytes").read_text())
        killed = self._groups["memory"] / "memory.oom_control"
        return Usage(cpu, peak, _exceeded(killed, self._groups["pids"]))

    def close(self) -> None:
        """Remove the groups."""
        for group in self._groups.values():
            _remove(group)


class CgroupV2:
    """One group of the unified hierarchy, below an ancestor that was delegated to us."""

    hidden_memory: bool = True
    data_bytes: int | None = None

    def __init__(self, parent: Path, limits: Limits) -> None:
        self.processes = limits.processes + _SPARE
        self._group = parent / _new_name()
        self._peak = 0
        try:
            self._group.mkdir()
            self._limit(limits)
        except OSError:
            self.close()
            raise

    def _limit(self, limits: Limits) -> None:
        (self._group / "memory.max").write_text(str(limits.memory))
        (self._group / "pids.max").write_text(str(limits.processes + 1))
        without_swap = self._group / "memory.swap.max"
        if without_swap.exists():
            without_swap.write_text("0")

    def admit(self, pid: int) -> None:
        """Count this process and all that it will start."""
        (self._group / "cgroup.procs").write_text(str(pid))

    def usage(self) -> Usage:
        """Read the sums of the kernel."""
        self._peak = max(self._peak, int((self._group / "memory.current").read_text()))
        cpu = _value(self._group / "cpu.stat", "usage_usec") / 1e6
        return Usage(cpu, self._peak, _exceeded(self._group / "memory.events", self._group))

    def close(self) -> None:
        """Remove the group."""
        _remove(self._group)


def cgroup_meter(limits: Limits) -> Meter | None:
    """Return a meter on control groups, or None where they are not ours to make."""
    places = group_places()
    try:
        if UNIFIED in places:
            return CgroupV2(places[UNIFIED], limits)
        return CgroupsV1(places, limits) if places else None
    except OSError:
        return None


@cache
def group_places() -> dict[str, Path]:
    """Return where groups work: one place a controller (version 1), the unified one, or nothing.

    Tried for real, once a process: permissions alone do not tell whether a process may be moved.
    """
    offered = _offered()
    for places in ({name: offered.get(name) for name in CONTROLLERS}, {UNIFIED: offered.get(UNIFIED)}):
        usable = {name: place for name, place in places.items() if place}
        if len(usable) == len(places) and _works(usable):
            return usable
    return {}


def _works(places: Mapping[str, Path]) -> bool:
    """Move a process of ours in."""
    limits = Limits(memory=16 * MIB)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        try:
            meter = CgroupV2(places[UNIFIED], limits) if UNIFIED in places else CgroupsV1(places, limits)
        except OSError:
            return False
        try:
            meter.admit(process.pid)
            meter.usage()
        except (OSError, ValueError):
            return False
        else:
            return True
        finally:
            process.kill()
            process.wait()
            meter.close()


def _offered() -> dict[str, Path]:
    """Return where we may write: by controller, and UNIFIED where version 2 delegates what we need."""
    offered: dict[str, Path] = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        root, mount = before.split()[3:5]
        kind, _, options = after.split(maxsplit=2)
        if kind == "cgroup":
            for name in set(CONTROLLERS) & set(options.split(",")):
                offered |= _named(name, _own(name, Path(mount), root))
        elif kind == "cgroup2":
            own = _own(UNIFIED, Path(mount), root)
            offered |= _named(UNIFIED, own and _delegating(own, Path(mount)))
    return offered


def _named(name: str, place: Path | None) -> dict[str, Path]:
    return {name: place} if place and os.access(place, os.W_OK) else {}


def _own(controller: str, mount: Path, root: str) -> Path | None:
    """Find our own group below a mount that shows the hierarchy from `root` on."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            own = mount / os.path.relpath(path, root)
            return own if own.is_dir() and own.is_relative_to(mount) else None
    return None


def _delegating(own: Path, mount: Path) -> Path | None:
    """Find the nearest group that hands memory and pids to its children."""
    for group in (own, *own.parents):
        handed = (group / "cgroup.subtree_control").read_text().split()
        if {"memory", "pids"} <= set(handed):
            return group
        if group == mount:
            break
    return None


def reap_groups() -> None:
    """Remove the empty groups of dead processes."""
    for place in set(group_places().values()):
        for group in place.glob(f"{PREFIX}*"):
            if not Path("/proc", group.name.split("-")[1]).exists():
                with suppress(OSError):
                    group.rmdir()


def _new_name() -> str:
    return f"{PREFIX}{os.getpid()}-{secrets.token_hex(4)}"


def _remove(group: Path) -> None:
    """Remove a group; its last process may still be on its way out."""
    for _ in range(200):
        try:
            group.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.005)
        else:
            return


def _exceeded(killed: Path, processes: Path) -> str | None:
    if _value(killed, "oom_kill"):
        return "memory"
    return "processes" if _value(processes / "pids.events", "max") else None


def _value(file: Path, key: str) -> int:
    for line in file.read_text().splitlines():
        name, _, value = line.partition(" ")
        if name == key:
            return int(value)
    return 0
