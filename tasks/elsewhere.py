"""Agents on the workers of a Dask cluster that people run: machines that share nothing with the night.

An agent stays a Prefect task of the night's own process, where its result is kept; only its work goes away,
and comes back through Dask. So a worker needs no Prefect server, no result storage, and no repository.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from threading import Condition, Event, Lock
from typing import Any
from uuid import uuid4

from distributed import Client, Future
from distributed.comm.addressing import parse_address
from distributed.comm.registry import get_backend
from distributed.scheduler import KilledWorker

from nightmend.errors import NightmendError, PrerequisiteError
from nightmend.night import Night
from nightmend.results import AgentResult, PhaseResult
from nightmend.versions import differences, versions
from nightmend.visiting import Luggage, Souvenir, Visit, luggage, take_home

ANSWER_SECONDS = 10
"""So long a scheduler has to answer."""
WORKERLESS_SECONDS = 60
"""So long an agent waits for a worker where there is none."""
LOOK_SECONDS = 2.0
MOST_DEATHS = 3
"""Workers that an agent may lose before it is the agent that kills them."""
Tell = Callable[[str, int], None]


class _WorkerDiedError(Exception):
    """The worker of an agent is gone, and with it what the agent had done."""


class _SchedulerGoneError(PrerequisiteError):
    """The scheduler is gone, which is no fault of any worker."""


class Elsewhere:
    """The workers of an existing cluster, each with room for one agent at a time."""

    def __init__(self, address: str, tell: Tell) -> None:
        self.address = address
        self._tell = tell
        self._client = reach(address)
        self._busy: set[str] = set()
        self._free = Condition()
        self._packing = Lock()
        self._packed: tuple[tuple[str, ...], Luggage] | None = None
        self._visited: dict[str, tuple[str, ...]] = {}

    def work(self, agent: str, night: Night, start: PhaseResult) -> AgentResult:
        """Let an agent work on some worker, and on another one where that dies."""
        died: list[str] = []
        while len(died) < MOST_DEATHS:
            with self._worker(agent, died) as worker:
                try:
                    self._bring(worker, night, start)
                    return take_home(night, self._do(worker, agent))
                except _WorkerDiedError:
                    died.append(worker)
                    self._visited.pop(worker, None)
                    self._tell(f"worker {worker} died under agent {agent}", logging.WARNING)
        raise NightmendError(
            f"agent {agent} failed: {len(died)} workers died under it, the last was {died[-1]}: see the"
            " log of that worker, and give it more memory where it had too little"
        )

    def close(self) -> None:
        """Let the workers forget the night, and leave the cluster as it was."""
        try:
            if present := [worker for worker in self._visited if worker in self._workers()]:
                self._client.run(leave, workers=present, on_error="ignore")
        except (OSError, TimeoutError, RuntimeError):
            pass  # the next night that visits them clears away what is left
        finally:
            self._client.close(timeout=ANSWER_SECONDS)

    def _workers(self) -> dict[str, Any]:
        try:
            return dict(self._client.scheduler_info(n_workers=-1)["workers"])
        except (OSError, TimeoutError, RuntimeError, AttributeError, KeyError) as error:
            raise self._lost() from error

    def _lost(self) -> "_SchedulerGoneError":
        return _SchedulerGoneError(
            f"the Dask scheduler at {self.address} does not answer any more: start it"
            " again, and the night with it"
        )

    @contextmanager
    def _worker(self, agent: str, died: Sequence[str]) -> Iterator[str]:
        """Hold a worker that is free, and wait for one where all are at work."""
        worker = self._taken(agent, died)
        try:
            yield worker
        finally:
            with self._free:
                self._busy.discard(worker)
                self._free.notify_all()

    def _taken(self, agent: str, died: Sequence[str]) -> str:
        patience = time.monotonic() + WORKERLESS_SECONDS
        while True:
            known = self._workers()
            with self._free:
                # one that came back under its old address is the last choice
                if free := sorted(known.keys() - self._busy, key=lambda one: (died.count(one), one)):
                    self._busy.add(free[0])
                    return free[0]
                if known:
                    patience = time.monotonic() + WORKERLESS_SECONDS
                elif time.monotonic() > patience:
                    gone = f", {', '.join(died)} died under it" if died else ""
                    raise PrerequisiteError(
                        f"agent {agent} has no worker at {self.address}{gone}: start workers there"
                    )
                self._free.wait(LOOK_SECONDS)

    def _bring(self, worker: str, night: Night, start: PhaseResult) -> None:
        """Bring a worker what the phase needs, once; refuse one that is not as we are."""
        state = (night.run, *start.state())
        if self._visited.get(worker) == state:
            return
        check(self._client, self.address, [worker])
        with self._packing:
            if self._packed is None or self._packed[0] != state:
                self._packed = state, luggage(night, start)
        try:
            self._answer(worker, receive, self._packed[1])
        except _SchedulerGoneError:
            raise
        except PrerequisiteError as error:
            raise PrerequisiteError(f"worker {worker} cannot take part: {error}") from error
        self._visited[worker] = state

    def _do(self, worker: str, agent: str) -> Souvenir:
        found = self._answer(worker, work_here, agent)
        if not isinstance(found, Souvenir):  # a new process has taken the place of the one we brought all to
            raise _WorkerDiedError
        return found

    def _answer(self, worker: str, work: Callable[..., Any], *arguments: Any) -> Any:
        """Return what one worker makes of some work; _WorkerDiedError where it is gone."""
        future = self._client.submit(
            work, *arguments, key=f"nightmend-{work.__name__}-{uuid4().hex}", workers=[worker],
            allow_other_workers=False, pure=False,
        )  # fmt: skip
        try:
            self._await(worker, future)
            return future.result()
        except KilledWorker as error:
            raise _WorkerDiedError from error
        finally:
            future.release()

    def _await(self, worker: str, future: "Future[Any]") -> None:
        done = Event()
        future.add_done_callback(lambda _: done.set())
        while not done.wait(LOOK_SECONDS):
            if worker not in self._workers():
                raise _WorkerDiedError
        if future.status in {"cancelled", "lost"}:
            raise self._lost()


_elsewhere: ContextVar[Elsewhere | None] = ContextVar("elsewhere", default=None)
"""Where the agents of what runs here work; a worker itself has none."""


def elsewhere() -> Elsewhere | None:
    """Return where agents work that may go away; None is this machine."""
    return _elsewhere.get()


@contextmanager
def going(place: Elsewhere | None) -> Iterator[None]:
    """Let the agents that are set to work here do it elsewhere."""
    token = _elsewhere.set(place)
    try:
        yield
    finally:
        _elsewhere.reset(token)


def reach(address: str) -> Client:
    """Reach the scheduler at an address, and see that its workers are as we are; PrerequisiteError if not."""
    try:
        get_backend(parse_address(address)[0])  # of an unknown one a client would make a traceback, later
        client = Client(address, set_as_default=False, timeout=ANSWER_SECONDS)
    except (OSError, TimeoutError, ValueError, TypeError, KeyError) as error:
        raise PrerequisiteError(
            f"no Dask scheduler answers at {address!r}: start one there, or give another --dask-address"
        ) from error
    try:
        check(client, address)
    except BaseException:
        client.close(timeout=ANSWER_SECONDS)
        raise
    return client


def check(client: Client, address: str, only: Sequence[str] | None = None) -> None:
    """Refuse a cluster without workers, and one in which a worker is not as we are, by name."""
    known = client.scheduler_info(n_workers=-1)["workers"]
    chosen = [worker for worker in known if only is None or worker in only]
    if not chosen and only is None:
        raise PrerequisiteError(f"the Dask scheduler at {address} has no workers: start `dask worker` there")
    try:
        found = client.run(versions, workers=chosen, on_error="return") if chosen else {}
    except Exception as error:  # whatever another version makes of what ours asks
        said = f"{type(error).__name__}: {error}"
        raise PrerequisiteError(
            f"the workers of {address} do not say what they have ({said}): install the same there as here"
        ) from error
    for worker, said in sorted(found.items()):
        _refuse(f"worker {worker} of {address}", said, known[worker]["nthreads"])


def _refuse(name: str, said: object, threads: int) -> None:
    if not isinstance(said, dict):
        raise PrerequisiteError(
            f"{name} cannot take part ({said}): install nightmend {versions()['nightmend']} there"
        )
    if differ := differences(versions(), said):
        listed = ", ".join(differ[:5]) + (f" and {len(differ) - 5} more" if len(differ) > 5 else "")
        raise PrerequisiteError(
            f"{name} has other versions than this machine: {listed}; install the same there"
        )
    if threads != 1:
        raise PrerequisiteError(
            f"{name} has {threads} threads, but an agent needs a process of its own: start it"
            " with --nthreads 1"
        )


_visits: dict[str, Visit] = {}
"""In a worker: its guest, if it has one."""


def receive(brought: Luggage) -> None:
    """In a worker: make room for a night, in place of any earlier one."""
    leave()
    _visits[brought.night.run] = Visit(brought)


def leave() -> None:
    """In a worker: forget every night."""
    while _visits:
        _visits.popitem()[1].end()


def work_here(agent: str) -> Souvenir | None:
    """In a worker: let an agent work for the night that visits; None where there is none.

    Errors leave without what led to them: one that Dask cannot send would never end the agent's task.
    """
    task = getattr(import_module(f"tasks.{agent}"), agent)
    try:
        return next((visit.work(agent, task.fn) for visit in _visits.values()), None)
    except (NightmendError, OSError) as error:
        raise error.with_traceback(None) from None
    except Exception as error:
        logging.getLogger(__name__).exception("agent %s failed", agent)
        raise NightmendError(f"agent {agent} failed: {type(error).__name__}: {error}") from None
