import time

from prefect import flow

from flows.phase import PhaseOutcome, deploy, run_phase, works
from nightmend.night import Night
from nightmend.phases import repaired
from nightmend.results import PhaseResult
from nightmend.workspace import Workspace
from tasks.code_quality import CodeQualityAgent, code_quality
from tasks.documentation_update import DocumentationUpdateAgent, documentation_update


@flow(name="quality", flow_run_name="quality", persist_result=True, result_serializer="json")
def quality(night: Night, start: PhaseResult) -> PhaseOutcome:
    """Apply what the linter can fix and the documentation needs; weigh the whole night by its targets."""
    return run_phase(night, "quality", start, lambda: _quality(night, start))


def _quality(night: Night, start: PhaseResult) -> PhaseResult:
    clock = time.perf_counter()
    gates = deploy(night, {agent.name: agent for agent in (CodeQualityAgent, DocumentationUpdateAgent)})
    agents = [
        agent(night, start) for agent in (code_quality, documentation_update) if works(night, agent.name)
    ]
    return repaired(Workspace(night), "quality", start, agents, gates, clock)
