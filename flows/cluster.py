"""The Dask processes of a night, started when the first agent needs one."""

from pathlib import Path
from types import TracebackType

from distributed import LocalCluster

from nightmend.agents import PHASES
from nightmend.night import Night
from tasks.cluster import local_cluster


class NightCluster:
    """A local cluster with a process for each repair agent, for the whole of one night."""

    def __init__(self, night: Night) -> None:
        self.workers = min(len(PHASES["repairs"]), night.orchestrator.max_concurrent_agents)
        self.home = Path(night.home)
        self._cluster: LocalCluster | None = None

    @property
    def address(self) -> str:
        """Address of the scheduler; starts the processes on first use."""
        if self._cluster is None:
            self._cluster = local_cluster(self.workers, self.home)
        return str(self._cluster.scheduler_address)

    @property
    def running_address(self) -> str | None:
        """The same, None where no process has been needed yet."""
        return str(self._cluster.scheduler_address) if self._cluster else None

    def __enter__(self) -> "NightCluster":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._cluster is not None:
            self._cluster.close()
