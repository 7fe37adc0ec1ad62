"""Kernel control groups: exact sums over all processes of a command, and a hard memory limit."""

import os
import secrets
import time
from collections.abc import Mapping
from pathlib import Path

from nightmend.sandboxes.meter import Meter, Usage
from nightmend.settings import Limits

PREFIX = "nightmend-"


class CgroupsV1:
    """One group in each of the memory, cpuacct and pids hierarchies."""

    hidden_memory = True
    spare_processes = 16

    def __init__(self, parents: Mapping[str, Path], limits: Limits) -> None:
        name = f"{PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
        self._groups = {controller: parent / name for controller, parent in parents.items()}
        self._peak: int | None = None
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
        """Measure."""
        memory = self._groups["memory"]
        cpu = int((self._groups["cpuacct"] / "cpuacct.usage").read_text()) / 1e9
        peak = int((memory / "memory.max_usage_in_bytes").read_text())
        exceeded = None
        if _count(memory / "memory.oom_control", "oom_kill"):
            exceeded = "memory"
        elif _count(self._groups["pids"] / "pids.events", "max"):
            exceeded = "processes"
        return Usage(cpu, peak, exceeded)

    def close(self) -> None:
        """Forget the command."""
        for group in self._groups.values():
            remove_group(group)


class CgroupV2:
    """One group of the unified hierarchy, below an ancestor that was delegated to us."""

    hidden_memory = True
    spare_processes = 16

    def __init__(self, parent: Path, limits: Limits) -> None:
        self._group = parent / f"{PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
        self._peak: int | None = None
        try:
            self._group.mkdir()
            self._limit(limits)
        except OSError:
            self.close()
            raise

    def _limit(self, limits: Limits) -> None:
        (self._group / "memory.max").write_text(str(limits.memory))
        (self._group / "memory.oom.group").write_text("1")
        (self._group / "pids.max").write_text(str(limits.processes + 1))
        without_swap = self._group / "memory.swap.max"
        if without_swap.exists():
            without_swap.write_text("0")

    def admit(self, pid: int) -> None:
        """Count this process and all that it will start."""
        (self._group / "cgroup.procs").write_text(str(pid))

    def usage(self) -> Usage:
        """Measure."""
        cpu = _count(self._group / "cpu.stat", "usage_usec") / 1e6
        now = int((self._group / "memory.current").read_text())
        self._peak = max(self._peak or 0, now)
        exceeded = None
        if _count(self._group / "memory.events", "oom_kill"):
            exceeded = "memory"
        elif _count(self._group / "pids.events", "max"):
            exceeded = "processes"
        return Usage(cpu, self._peak, exceeded)

    def close(self) -> None:
        """Forget the command."""
        remove_group(self._group)


def cgroup_meter(limits: Limits) -> Meter | None:
    """Return a meter on control groups, or None where we may not make any."""
    places = group_places()
    try:
        if {"memory", "cpuacct", "pids"} <= places.keys():
            return CgroupsV1({name: places[name] for name in ("memory", "cpuacct", "pids")}, limits)
        if "" in places:
            return CgroupV2(places[""], limits)
    except OSError:
        return None
    return None


def group_places() -> dict[str, Path]:
    """Return where we may make groups: by controller for version 1, under "" for version 2."""
    places = {}
    for controllers, mount, root in _hierarchies():
        for controller in controllers:
            own = _own_group(controller, mount, root)
            place = _delegating(own, mount) if own and not controller else own
            if place and os.access(place, os.W_OK):
                places[controller] = place
    return places


def _hierarchies() -> list[tuple[list[str], Path, str]]:
    """Parse the mounts of control groups: controllers ([""] for version 2), mount point, root shown there."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        root, mount = before.split()[3:5]
        kind, _, options = after.split(maxsplit=2)
        if kind == "cgroup":
            found.append(
                ([o for o in options.split(",") if o in {"memory", "cpuacct", "pids"}], Path(mount), root)
            )
        elif kind == "cgroup2":
            found.append(([""], Path(mount), root))
    return found


def _own_group(controller: str, mount: Path, root: str) -> Path | None:
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            inside = os.path.relpath(path, root) if root != "/" else path.lstrip("/")
            return mount / inside if not inside.startswith("..") and (mount / inside).is_dir() else None
    return None


def _delegating(own: Path, mount: Path) -> Path | None:
    """Find the nearest ancestor that hands memory and pids to its children and lets us move processes."""
    for group in (own, *own.parents):
        handed = (group / "cgroup.subtree_control").read_text().split()
        if {"memory", "pids"} <= set(handed) and os.access(group / "cgroup.procs", os.W_OK):
            return group
        if group == mount:
            return None
    return None


def remove_group(group: Path) -> None:
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


def reap_groups() -> None:
    """Remove the empty groups of dead processes."""
    for place in set(group_places().values()):
        for group in place.glob(f"{PREFIX}*"):
            if not Path("/proc", group.name.split("-")[1]).exists():
                remove_group(group)


def _count(file: Path, key: str) -> int:
    for line in file.read_text().splitlines():
        name, _, value = line.partition(" ")
        if name == key:
            return int(value)
    return 0
