import contextlib
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
            state = AgentState.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except InvalidModel as error:
            raise _corrupt(agent, path, error.errors()[0]["msg"]) from error
        if state.agent != agent:
            raise _corrupt(agent, path, f"it is the state of {state.agent}")
        return state

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
        """Return the states of all agents that have one, in the order of the agents.

        A corrupt one is left out: it stops the deployment of its own agent, and nobody else.
        """
        states = []
        for agent in AGENTS:
            with contextlib.suppress(NightmendError):
                states.append(self.read(agent))
        return tuple(state for state in states if state is not None)

    def set_aside_damaged(self) -> tuple[Path, ...]:
        """Rename the corrupt states, so that their agents are deployed anew; returns where they are now."""
        aside = []
        for agent in AGENTS:
            try:
                self.read(agent)
            except NightmendError:
                place = self._path(agent)
                aside.append(place.replace(place.with_name(f"{place.name}.damaged")))
        return tuple(aside)

    def backup(self) -> dict[str, bytes]:
        """Return the files of all agents as they are, the corrupt ones too."""
        paths = ((agent, self._path(agent)) for agent in AGENTS)
        return {agent: path.read_bytes() for agent, path in paths if path.exists()}

    def bring_back(self, backup: dict[str, bytes]) -> None:
        """Make the files exactly these again."""
        for agent in AGENTS:
            if agent in backup:
                write_atomically(self._path(agent), backup[agent])
            else:
                self.forget(agent)

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


def _corrupt(agent: str, path: Path, problem: str) -> NightmendError:
    return NightmendError(
        f"the state of agent {agent} in {path} is corrupt ({problem}): delete it and start again"
    )
