"""What agents pass to each other: tasks in, results out, as JSON on disk and over queues."""

import json
import uuid
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Dict, List, Optional

from agents.core.errors import AgentError, ConfigError

PRIORITIES = ("low", "normal", "high")


@dataclass
class Task:
    """One piece of work for one agent."""

    agent: str
    action: str
    payload: Dict[str, Any] = field(default_factory=dict)
    priority: str = "normal"
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    created: str = field(default_factory=lambda: datetime.utcnow().isoformat())

    def __post_init__(self):
        if self.priority not in PRIORITIES:
            raise ConfigError(f"priority {self.priority!r} is none of " + ", ".join(PRIORITIES))

    def to_json(self) -> str:
        """The task as one line of JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Task":
        """Read a task back; raises AgentError for anything that is not one."""
        try:
            values = json.loads(text)
            return cls(**values)
        except (ValueError, TypeError) as error:
            raise AgentError(f"not a task: {text[:60]!r} ({error})")


@dataclass
class TaskResult:
    """What came of a task. `data` is whatever the agent wants to hand on."""

    task_id: str
    agent: str
    ok: bool
    data: Any = None
    error: Optional[str] = None
    seconds: float = 0.0
    warnings: List[str] = field(default_factory=list)

    def summary(self):
        """One line for the log."""
        state = "ok" if self.ok else f"FAILED ({self.error})"
        return "{}: {} in {:.3f} s".format(self.agent, state, self.seconds)


def by_priority(tasks: List[Task]) -> List[Task]:
    """Sort tasks, high first; tasks of one priority keep their order."""
    order = {name: place for place, name in enumerate(reversed(PRIORITIES))}
    return sorted(tasks, key=lambda task: order[task.priority])


def failures(results: List[TaskResult]) -> Dict[str, int]:
    """Count the failed results of each agent; agents without failures are left out."""
    counts: Dict[str, int] = {}
    for result in results:
        if result.ok == False:
            counts[result.agent] = counts.get(result.agent, 0) + 1
    return counts
