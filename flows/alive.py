"""A run whose process dies is shown as what it is, and one that a person cancels ends."""

import contextlib
import contextvars
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.logging.loggers import flow_run_logger
from prefect.states import Cancelled, Crashed

from flows.buried import CANCELLED, bury, close
from flows.environment import PRIVATE, TERMINAL
from flows.interruption import GRACE_SECONDS, end_now
from nightmend.home import state_folder
from nightmend.recovery.alive import file_of, hold

F = TypeVar("F", bound=Flow[..., Any])
LOOK_SECONDS = 5.0
WORKER_SECONDS = 60.0
"""So long a worker has to end a run that is being cancelled; then the run does it by itself."""


class _Held(NamedTuple):
    descriptor: int
    over: threading.Event


_held: dict[UUID, _Held] = {}


def shown(run: F) -> F:
    """Have the runs of a flow shown as what they are, whatever becomes of their process."""
    run.on_running(_begin)
    for ending in (run.on_completion, run.on_failure, run.on_crashed, run.on_cancellation):
        ending(_end)
    return run


def _begin(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Hold the file of a run, have it guarded, and look for who cancels it."""
    if flow_run.id in _held:
        return
    home = state_folder()
    place = file_of(home, str(flow_run.id))
    held = _held[flow_run.id] = _Held(hold(place), threading.Event())
    if PRIVATE not in os.environ:  # a private server ends with the run, and there is nobody to tell
        _start_guard(place)
    here = contextvars.copy_context().run
    arguments = (_heed, flow, flow_run, held)
    threading.Thread(target=here, args=arguments, name="cancellation", daemon=True).start()
    bury(home)


def _end(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Forget a run that Prefect knows to be over; a worker calls this for one that it has cancelled."""
    if state.is_cancelling():
        flow_run_logger(flow_run, flow).info(CANCELLED)
        return  # the guard closes what is below it
    place = file_of(state_folder(), str(flow_run.id))
    cancelled = place.exists() and bool(place.read_bytes())
    if cancelled or state.is_crashed():
        ending: State[Any] = Cancelled(message=CANCELLED) if cancelled else Crashed(message=state.message)
        with get_client(sync_client=True) as client:
            close(client, flow_run.id, ending)
    place.unlink(missing_ok=True)
    if held := _held.pop(flow_run.id, None):
        held.over.set()
        os.close(held.descriptor)


def _start_guard(place: Path) -> None:
    """Start the process that waits for our death; of the run's environment it has what leads to the API."""
    ours = ("PREFECT__", "NIGHTMEND_")
    subprocess.run(
        [sys.executable, "-P", "-m", "flows.guard", str(place)],
        cwd="/",
        env={name: value for name, value in os.environ.items() if not name.startswith(ours)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        check=False,
    )


def _heed(flow: Flow[..., Any], run: FlowRun, held: _Held) -> None:
    """End this process when a person cancels its run: without a worker, nobody else does."""
    patience = WORKER_SECONDS if TERMINAL not in os.environ else 0.0
    since: float | None = None
    while not held.over.wait(LOOK_SECONDS):
        state = _state(run.id)
        if state is None or not (state.is_cancelled() or state.is_cancelling()):
            since = None
            continue
        since = time.monotonic() if since is None else since
        if state.is_cancelled() or time.monotonic() - since >= patience:
            _cancel(flow, run, held)
            return


def _cancel(flow: Flow[..., Any], run: FlowRun, held: _Held) -> None:
    """End as on SIGTERM: agents and sandboxes in order, and by force what takes too long."""
    if held.over.is_set():
        return
    os.pwrite(held.descriptor, b"cancelled", 0)
    flow_run_logger(run, flow).info(CANCELLED)
    with contextlib.suppress(Exception), get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Cancelled(message=CANCELLED), force=True)
    os.kill(os.getpid(), signal.SIGTERM)
    if not held.over.wait(GRACE_SECONDS):
        end_now()


def _state(run: UUID) -> State[Any] | None:
    """Return the state of a run, None where the API does not say."""
    with contextlib.suppress(Exception), get_client(sync_client=True) as client:
        return client.read_flow_run(run).state
    return None
