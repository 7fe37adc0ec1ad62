"""The Dask processes of a night: those of a cluster that people run, else some of our own."""

from pathlib import Path
from types import TracebackType

from distributed import LocalCluster

from flows.progress import say
from nightmend.agents import PHASES
from nightmend.night import Night
from tasks.cluster import local_cluster
from tasks.elsewhere import Elsewhere


class NightCluster:
    """An existing cluster, or a process of our own for each repair agent, for the whole of one night."""

    def __init__(self, night: Night, dask_address: str | None = None) -> None:
        self.workers = min(len(PHASES["repairs"]), night.orchestrator.max_concurrent_agents)
        self.home = Path(night.home)
        self.elsewhere = Elsewhere(dask_address, say) if dask_address else None
        """The workers of the existing one, None where the night has its own."""
        self._cluster: LocalCluster | None = None

    @property
    def address(self) -> str:
        """Address of the scheduler; starts processes of our own on first use."""
        if self.elsewhere is not None:
            return self.elsewhere.address
        if self._cluster is None:
            self._cluster = local_cluster(self.workers, self.home)
        return str(self._cluster.scheduler_address)

    @property
    def running_address(self) -> str | None:
        """The same, None where no process has been needed yet."""
        return self.address if self.elsewhere or self._cluster else None

    def __enter__(self) -> "NightCluster":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.elsewhere is not None:
            self.elsewhere.close()
        if self._cluster is not None:
            self._cluster.close()
