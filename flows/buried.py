"""Prefect is told of runs whose process is gone: they are crashed, or cancelled where a person wanted that.

Who finds the file of a run left (`nightmend/recovery/alive.py`) tells Prefect: a guard beside the run
(`flows/guard.py`), and every later run.
"""

import time
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterParentFlowRunId,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateType,
)
from prefect.client.schemas.objects import State, StateType
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Crashed

from nightmend.recovery.alive import FOLDER, left

GO_ON = "the next run goes on behind the last checkpoint"
DIED = f"the process of this run is gone; {GO_ON}"
CANCELLED = f"cancelled; {GO_ON}"
FORGOTTEN_SECONDS = 30 * 24 * 60 * 60
"""So long we wait for the server that knows a run; a private one may not come back."""
_UNDER_WAY = [
    StateType.RUNNING,
    StateType.PENDING,
    StateType.SCHEDULED,
    StateType.PAUSED,
    StateType.CANCELLING,
]


def bury(home: Path) -> None:
    """Tell Prefect of every run of this state folder whose process is gone; what it does not hear waits."""
    for place in (home / FOLDER).glob("*"):
        with left(place) as said:
            if said is not None and _told(place, said):
                place.unlink(missing_ok=True)


def close(client: SyncPrefectClient, run: UUID, state: State[Any]) -> None:
    """Give a run this state, and all below it that is not over one of its kind."""
    known = client.read_flow_run(run).state
    if known is None or not known.is_final() or known.type != state.type:
        client.set_flow_run_state(run, state, force=True)
    below = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[run]))
    phases = client.read_flow_runs(flow_run_filter=below)
    for phase in phases:
        if phase.state is None or not phase.state.is_final():
            client.set_flow_run_state(phase.id, state, force=True)
    for task in client.read_task_runs(
        flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run, *(phase.id for phase in phases)])),
        task_run_filter=TaskRunFilter(state=TaskRunFilterState(type=TaskRunFilterStateType(any_=_UNDER_WAY))),
    ):
        client.set_task_run_state(task.id, state, force=True)


def _told(place: Path, said: bytes) -> bool:
    """Say whether Prefect knows now that a run is over, or need not be asked any more."""
    run = UUID(place.name)
    try:
        with get_client(sync_client=True) as client:
            state = client.read_flow_run(run).state
            close(client, run, _ending(state, cancelled=bool(said)))
    except ObjectNotFound:  # another server knows it
        return time.time() - place.stat().st_mtime > FORGOTTEN_SECONDS
    except Exception:
        return False
    return True


def _ending(state: State[Any] | None, *, cancelled: bool) -> State[Any]:
    """Return how a run has ended that could not say so itself."""
    if cancelled or (state is not None and (state.is_cancelling() or state.is_cancelled())):
        return Cancelled(message=CANCELLED)
    return state if state is not None and state.is_final() else Crashed(message=DIED)
