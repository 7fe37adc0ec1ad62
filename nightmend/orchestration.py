from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from nightmend.agent import Agent
from nightmend.agents import AGENTS, DEPENDENCIES
from nightmend.errors import UsageError
from nightmend.frozen import Frozen


class Progress(Frozen):
    """How far assigned work has come."""

    assigned: int
    finished: int
    succeeded: int

    @property
    def completion_percentage(self) -> float:
        """Share of the assigned tasks that are finished; 100 where nothing was assigned."""
        return 100 * self.finished / self.assigned if self.assigned else 100.0


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
