import time

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext

from flows.orchestration import AgentClass, deploy_agents_sequentially, execute_repairs_sequentially
from flows.phase import PhaseOutcome, run_phase
from nightmend.night import Night
from nightmend.orchestration import validate_progressively
from nightmend.phases import unchanged
from nightmend.recovery.leftovers import clear_leftovers
from nightmend.results import PhaseResult
from nightmend.workspace import Workspace
from tasks.elsewhere import elsewhere
from tasks.master_orchestrator import MasterOrchestrator, master_orchestrator
from tasks.sandbox_manager import SandboxManager, sandbox_manager
from tasks.sealed import SEALED


@flow(name="foundation", flow_run_name="foundation", persist_result=True, result_serializer=SEALED)
def foundation(night: Night, start: PhaseResult) -> PhaseOutcome:
    """Deploy the orchestrator and the sandboxes: what every other phase stands on."""
    clear_leftovers(Workspace(night).folder, older_than=night.sandbox.cleanup_interval)
    outcome = run_phase(night, "foundation", start, lambda: _foundation(night, start))
    if isinstance(outcome, State):  # from its checkpoint: no agent has cleared away what dead nights left
        SandboxManager(night).reap()
    return outcome


def _foundation(night: Night, start: PhaseResult) -> PhaseResult:
    clock = time.perf_counter()
    orchestrator = MasterOrchestrator(night, _dask_address())
    agents: dict[str, AgentClass] = {
        orchestrator.name: lambda _: orchestrator,
        SandboxManager.name: SandboxManager,
    }
    gates = deploy_agents_sequentially(orchestrator, agents)
    outcomes = execute_repairs_sequentially(night, start, (master_orchestrator, sandbox_manager))
    results = validate_progressively(orchestrator.registry, "foundation", outcomes)
    return unchanged("foundation", start, results, gates, clock)


def _dask_address() -> str | None:
    """Return where the processes of the night are; None where it has none yet."""
    if place := elsewhere():
        return place.address
    context = FlowRunContext.get()
    return getattr(context.task_runner, "address", None) if context else None
