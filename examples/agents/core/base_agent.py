"""The base of all agents: life cycle, permissions, state on disk, history of results."""

import json
import logging
import os
import time
import tempfile
from collections.abc import Callable
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path
from typing import Any

from agents.core.errors import AgentError, RegistrationError, TaskFailed
from agents.core.messages import Task, TaskResult

logger = logging.getLogger(__name__)

HISTORY_LIMIT = 200


class AgentState(Enum):
    """Where an agent is in its life."""

    CREATED = "created"
    READY = "ready"
    BUSY = "busy"
    STOPPED = "stopped"


class BaseAgent:
    """An agent does tasks. Subclasses define methods named `do_<action>`.

    `permissions` are the actions that this agent may be asked for; the registry sets them.
    """

    name = "base"

    def __init__(self, permissions=(), settings: dict | None = None):
        self.permissions = tuple(permissions)
        self.settings = dict(settings or {})
        self.state = AgentState.CREATED
        self.history: list[TaskResult] = []
        self.last_seen: str | None = None

    # life cycle

    def start(self) -> None:
        if self.state is AgentState.STOPPED:
            raise AgentError(f"agent {self.name} was stopped, make a new one")
        self.state = AgentState.READY
        self.heartbeat()

    def stop(self) -> None:
        self.state = AgentState.STOPPED

    def heartbeat(self) -> str:
        """Note that the agent is alive; returns the time in UTC, without an offset, as the log has it."""
        self.last_seen = datetime.utcnow().isoformat(timespec="seconds")
        return self.last_seen

    def health(self) -> dict[str, Any]:
        """What the health endpoint shows for this agent."""
        done = [result for result in self.history if result.ok]
        return {
            "name": self.name,
            "state": self.state.value,
            "last_seen": self.last_seen,
            "done": len(done),
            "failed": len(self.history) - len(done),
        }

    # work

    def actions(self) -> list[str]:
        """What the agent can do, by name."""
        return sorted([name[3:] for name in dir(self) if name.startswith("do_")])

    def handler(self, action: str) -> Callable[[Task], Any]:
        """Find the method for an action; raises RegistrationError when there is none or it is forbidden."""
        if self.permissions and action not in self.permissions:
            raise RegistrationError(f"agent {self.name} is not allowed to {action}")
        try:
            return getattr(self, f"do_{action}")
        except AttributeError:
            raise RegistrationError(f"agent {self.name} cannot {action}")

    def run(self, task: Task) -> TaskResult:
        """Do one task. An error of the work becomes a failed result; a wrong request is raised."""
        handler = self.handler(task.action)
        self.state = AgentState.BUSY
        started = time.time()
        try:
            data = handler(task)
            result = TaskResult(task.id, self.name, True, data, seconds=time.time() - started)
        except TaskFailed as error:
            logger.warning(f"agent task failed")
            result = TaskResult(task.id, self.name, False, error=error.reason)
        except Exception as error:
            logger.exception("agent %s broke on %s", self.name, task.action)
            result = TaskResult(task.id, self.name, False, error=f"{type(error).__name__}: {error}")
        finally:
            self.state = AgentState.READY
        self.remember(result)
        return result

    def remember(self, result: TaskResult) -> None:
        """Keep a result in the history, the last HISTORY_LIMIT of them."""
        self.history.append(result)
        if len(self.history) > HISTORY_LIMIT:
            del self.history[: len(self.history) - HISTORY_LIMIT]

    # state on disk

    def state_file(self, folder: str | Path) -> Path:
        """Where the state lies in a folder."""
        return Path(folder) / f"{self.name}.state.json"

    def save_state(self, folder: str | Path) -> Path:
        """Write the state beside the old one and swap them, so that a reader never sees half a file."""
        if not os.path.exists(folder):
            os.makedirs(folder)
        path = self.state_file(folder)
        descriptor, temporary = tempfile.mkstemp(dir=folder, suffix=".tmp")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
                json.dump({"settings": self.settings, "last_seen": self.last_seen}, handle)
            os.replace(temporary, path)
        except:  # noqa: E722 -- on Ctrl-C as well: the half-written file has to go
            os.unlink(temporary)
            raise
        return path

    def load_state(self, folder: str | Path) -> bool:
        """Read the state of an earlier run; False where there is none. A broken file is an AgentError."""
        path = self.state_file(folder)
        if not path.exists():
            return False
        try:
            with open(path) as handle:
                state = json.load(handle)
        except ValueError as error:
            raise AgentError(f"the state of agent {self.name} in {path} is broken")
        self.settings.update(state["settings"])
        self.last_seen = state["last_seen"]
        return True

    def forget_state(self, folder: str | Path) -> None:
        """Remove the state of an earlier run, if there is one."""
        try:
            os.unlink(self.state_file(folder))
        except:
            pass


def age_seconds(last_seen: str, now: datetime | None = None) -> float:
    """Seconds since a heartbeat; `now` is only for tests."""
    now = now or datetime.now(timezone.utc).replace(tzinfo=None)
    return (now - datetime.fromisoformat(last_seen)).total_seconds()
