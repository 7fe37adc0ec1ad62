import time

from prefect import flow

from flows.orchestration import deploy_agents_sequentially, execute_repairs_sequentially
from flows.phase import PhaseOutcome, run_phase
from nightmend.gate import Gate
from nightmend.gates import at_least, at_most
from nightmend.night import Night
from nightmend.orchestration import validate_progressively
from nightmend.phases import repaired
from nightmend.results import AgentResult, PhaseResult
from nightmend.settings import Thresholds
from nightmend.workspace import Workspace
from tasks.async_optimization import AsyncOptimizationAgent, async_optimization
from tasks.master_orchestrator import MasterOrchestrator
from tasks.performance_tuning import PerformanceTuningAgent, performance_tuning
from tasks.sealed import SEALED


@flow(name="optimization", flow_run_name="optimization", persist_result=True, result_serializer=SEALED)
def optimization(night: Night, start: PhaseResult) -> PhaseOutcome:
    """Make the target faster where that can be shown; one agent at a time, for quiet timings."""
    return run_phase(night, "optimization", start, lambda: _optimization(night, start))


def _optimization(night: Night, start: PhaseResult) -> PhaseResult:
    clock = time.perf_counter()
    orchestrator = MasterOrchestrator(night)
    classes = (PerformanceTuningAgent, AsyncOptimizationAgent)
    gates = deploy_agents_sequentially(orchestrator, {agent.name: agent for agent in classes})
    outcomes = execute_repairs_sequentially(night, start, (performance_tuning, async_optimization))
    agents = validate_progressively(orchestrator.registry, "optimization", outcomes)
    targets = (gate for agent in agents for gate in _targets(agent, night.thresholds))
    return repaired(Workspace(night), "optimization", start, agents, (*gates, *targets), clock)


def _targets(agent: AgentResult, limits: Thresholds) -> tuple[Gate, ...]:
    """Weigh what an agent measured against the specification's targets."""
    if agent.agent == PerformanceTuningAgent.name:
        return (
            at_most("test_response_seconds", _number(agent, "response_seconds"), limits.response_seconds),
            at_most("suite_memory_usage", _number(agent, "memory_usage"), limits.memory_usage),
            at_least("cache_hit_rate", _number(agent, "cache_hit_rate"), limits.cache_hit_rate),
        )
    return (
        at_least("concurrent_success_rate", _number(agent, "success_rate"), limits.concurrent_success_rate),
        at_most("avg_response_time", _number(agent, "avg_response_time"), limits.response_seconds),
    )


def _number(agent: AgentResult, name: str) -> float | None:
    """Read a metric as a number, None where it is none or was not measured."""
    metric = agent.metrics.get(name)
    return float(metric) if isinstance(metric, int | float) else None
