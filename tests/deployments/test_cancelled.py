"""A night from a worker that a person cancels in the UI, which sets the state of its run over the API."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.flows.driving import PATIENT_SUITE, branches, lives, shop, untouched

if TYPE_CHECKING:
    from tests.deployments.conftest import Prefect

pytestmark = pytest.mark.night


def test_agents_and_sandboxes_end_the_checkpoint_stays_and_the_log_says_how_to_go_on(
    prefect: "Prefect", worker: Path
) -> None:
    target = shop(prefect.folder / "patience", {"shop.py": "", "tests/test_patience.py": PATIENT_SUITE})
    before = untouched(target)
    done = prefect.run("prefect", "deployment", "run", "recover/on-demand", "-p", f"target={target}")
    assert done.returncode == 0, done.stdout + done.stderr
    (run,) = [one for one in prefect.all("flow_runs") if one["parameters"].get("target") == str(target)]
    wait_for(lambda: runs_tests(run["id"]))
    family = processes(run["id"])

    prefect.ask(f"flow_runs/{run['id']}/set_state", state={"type": "CANCELLING"})

    wait_for(lambda: prefect.ask(f"flow_runs/{run['id']}")["state_type"] == "CANCELLED")
    wait_for(lambda: not any(map(lives, family)))
    wait_for(lambda: "RUNNING" not in states_below(prefect, run["id"]))
    wait_for(lambda: "cancelled; the next run goes on behind the last checkpoint" in said(prefect, run["id"]))
    assert "/foundation " in prefect.run("nightmend", "checkpoints", str(target)).stdout
    assert untouched(target) == before
    assert branches(target) == []


def wait_for(come: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 300
    while not come():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.5)


def processes(run: str) -> set[psutil.Process]:
    """Return the process of a run, which knows its id, and all that it has started."""
    found: set[psutil.Process] = set()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get("PREFECT__FLOW_RUN_ID") == run:
                found |= {process, *process.children(recursive=True)}
    return found


def runs_tests(run: str) -> bool:
    """Say whether a sandbox of a run has begun with the target's tests."""
    for process in processes(run):
        with contextlib.suppress(psutil.Error):
            if "nightmend_witness" in " ".join(process.cmdline()):
                return True
    return False


def said(prefect: "Prefect", run: str) -> list[str]:
    return [log["message"] for log in prefect.all("logs", logs={"flow_run_id": {"any_": [run]}})]


def states_below(prefect: "Prefect", run: str) -> set[str]:
    """Return the states of the phases and agents of a run."""
    phases = prefect.all("flow_runs", flow_runs={"parent_flow_run_id": {"any_": [run]}})
    tasks = prefect.all("task_runs", flow_runs={"id": {"any_": [run, *(phase["id"] for phase in phases)]}})
    return {one["state_type"] for one in (*phases, *tasks)}
