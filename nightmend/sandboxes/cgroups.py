"""Kernel control groups: exact sums over all processes of a command, and a hard limit of memory."""

import os
import secrets
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cache
from pathlib import Path

from nightmend.errors import SandboxError
from nightmend.sandboxes.meter import Meter, Usage
from nightmend.settings import MIB, Limits

PREFIX = "nightmend-"
CONTROLLERS = ("memory", "cpuacct", "pids")
UNIFIED = ""
"""Stands for version 2 where version 1 has the name of a controller."""
_SPARE = 16
_OF_BUBBLEWRAP = 2  # itself, and the first process inside


class CgroupsV1:
    """One group in each of the memory, cpuacct and pids hierarchies."""

    hidden_memory: bool = True
    data_bytes: int | None = None

    def __init__(self, parents: Mapping[str, Path], limits: Limits) -> None:
        self.processes = limits.processes + _SPARE
        name = _new_name()
        self._parents = dict(parents)
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
        (self._groups["pids"] / "pids.max").write_text(str(limits.processes + _OF_BUBBLEWRAP))

    @contextmanager
    def enlisting(self) -> Iterator[None]:
        """Be in the groups while something is started there.

        A thread that moves itself waits for nobody; to move another process the kernel stops them all, which
        takes 7 to 30 ms on a busy machine.
        """
        try:
            _move_here(self._groups.values())
            yield
        finally:
            _move_here(self._parents.values())

    def admit(self, pids: Sequence[int]) -> None:
        """Do nothing: it was started in the groups."""

    def usage(self) -> Usage:
        """Read the sums of the kernel."""
        return _sums_v1(self._groups)

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

    def enlisting(self) -> AbstractContextManager[None]:
        """Do nothing: here threads cannot be apart from their process."""
        return nullcontext()

    def admit(self, pids: Sequence[int]) -> None:
        """Count these processes and all that they will start."""
        for pid in pids:
            (self._group / "cgroup.procs").write_text(str(pid))

    def usage(self) -> Usage:
        """Read the sums of the kernel."""
        usage = _sums_v2(self._group, self._peak)
        self._peak = usage.peak_memory or 0
        return usage

    def close(self) -> None:
        """Remove the group."""
        _remove(self._group)


class ContainerGroups:
    """The groups that a container daemon made, to read only; they last as long as the container runs.

    What the daemon spends before the command begins is taken off.
    """

    hidden_memory: bool = True
    data_bytes: int | None = None

    def __init__(self, limits: Limits) -> None:
        self.processes = limits.processes
        self._groups: dict[str, Path] = {}
        self._before = 0.0
        self._last = Usage(0.0, None)

    def enlisting(self) -> AbstractContextManager[None]:
        """Do nothing: the daemon starts the container."""
        return nullcontext()

    def admit(self, pids: Sequence[int]) -> None:
        """Look at the groups of the first process; SandboxError where they are not to be seen."""
        self._groups = _groups_of(pids[0])
        if not self._groups:
            raise SandboxError("the control groups of a container are not to be seen from here")

    def begin(self) -> None:
        """Count from now on."""
        self._before = self.usage().cpu_seconds

    def usage(self) -> Usage:
        """Read the sums of the kernel, the last ones where the container is gone."""
        if self._groups:
            with suppress(OSError):
                self._last = self._sums()
        return self._last

    def _sums(self) -> Usage:
        if UNIFIED in self._groups:
            usage = _sums_v2(self._groups[UNIFIED], self._last.peak_memory or 0)
        else:
            usage = _sums_v1(self._groups)
        exceeded = self._last.exceeded or usage.exceeded
        return usage._replace(cpu_seconds=usage.cpu_seconds - self._before, exceeded=exceeded)

    def close(self) -> None:
        """Forget the groups."""
        self._groups = {}


def cgroup_meter(limits: Limits) -> Meter | None:
    """Return a meter on control groups, or None where they are not ours to make."""
    places = group_places()
    try:
        return _meter(places, limits) if places else None
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
    try:
        meter = _meter(places, Limits(memory=16 * MIB))
    except OSError:
        return False
    try:
        with meter.enlisting():
            process = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        with process:
            try:
                meter.admit((process.pid,))
                return meter.usage().peak_memory is not None
            finally:
                process.kill()
    except (OSError, ValueError, SandboxError):
        return False
    finally:
        meter.close()


def _meter(places: Mapping[str, Path], limits: Limits) -> Meter:
    return CgroupV2(places[UNIFIED], limits) if UNIFIED in places else CgroupsV1(places, limits)


def _offered() -> dict[str, Path]:
    """Return where we may write: by controller, and UNIFIED where version 2 delegates what we need."""
    offered: dict[str, Path] = {}
    for mount, root, kind, options in _hierarchies():
        if kind == "cgroup":
            for name in set(CONTROLLERS) & set(options):
                offered |= _named(name, _own(name, mount, root))
        else:
            own = _own(UNIFIED, mount, root)
            offered |= _named(UNIFIED, own and _delegating(own, mount))
    return offered


def _named(name: str, place: Path | None) -> dict[str, Path]:
    return {name: place} if place and os.access(place, os.W_OK) else {}


def _groups_of(pid: int) -> dict[str, Path]:
    """Return the groups that a process is in: by controller, or UNIFIED where version 2 has the memory."""
    found: dict[str, Path] = {}
    for mount, root, kind, options in _hierarchies():
        names = set(CONTROLLERS) & set(options) if kind == "cgroup" else {UNIFIED}
        for name in names:
            place = _own(name, mount, root, pid)
            if place and (name != UNIFIED or (place / "memory.current").exists()):
                found[name] = place
    return found if UNIFIED in found or found.keys() == set(CONTROLLERS) else {}


def _hierarchies() -> Iterator[tuple[Path, str, str, list[str]]]:
    """Yield where each hierarchy is mounted, what of it is seen there, its version and its options."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        root, mount = before.split()[3:5]
        kind, _, options = after.split(maxsplit=2)
        if kind in ("cgroup", "cgroup2"):
            yield Path(mount), root, kind, options.split(",")


def _own(controller: str, mount: Path, root: str, pid: int | str = "self") -> Path | None:
    """Find the group of a process below a mount that shows the hierarchy from `root` on."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
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


def _move_here(groups: Iterable[Path]) -> None:
    try:
        for group in groups:
            (group / "tasks").write_text("0")  # stands for the calling thread
    except OSError as error:
        raise SandboxError(f"the processes of a sandbox could not be counted: {error}") from None


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


def _sums_v1(groups: Mapping[str, Path]) -> Usage:
    cpu = int((groups["cpuacct"] / "cpuacct.usage").read_text()) / 1e9
    peak = int((groups["memory"] / "memory.max_usage_in_bytes").read_text())
    return Usage(cpu, peak, _exceeded(groups["memory"] / "memory.oom_control", groups["pids"]))


def _sums_v2(group: Path, peak: int) -> Usage:
    peak = max(peak, int((group / "memory.current").read_text()))
    cpu = _value(group / "cpu.stat", "usage_usec") / 1e6
    return Usage(cpu, peak, _exceeded(group / "memory.events", group))


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
