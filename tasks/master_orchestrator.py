import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import anyio
import psutil
from distributed import Client
from prefect.client.orchestration import get_client
from prefect.results import ResultStore

from nightmend.agent import Agent, Check, SelfTest
from nightmend.agent_run import Work, run_agent
from nightmend.issue import Issue
from nightmend.monitoring.health import Health
from nightmend.night import Night
from nightmend.nights import ambient_night
from nightmend.orchestration import AgentRegistry, Progress, deployment_order
from nightmend.repairs.repairing import RepairAgent
from nightmend.results import AgentResult, PhaseResult
from nightmend.settings import Limits
from nightmend.workspace import Workspace
from tasks.checkpoint import agent_task
from tasks.cluster import local_cluster

ANSWER_SECONDS = 30


class MasterOrchestrator:
    """Deploys the agents in the order of their dependencies and watches over them."""

    name = "master_orchestrator"

    def __init__(self, night: Night | None = None, dask_address: str | None = None) -> None:
        self.night = night or ambient_night()
        self.settings = self.night.orchestrator
        self.registry = AgentRegistry()
        self._dask_address = dask_address
        self._progress = Progress(assigned=0, finished=0, succeeded=0)

    def register_agent(self, agent: Agent) -> None:
        """Register a deployed agent under its name."""
        self.registry.register_agent(agent)

    def get_agent(self, name: str) -> Agent:
        """Return a registered agent."""
        return self.registry.get_agent(name)

    def deployment_order(self) -> tuple[str, ...]:
        """Return the ten names, each behind all that it depends on."""
        return deployment_order()

    def self_test(self) -> SelfTest:
        """Round-trip result storage, the Prefect API, a sandbox and a Dask task, each for real."""
        return SelfTest(checks=(*self._round_trips(), _checked("Dask", self._round_trip_dask)))

    def health_check(self) -> Health:
        """Ask every part that a night stands on, and list the agents that are deployed; cheap.

        Dask is asked where its processes run, and who is at work there is not disturbed.
        """
        dask = [_checked("Dask", lambda: _ask_workers(address))] if (address := self._dask_address) else []
        return Health(agents=self.registry.names, checks=(*self._round_trips(), *dask))

    def assign_repair_tasks(self, repair_agent: RepairAgent, issues: Iterable[Issue]) -> Progress:
        """Let an agent repair the issues one by one; `monitor_progress` tells how far it is."""
        assigned = tuple(issues)
        self._progress = Progress(assigned=len(assigned), finished=0, succeeded=0)
        for issue in assigned:
            result = repair_agent.repair_issue(issue)
            self._progress = Progress(
                assigned=len(assigned),
                finished=self._progress.finished + 1,
                succeeded=self._progress.succeeded + (result.status == "SUCCESS"),
            )
        return self._progress

    def monitor_progress(self) -> Progress:
        """Return how far the work assigned last has come."""
        return self._progress

    def _round_trips(self) -> list[Check]:
        parts: Sequence[tuple[str, Callable[[], str]]] = (
            ("result storage", _round_trip_storage),
            ("Prefect API", ask_api),
            ("sandbox", self._round_trip_sandbox),
        )
        return [_checked(*part) for part in parts]

    def _round_trip_dask(self) -> str:
        if self._dask_address:
            return _square_on(self._dask_address)
        with local_cluster(1, Path(self.night.home)) as cluster:
            return _square_on(cluster.scheduler_address)

    def _round_trip_sandbox(self) -> str:
        with Workspace(self.night).sandbox(None, "self-test") as box:
            result = box.run(["cat"], stdin=b"nightmend", limits=Limits(wall_seconds=ANSWER_SECONDS))
        return "" if result.stdout == b"nightmend" else f"`cat` ended with {result.return_code}"


def _checked(name: str, ask: Callable[[], str]) -> Check:
    try:
        problem = ask()
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
    return Check(name=name, passed=not problem, detail=problem)


def _round_trip_storage() -> str:
    """Write a value and read it back, under a name of this thread that is used again and again."""
    store, said = ResultStore(), str(time.time_ns())
    key = f"nightmend-self-test-{os.getpid()}-{threading.get_ident()}"
    store.write(obj=said, key=key)
    return "" if store.read(key).result == said else "what was written was not what was read"


def ask_api() -> str:
    """Ask the Prefect API whether it is well; returns what is wrong, nothing where it is."""

    async def ask() -> Exception | None:
        async with get_client() as client:
            return await client.api_healthcheck()

    error = anyio.run(ask)
    return "" if error is None else str(error)


def _square_on(address: str) -> str:
    with Client(address, set_as_default=False, timeout=30) as client:
        answer = client.submit(pow, 7, 2, pure=False).result(timeout=60)
    return "" if answer == 49 else f"a worker answered {answer!r}"


def _ask_workers(address: str) -> str:
    """Ask the scheduler whether it hears of a worker; one at work is not asked itself."""
    with Client(address, set_as_default=False, timeout=ANSWER_SECONDS) as client:
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
    heard = [worker for worker in workers if time.time() - worker["last_seen"] < ANSWER_SECONDS]
    return "" if heard else f"none of {len(workers)} workers has been heard of for {ANSWER_SECONDS} seconds"


def machine(night: Night) -> Work:
    """Measure what the machine offers to the night."""
    memory, disk = psutil.virtual_memory(), psutil.disk_usage(night.home)
    return Work(
        metrics={
            "cores": psutil.cpu_count() or 1,
            "memory_available_mb": memory.available // 2**20,
            "disk_free_mb": disk.free // 2**20,
            "max_concurrent_agents": night.orchestrator.max_concurrent_agents,
        }
    )


@agent_task("master_orchestrator")
def master_orchestrator(night: Night, start: PhaseResult) -> AgentResult:
    """Look at the machine that the night has; the agent itself was tested when it was deployed."""
    return run_agent("master_orchestrator", lambda: machine(night))
