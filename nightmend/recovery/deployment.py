"""Deploy an agent as the specification does: checkpoint, deploy, validate, register, or roll back."""

from collections.abc import Callable
from typing import Protocol

from nightmend.agent import Agent, SelfTest
from nightmend.errors import DeploymentError, NightmendError
from nightmend.frozen import Frozen
from nightmend.recovery.states import AgentState, AgentStates


class AgentConfig(Frozen):
    """An agent to deploy: its name, and what makes it."""

    name: str
    factory: Callable[[], Agent]


class DeploymentCheckpoint(Frozen):
    """What an agent's deployment goes back to when it fails."""

    agent: str
    state: AgentState | None
    """None for an agent that was never deployed."""


class Orchestrator(Protocol):
    """Who is told of a deployed agent."""

    def register_agent(self, agent: Agent) -> None:
        """Register a deployed agent under its name."""
        ...


class AgentDeploymentManager:
    """Deploys agents one by one and leaves no half-deployed one behind."""

    def __init__(
        self, states: AgentStates, orchestrator: Orchestrator, report: Callable[[str], None]
    ) -> None:
        self.states = states
        self.orchestrator = orchestrator
        self.self_tests: dict[str, SelfTest] = {}
        """The passed self-test of every agent deployed so far."""
        self._report = report

    def deploy_agent_with_rollback(self, agent_config: AgentConfig) -> Agent:
        """Return the deployed and registered agent.

        Any failure restores the state that the agent had before, is reported, and raises DeploymentError.
        """
        try:
            checkpoint = self.create_checkpoint(agent_config.name)
        except Exception as error:
            raise self.report_deployment_failure(agent_config, error) from error
        try:
            agent = self.deploy_agent(agent_config)
            validation = self.validate_agent(agent)
            if not validation.success:
                raise DeploymentError(f"its self-test failed: {validation.error}")  # noqa: TRY301 -- one way back
            self.states.write(agent.name, "registered")
            self.orchestrator.register_agent(agent)
        except Exception as error:
            self.rollback_to_checkpoint(checkpoint)
            raise self.report_deployment_failure(agent_config, error) from error
        self.self_tests[agent.name] = validation
        return agent

    def create_checkpoint(self, agent: str) -> DeploymentCheckpoint:
        """Return what to come back to; a corrupt state raises."""
        return DeploymentCheckpoint(agent=agent, state=self.states.read(agent))

    def deploy_agent(self, agent_config: AgentConfig) -> Agent:
        """Make the agent; nobody knows of it yet."""
        return agent_config.factory()

    def validate_agent(self, agent: Agent) -> SelfTest:
        """Let the agent test itself."""
        return agent.self_test()

    def rollback_to_checkpoint(self, checkpoint: DeploymentCheckpoint) -> None:
        """Bring back the state that the agent had before."""
        if checkpoint.state is None:
            self.states.forget(checkpoint.agent)
        else:
            self.states.put(checkpoint.state)

    def report_deployment_failure(self, agent_config: AgentConfig, error: Exception) -> DeploymentError:
        """Report the failure and return the error to raise."""
        why = str(error) if isinstance(error, NightmendError) else f"{type(error).__name__}: {error}"
        failure = DeploymentError(
            f"agent {agent_config.name} could not be deployed and was rolled back: {why}"
        )
        self._report(str(failure))
        return failure
