"""How the agents of a phase are deployed, set to work and validated; the names are the specification's."""

from collections.abc import Callable, Mapping
from pathlib import Path

from prefect import get_run_logger

from flows.progress import agent_is
from nightmend.agent import Agent, SelfTest
from nightmend.agents import phase_of
from nightmend.errors import NightmendError
from nightmend.gate import Gate
from nightmend.gates import self_test_gate
from nightmend.night import Night
from nightmend.orchestration import Outcome, Outcomes
from nightmend.privacy.discretion import told
from nightmend.recovery.deployment import AgentConfig, AgentDeploymentManager
from nightmend.recovery.states import AgentStates
from nightmend.results import AgentResult, PhaseResult
from nightmend.workspace import target_folder
from tasks.checkpoint import AgentTask, tried_again
from tasks.master_orchestrator import MasterOrchestrator

AgentClass = Callable[[Night], Agent]


def deploy_agents_sequentially(
    orchestrator: MasterOrchestrator, agents: Mapping[str, AgentClass]
) -> tuple[Gate, ...]:
    """Deploy the agents that work tonight in the order of their dependencies, and gate their self-tests.

    Raises DeploymentError at the first that fails, behind its own rollback.
    """
    night, log = orchestrator.night, get_run_logger()
    manager = AgentDeploymentManager(
        agent_states(night), orchestrator, lambda failure: log.error(told(night, failure))
    )
    gates = []
    for name in orchestrator.deployment_order():
        if name in agents and works(orchestrator.night, name):
            agent = deploy_agent(manager, name, agents[name], orchestrator.night)
            gates.append(self_test_gate(name, validate_agent_deployment(manager, agent)))
    return tuple(gates)


def works(night: Night, agent: str) -> bool:
    """Say whether an agent has a part in this night."""
    return agent in night.agents(phase_of(agent))


def deploy_agent(manager: AgentDeploymentManager, agent_name: str, made: AgentClass, night: Night) -> Agent:
    """Return the agent, deployed, validated by its own self-test, and registered."""
    try:
        agent = manager.deploy_agent_with_rollback(AgentConfig(name=agent_name, factory=lambda: made(night)))
    except NightmendError:
        agent_is(agent_name, "FAILED", 0)
        raise
    agent_is(agent_name, "DEPLOYED", 10)
    return agent


def validate_agent_deployment(manager: AgentDeploymentManager, agent: Agent) -> SelfTest:
    """Return the self-test that the agent passed when it was deployed."""
    return manager.self_tests[agent.name]


def execute_repairs(agent: AgentTask, night: Night, start: PhaseResult) -> Outcome:
    """Let one agent work in this process, and return its result or the error that ended it."""
    agent_is(agent.name, "RUNNING", 20)
    try:
        outcome: Outcome = tried_again(agent, night)(night, start)
    except Exception as error:
        outcome = error
    return _ended(agent.name, outcome)


def execute_repairs_sequentially(night: Night, start: PhaseResult, agents: tuple[AgentTask, ...]) -> Outcomes:
    """Let agents work one after the other, for quiet timings or because one stands on the other."""
    chosen = [agent for agent in agents if works(night, agent.name)]
    return {agent.name: execute_repairs(agent, night, start) for agent in chosen}


def execute_repairs_parallelly(night: Night, start: PhaseResult, agents: tuple[AgentTask, ...]) -> Outcomes:
    """Let independent agents work at once, each in a process of its own, and wait for all of them.

    There are as many processes as `max_concurrent_agents` allows; who finds none free waits for one.
    """
    chosen = [agent for agent in agents if works(night, agent.name)]
    working = {agent.name: tried_again(agent, night).submit(night, start) for agent in chosen}
    for name in working:
        agent_is(name, "RUNNING", 20)
    outcomes = {}
    for name, future in working.items():
        try:
            outcome: Outcome = future.result()
        except Exception as error:
            outcome = error
        outcomes[name] = _ended(name, outcome)
    return outcomes


def agent_states(night: Night) -> AgentStates:
    """The states of the target's agents."""
    return AgentStates(target_folder(Path(night.home), Path(night.target)) / "agents")


def _ended(name: str, outcome: Outcome) -> Outcome:
    if isinstance(outcome, AgentResult):
        agent_is(name, "COMPLETED", 100, outcome)
    else:
        agent_is(name, "FAILED", 0)
    return outcome
