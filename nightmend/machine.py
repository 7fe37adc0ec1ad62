"""The machine that a night runs on, by psutil."""

import os
from pathlib import Path

import psutil

from nightmend.frozen import Frozen
from nightmend.settings import GIB


class Machine(Frozen):
    """Cores, memory, load and disk at one moment; bytes where not said otherwise."""

    cores: int
    """Those that this process may use."""
    memory_total: int
    memory_available: int
    load: float
    """Processes that want to run, the mean of a minute; more than `cores` means that they wait."""
    disk_free: int
    """Of the state folder."""

    @property
    def metrics(self) -> dict[str, float]:
        """The numbers as a report shows them, sizes in GiB."""
        return {
            "machine_cores": self.cores,
            "machine_memory_gib": round(self.memory_total / GIB, 1),
            "machine_memory_available_gib": round(self.memory_available / GIB, 1),
            "machine_load": round(self.load, 1),
            "machine_disk_free_gib": round(self.disk_free / GIB, 1),
        }


def examine_machine(home: Path) -> Machine:
    """Look at the machine; `home` is a folder that is there."""
    memory = psutil.virtual_memory()
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        memory_total=memory.total,
        memory_available=memory.available,
        load=psutil.getloadavg()[0],
        disk_free=psutil.disk_usage(str(home)).free,
    )
