from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from nightmend.agent import Agent
from nightmend.agents import AGENTS, DEPENDENCIES, Phase
from nightmend.errors import NightmendError, UsageError, ValidationError
from nightmend.frozen import Frozen
from nightmend.results import AgentResult

Outcome = AgentResult | Exception
"""What came of an agent's work: its result, or the error that ended it."""
Outcomes = Mapping[str, Outcome]
"""By agent, in the order in which they were set to work."""


class Progress(Frozen):
    """How far assigned work has come."""

    assigned: int
    finished: int
    succeeded: int

    @property
    def completion_percentage(self) -> float:
        """Share of the assigned tasks that are finished; 100 where nothing was assigned."""
        return 100 * self.finished / self.assigned if self.assigned else 100.0


class Validation(Frozen):
    """Whether an agent did its work, and one sentence that says what ended it; the specification's names."""

    success: bool
    error: str = ""


class AgentRegistry:
    """The agents that are deployed, by name."""

    def __init__(self) -> None:
        self._agents: dict[str, Agent] = {}

    def register_agent(self, agent: Agent) -> None:
        """Register an agent under one of the ten names; a second one takes the first's place."""
        if agent.name not in AGENTS:
            raise UsageError(f"agent name {agent.name!r} is not one of the ten: {', '.join(AGENTS)}")
        self._agents[agent.name] = agent

    def get_agent(self, name: str) -> Agent:
        """Return a registered agent; UsageError where it is not deployed."""
        try:
            return self._agents[name]
        except KeyError:
            known = ", ".join(self._agents) or "none"
            raise UsageError(
                f"agent {name!r} is not registered (registered: {known}): deploy it first"
            ) from None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the registered agents, in the order of registration."""
        return tuple(self._agents)


def deployment_order(dependencies: Mapping[str, tuple[str, ...]] = DEPENDENCIES) -> tuple[str, ...]:
    """Order agents so that each comes behind all that it depends on; UsageError names a cycle."""
    try:
        return tuple(TopologicalSorter(dependencies).static_order())
    except CycleError as error:
        raise UsageError(
            f"the agents depend on each other in a circle: {' > '.join(error.args[1])}"
        ) from error


def validate_progressively(
    registry: AgentRegistry, phase: Phase, outcomes: Outcomes
) -> tuple[AgentResult, ...]:
    """Validate every agent of a phase before the next phase begins, and return their results.

    ValidationError names each agent that failed, so that no failure hides another.
    """
    validations = [
        validate_agent_functionality(registry.get_agent(name), outcome) for name, outcome in outcomes.items()
    ]
    complaints = [validation.error for validation in validations if not validation.success]
    if complaints:
        errors = [outcome for outcome in outcomes.values() if isinstance(outcome, Exception)]
        failure = ValidationError(f"phase {phase} was rolled back: {'; '.join(complaints)}")
        failure.exit_code = max(getattr(error, "exit_code", failure.exit_code) for error in errors)
        raise failure from errors[0]
    return tuple(outcome for outcome in outcomes.values() if isinstance(outcome, AgentResult))


def validate_agent_functionality(agent: Agent, outcome: Outcome) -> Validation:
    """Say whether a deployed agent did its work."""
    if isinstance(outcome, AgentResult):
        return Validation(success=True)
    kind = "" if isinstance(outcome, NightmendError) else f"{type(outcome).__name__}: "
    why = " ".join(f"{kind}{outcome}".split())
    named = why.startswith(f"agent {agent.name} ")
    return Validation(success=False, error=why if named else f"agent {agent.name} failed: {why}")
