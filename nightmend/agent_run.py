import os
import time
from collections.abc import Callable

from nightmend.frozen import Frozen
from nightmend.results import AgentResult, Metric, Ref


class Work(Frozen):
    """What an agent has to show: numbers for the report, and references to what it found or judged."""

    metrics: dict[str, Metric]
    judgements: Ref | None = None
    diagnosis: Ref | None = None
    baseline: Ref | None = None
    quality: Ref | None = None


def run_agent(agent: str, work: Callable[[], Work]) -> AgentResult:
    """Do an agent's work and note when, how long and in which process."""
    started, clock = time.time(), time.perf_counter()
    done = work()
    return AgentResult(
        agent=agent,
        seconds=time.perf_counter() - clock,
        started=started,
        pid=os.getpid(),
        **done.model_dump(),
    )
