"""Independent runs over workers: whoever starts the engine hands it an executor, of which it knows no more.

What it gives to workers waits for processes in sandboxes, so that threads are enough. Answers come in the
order of the questions, whoever is ready first, so that nothing depends on how many workers there are.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
_executor: ContextVar[Executor | None] = ContextVar("executor", default=None)
"""Of what runs here; a worker itself has none, so that it never waits for another one."""


@contextmanager
def over(executor: Executor | None) -> Iterator[None]:
    """Let `each` use an executor here; None is one run after the other."""
    token = _executor.set(executor)
    try:
        yield
    finally:
        _executor.reset(token)


@contextmanager
def own_threads(count: int) -> Iterator[None]:
    """Let `each` use so many threads where nobody handed an executor."""
    if _executor.get() is not None:
        yield
        return
    with ThreadPoolExecutor(max(1, count)) as threads, over(threads):
        yield


def each(work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Yield what the work makes of each item, in their order; several at once where there are workers.

    The first error, in that order, is raised. Nothing goes on behind it, or where the caller stops earlier.
    """
    asked = list(items)
    executor = _executor.get()
    if executor is None or len(asked) < 2:
        yield from map(work, asked)
        return
    futures = [executor.submit(work, item) for item in asked]
    try:
        for future in futures:
            yield future.result()
    finally:
        wait([future for future in futures if not future.cancel()])
