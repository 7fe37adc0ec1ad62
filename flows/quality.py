import time

from prefect import flow

from flows.orchestration import deploy_agents_sequentially, execute_repairs_sequentially
from flows.phase import PhaseOutcome, run_phase
from nightmend.night import Night
from nightmend.orchestration import validate_progressively
from nightmend.phases import repaired
from nightmend.results import PhaseResult
from nightmend.workspace import Workspace
from tasks.code_quality import CodeQualityAgent, code_quality
from tasks.documentation_update import DocumentationUpdateAgent, documentation_update
from tasks.master_orchestrator import MasterOrchestrator
from tasks.sealed import SEALED


@flow(name="quality", flow_run_name="quality", persist_result=True, result_serializer=SEALED)
def quality(night: Night, start: PhaseResult) -> PhaseOutcome:
    """Apply what the linter can fix and the documentation needs; weigh the whole night by its targets."""
    return run_phase(night, "quality", start, lambda: _quality(night, start))


def _quality(night: Night, start: PhaseResult) -> PhaseResult:
    clock = time.perf_counter()
    orchestrator = MasterOrchestrator(night)
    classes = (CodeQualityAgent, DocumentationUpdateAgent)
    gates = deploy_agents_sequentially(orchestrator, {agent.name: agent for agent in classes})
    outcomes = execute_repairs_sequentially(night, start, (code_quality, documentation_update))
    agents = validate_progressively(orchestrator.registry, "quality", outcomes)
    return repaired(Workspace(night), "quality", start, agents, gates, clock)
