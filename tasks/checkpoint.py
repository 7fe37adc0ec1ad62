"""Prefect's result persistence as our checkpoints: how an agent's task is cached, and what may be retried."""

from collections.abc import Callable
from typing import Any

from prefect import Task, task
from prefect.cache_policies import CacheKeyFnPolicy
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TaskRunContext

from nightmend.errors import NightmendError, SandboxError
from nightmend.night import Night
from nightmend.nights import night_key
from nightmend.results import AgentResult, PhaseResult

AgentWork = Callable[[Night, PhaseResult], AgentResult]


def agent_key(context: TaskRunContext, parameters: dict[str, Any]) -> str:
    """Return the key under which an agent's result is kept: its name and all that its work depends on."""
    night: Night = parameters["night"]
    start: PhaseResult = parameters["start"]
    return night_key(night, context.task.name, *start.state())


def is_transient(task: Task[Any, Any], run: TaskRun, state: State[Any]) -> bool:
    """Retry only what can go otherwise the next time: the machine's faults, never ours or the target's."""
    error = state.result(raise_on_failure=False)
    if isinstance(error, NightmendError):
        return isinstance(error, SandboxError)
    return isinstance(error, OSError | TimeoutError)


def agent_task(name: str) -> Callable[[AgentWork], Task[[Night, PhaseResult], AgentResult]]:
    """Make an agent's work a Prefect task whose result is a checkpoint."""
    return task(
        name=name,
        task_run_name=name,
        cache_policy=CacheKeyFnPolicy(cache_key_fn=agent_key),
        persist_result=True,
        result_serializer="json",
        retries=3,
        retry_condition_fn=is_transient,
    )
