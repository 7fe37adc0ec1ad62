"""Deploy an agent as the specification does: checkpoint, deploy, validate, register, or roll back."""

from collections.abc import Callable

from nightmend.agent import Agent, SelfTest
from nightmend.errors import DeploymentError, NightmendError
from nightmend.frozen import Frozen
from nightmend.recovery.states import AgentState, AgentStates


class AgentConfig(Frozen):
    """An agent to deploy: its name, and what makes it."""

    name: str
    factory: Callable[[], Agent]


class AgentDeploymentManager:
    """Deploys agents one by one and leaves no half-deployed one behind."""

    def __init__(
        self, states: AgentStates, register: Callable[[Agent], None], report: Callable[[str], None]
    ) -> None:
        self.states = states
        self._register = register
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
            return self._deploy(agent_config)
        except Exception as error:
            self.rollback_to_checkpoint(agent_config.name, checkpoint)
            raise self.report_deployment_failure(agent_config, error) from error

    def create_checkpoint(self, agent: str) -> AgentState | None:
        """Return the state to come back to, None for an agent never deployed; a corrupt one raises."""
        return self.states.read(agent)

    def validate_agent(self, agent: Agent) -> SelfTest:
        """Let the agent test itself."""
        return agent.self_test()

    def rollback_to_checkpoint(self, agent: str, checkpoint: AgentState | None) -> None:
        """Bring back the state that the agent had before."""
        if checkpoint is None:
            self.states.forget(agent)
        else:
            self.states.put(checkpoint)

    def report_deployment_failure(self, agent_config: AgentConfig, error: Exception) -> DeploymentError:
        """Report the failure and return the error to raise."""
        why = str(error) if isinstance(error, NightmendError) else f"{type(error).__name__}: {error}"
        failure = DeploymentError(
            f"agent {agent_config.name} could not be deployed and was rolled back: {why}"
        )
        self._report(str(failure))
        return failure

    def _deploy(self, agent_config: AgentConfig) -> Agent:
        agent = agent_config.factory()
        validation = self.validate_agent(agent)
        if validation.status != "PASS":
            raise DeploymentError(f"its self-test failed: {validation.failures}")
        self.states.write(agent.name, "registered")
        self._register(agent)
        self.self_tests[agent.name] = validation
        return agent
