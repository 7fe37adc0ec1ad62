"""How a run ended is seen in Prefect, also where its process could not tell; and people can end it there."""

import json
import signal
import time
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest

from nightmend.recovery.alive import somebody_lives
from tests.flows.driving import PATIENT_SUITE, House, branches, lives, shop, untouched

pytestmark = pytest.mark.night

OVER = {"Completed", "Cached", "Crashed", "Cancelled", "Failed"}


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> tuple[House, Path]:
    """A house whose person has a server, and a target whose tests take two minutes."""
    folder = tmp_path_factory.mktemp("ends")
    files = {"shop.py": "", "tests/test_patience.py": PATIENT_SUITE}
    return House(folder / "home", prefect_server), shop(folder / "shop", files)


def test_a_killed_run_is_shown_as_crashed_with_all_below_it(places: tuple[House, Path]) -> None:
    house, target = places
    with house.night(target) as night:
        night.wait_for_process("nightmend_witness")
        run = last_run(house, target)
        assert run["state_type"] == "RUNNING"
        wait_for_agent(house, run["id"])
        assert somebody_lives(house.home)
        night.end(signal.SIGKILL)
    ended = wait_until_over(house, run["id"])
    assert (ended["state_type"], ended["state"]["message"]) == (
        "CRASHED",
        "the process of this run is gone; the next run goes on behind the last checkpoint",
    )
    assert states_below(house, run["id"]) == {
        "foundation": "Completed",
        "foundation-0": "Completed",
        "diagnostics": "Crashed",
        "diagnostics-0": "Crashed",
        "master_orchestrator": "Completed",
        "sandbox_manager": "Completed",
        "system_diagnostics": "Crashed",
    }
    assert list((house.home / "alive").iterdir()) == []


@pytest.mark.parametrize("state", ["CANCELLING", "CANCELLED"])
def test_a_run_that_a_person_cancels_ends_and_says_how_to_go_on(
    places: tuple[House, Path], state: str
) -> None:
    house, target = places
    before = untouched(target)
    with house.night(target) as night:
        night.wait_for_process("nightmend_witness")
        run, family = last_run(house, target), night.family()
        ask(house, f"flow_runs/{run['id']}/set_state", state={"type": state}, force=True)
        assert night.process.wait(300) == 130
        said = night.said
    assert said.rstrip().splitlines()[-1].endswith("the next night goes on behind the last checkpoint")
    assert "Traceback" not in said, said
    _, alive = psutil.wait_procs(family, timeout=10)  # the kernel ends a sandbox in its own time
    assert [one for one in alive if lives(one)] == []
    ended = wait_until_over(house, run["id"])
    assert (ended["state_type"], ended["state"]["message"]) == (
        "CANCELLED",
        "cancelled; the next run goes on behind the last checkpoint",
    )
    assert set(states_below(house, run["id"]).values()) <= OVER
    assert untouched(target) == before
    assert branches(target) == []
    assert "/foundation " in house.run("checkpoints", target).said


def ask(house: House, path: str, **body: object) -> Any:
    request = urllib.request.Request(
        f"{house.server}/{path}",
        data=json.dumps(body).encode() if body else None,
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def last_run(house: House, target: Path) -> dict[str, Any]:
    """Return the run of this target that was begun last."""
    named = {"name": {"any_": [f"recover {target}"]}}
    runs = ask(house, "flow_runs/filter", flow_runs=named, sort="START_TIME_DESC", limit=1)
    return runs[0]  # type: ignore[no-any-return]


def wait_for_agent(house: House, run: str) -> None:
    """Wait until the server knows of the agent that works: it hears of tasks through a queue."""
    deadline = time.monotonic() + 300
    while states_below(house, run).get("system_diagnostics") != "Running" and time.monotonic() < deadline:
        time.sleep(0.5)


def wait_until_over(house: House, run: str) -> dict[str, Any]:
    """Wait until a run and all below it are over, as the API has it, and nobody has to tell of it."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        known = ask(house, f"flow_runs/{run}")
        states = {known["state_name"], *states_below(house, run).values()}
        if states <= OVER and not (house.home / "alive" / run).exists():
            return known  # type: ignore[no-any-return]
        time.sleep(0.5)
    pytest.fail(f"the run never ended: {known['state_name']}, {states_below(house, run)}")


def states_below(house: House, run: str) -> dict[str, str]:
    """Return the last state of each phase and each agent of a run, by its name."""
    phases = ask(house, "flow_runs/filter", flow_runs={"parent_flow_run_id": {"any_": [run]}})
    runs = [run, *(phase["id"] for phase in phases)]
    tasks = ask(house, "task_runs/filter", flow_runs={"id": {"any_": runs}})
    known = {phase["name"]: phase["state_name"] for phase in phases}
    return known | {task["name"]: task["state_name"] for task in tasks if task["name"] not in known}
