import time

from prefect import flow

from flows.phase import PhaseOutcome, deploy, run_phase, works
from nightmend.night import Night
from nightmend.phases import repaired
from nightmend.results import PhaseResult
from nightmend.workspace import Workspace
from tasks.agent_framework_repair import AgentFrameworkRepairAgent, agent_framework_repair
from tasks.data_pipeline_repair import DataPipelineRepairAgent, data_pipeline_repair
from tasks.model_system_repair import ModelSystemRepairAgent, model_system_repair


@flow(name="repairs", flow_run_name="repairs", persist_result=True, result_serializer="json")
def repairs(night: Night, start: PhaseResult) -> PhaseOutcome:
    """Let the three repair agents work at once, each in a process of its own, and settle what they kept."""
    return run_phase(night, "repairs", start, lambda: _repairs(night, start))


def _repairs(night: Night, start: PhaseResult) -> PhaseResult:
    clock = time.perf_counter()
    classes = (AgentFrameworkRepairAgent, ModelSystemRepairAgent, DataPipelineRepairAgent)
    gates = deploy(night, {agent.name: agent for agent in classes})
    working = [
        agent.with_options(retries=night.orchestrator.retry_attempts).submit(night, start)
        for agent in (agent_framework_repair, model_system_repair, data_pipeline_repair)
        if works(night, agent.name)
    ]
    agents = [future.result() for future in working]
    return repaired(Workspace(night), "repairs", start, agents, gates, clock)
