"""Prefect's result persistence as our checkpoints: how an agent is cached, watched, and tried again."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from prefect import Task, task
from prefect.cache_policies import CacheKeyFnPolicy
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TaskRunContext

from nightmend.agents import PHASES
from nightmend.errors import NightmendError, SandboxError
from nightmend.monitoring.pulse import Pulse, watched
from nightmend.night import Night
from nightmend.nights import night_key
from nightmend.privacy.discretion import discreetly
from nightmend.results import AgentResult, PhaseResult
from tasks.elsewhere import elsewhere
from tasks.logs import log_from
from tasks.sealed import SEALED
from tasks.workers import workers

AgentWork = Callable[[Night, PhaseResult], AgentResult]
AgentTask = Task[[Night, PhaseResult], AgentResult]


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


def agent_task(name: str) -> Callable[[AgentWork], AgentTask]:
    """Make an agent's work a Prefect task whose result is a checkpoint, and which ends when it is silent."""

    def made(work: AgentWork) -> AgentTask:
        @wraps(work)
        def alive(night: Night, start: PhaseResult) -> AgentResult:
            log_from(night.orchestrator.log_level)
            with discreetly(night):
                place = elsewhere() if name in PHASES["repairs"] else None
                return place.work(name, night, start) if place else here(night, start)

        def here(night: Night, start: PhaseResult) -> AgentResult:
            pulse = Pulse(name, night.orchestrator.default_timeout)
            with workers(night, name):
                result = watched(pulse, lambda: work(night, start))
            counts = {"sandbox_commands": pulse.commands, "sandbox_failures": pulse.failures}
            return result.model_copy(update={"metrics": {**result.metrics, **counts}})

        return task(
            name=name,
            task_run_name=name,
            cache_policy=CacheKeyFnPolicy(cache_key_fn=agent_key),
            persist_result=True,
            result_serializer=SEALED,
            retry_condition_fn=is_transient,
        )(alive)

    return made


def tried_again(agent: AgentTask, night: Night) -> AgentTask:
    """Return an agent's task with as many further tries as this night gives."""
    return agent.with_options(retries=night.orchestrator.retry_attempts)
