import time

from prefect import flow

from flows.orchestration import deploy_agents_sequentially, execute_repairs_parallelly
from flows.phase import PhaseOutcome, run_phase
from nightmend.night import Night
from nightmend.orchestration import validate_progressively
from nightmend.phases import repaired
from nightmend.results import PhaseResult
from nightmend.workspace import Workspace
from tasks.agent_framework_repair import AgentFrameworkRepairAgent, agent_framework_repair
from tasks.data_pipeline_repair import DataPipelineRepairAgent, data_pipeline_repair
from tasks.master_orchestrator import MasterOrchestrator
from tasks.model_system_repair import ModelSystemRepairAgent, model_system_repair
from tasks.sealed import SEALED


@flow(name="repairs", flow_run_name="repairs", persist_result=True, result_serializer=SEALED)
def repairs(night: Night, start: PhaseResult) -> PhaseOutcome:
    """Let the three repair agents work at once, each in a process of its own, and settle what they kept."""
    return run_phase(night, "repairs", start, lambda: _repairs(night, start))


def _repairs(night: Night, start: PhaseResult) -> PhaseResult:
    clock = time.perf_counter()
    classes = (AgentFrameworkRepairAgent, ModelSystemRepairAgent, DataPipelineRepairAgent)
    orchestrator = MasterOrchestrator(night)
    gates = deploy_agents_sequentially(orchestrator, {agent.name: agent for agent in classes})
    independent = (agent_framework_repair, model_system_repair, data_pipeline_repair)
    outcomes = execute_repairs_parallelly(night, start, independent)
    agents = validate_progressively(orchestrator.registry, "repairs", outcomes)
    return repaired(Workspace(night), "repairs", start, agents, gates, clock)
