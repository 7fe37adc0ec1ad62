import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from nightmend.agents import PHASES
from nightmend.night import Night
from nightmend.workers import over


def count(night: Night, name: str = "") -> int:
    """Return how many runs may go at once here: one a processor, shared with the agents that work beside."""
    at_once = night.orchestrator.max_concurrent_agents
    agents = night.agents("repairs") if name in PHASES["repairs"] else ()
    beside = max(1, min(len(agents), at_once))
    return max(1, min(len(os.sched_getaffinity(0)), at_once) // beside)


@contextmanager
def workers(night: Night, name: str = "") -> Iterator[None]:
    """Hand the engine threads for its independent runs; `name` is the agent that works here, if one does.

    Threads that wait for sandboxes are enough on one machine: nothing of a run is done by our own processes.
    """
    with ThreadPoolExecutor(count(night, name), thread_name_prefix="run") as threads, over(threads):
        yield
