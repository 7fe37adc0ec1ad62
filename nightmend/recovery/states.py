import time
from pathlib import Path
from typing import Literal

from pydantic import ValidationError as InvalidModel

from nightmend.agents import AGENTS
from nightmend.errors import NightmendError
from nightmend.files import write_atomically
from nightmend.frozen import Frozen


class AgentState(Frozen):
    """What is known of a deployed agent between nights."""

    agent: str
    status: Literal["registered", "failed"]
    since: float
    """Seconds since the epoch."""
    detail: str = ""


class AgentStates:
    """The agent states of one target, a file for each agent, so that no two agents write the same one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, agent: str) -> AgentState | None:
        """Return the state of an agent, None where it was never deployed; a corrupt file is an error."""
        path = self._path(agent)
        try:
            return AgentState.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except InvalidModel as error:
            problem = error.errors()[0]["msg"]
            raise NightmendError(
                f"the state of agent {agent} in {path} is corrupt ({problem}): delete it and start again"
            ) from error

    def write(self, agent: str, status: Literal["registered", "failed"], detail: str = "") -> AgentState:
        """Record the state of an agent as of now."""
        state = AgentState(agent=agent, status=status, since=time.time(), detail=detail)
        self.put(state)
        return state

    def put(self, state: AgentState) -> None:
        """Write a state as it is."""
        write_atomically(self._path(state.agent), state.model_dump_json(indent=1).encode())

    def forget(self, agent: str) -> None:
        """Make an agent undeployed."""
        self._path(agent).unlink(missing_ok=True)

    def capture(self) -> tuple[AgentState, ...]:
        """Return the states of all agents that have one, in the order of the agents."""
        states = (self.read(agent) for agent in AGENTS)
        return tuple(state for state in states if state is not None)

    def restore(self, states: tuple[AgentState, ...]) -> None:
        """Make the states exactly these; agents without one become undeployed."""
        known = {state.agent: state for state in states}
        for agent in AGENTS:
            if agent in known:
                self.put(known[agent])
            else:
                self.forget(agent)

    def _path(self, agent: str) -> Path:
        return self.folder / f"{agent}.json"
