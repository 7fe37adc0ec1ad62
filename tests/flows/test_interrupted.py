"""A night that is killed goes on where it was; one that is told to end does so with all its processes."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.flows.driving import MENDED, PATIENT_SUITE, House, branches, git, shop, untouched

pytestmark = pytest.mark.night


def test_a_night_goes_on_behind_its_last_finished_agent(tmp_path: Path) -> None:
    house, target = House(tmp_path / "home"), shop(tmp_path / "shop")
    before = untouched(target)

    with house.night(target) as night:
        night.wait_for_record("nightmend-agent_framework_repair-*")
        ending = night.end(signal.SIGKILL)
    killed = time.time()
    assert ending.left == []
    assert ending.seconds < 45
    assert untouched(target) == before
    assert branches(target) == []

    with house.night(target) as night:
        night.wait_for_line("optimization: ")
        ending = night.end(signal.SIGINT, whole_group=True)
        said = night.said
    assert (ending.code, ending.left) == (130, [])
    assert "Traceback" not in said, said
    assert untouched(target) == before
    assert branches(target) == []
    interrupted = time.time()

    outcome = house.recover(target)
    assert outcome.code == 0, outcome.said
    assert {name: outcome.statuses[name] for name in ("foundation", "diagnostics", "repairs")} == {
        "foundation": "CACHED",
        "diagnostics": "CACHED",
        "repairs": "CACHED",
    }
    began = {name: agent["started"] for name, agent in outcome.agents.items()}
    first = {"master_orchestrator", "sandbox_manager", "system_diagnostics", "agent_framework_repair"}
    assert {name for name, moment in began.items() if moment < killed} >= first
    assert began["code_quality"] > interrupted
    assert {repair["pattern"] for repair in outcome.kept} == {
        "raise-without-cause",
        "f-string-without-placeholders",
    }
    assert MENDED in git(target, "show", f"{outcome.known['branch']}:shop.py")

    bodies = [state for name, state in house.runs("task_run") if name == "agent_framework_repair"]
    # The kill may fall between the record of an agent and its state, which the next night makes Crashed.
    assert len(bodies) - bodies.count("Cached") == 1, "its body ran once in three nights"
    assert "Cached" in bodies
    for table in ("flow_run", "task_run"):
        assert "Running" not in [state for _, state in house.runs(table)], (
            "the next night has told of the dead"
        )
    phases = [state for name, state in house.runs("flow_run") if name == "repairs"]
    assert phases[-2:] == ["Completed", "Cached"]


@pytest.mark.parametrize(
    ("number", "whole_group"),
    [(signal.SIGTERM, False), (signal.SIGINT, True)],
    ids=["SIGTERM", "Ctrl-C"],
)
def test_a_night_ends_within_seconds_whatever_it_waits_for(
    tmp_path: Path, prefect_server: str, number: int, whole_group: bool
) -> None:
    """The target's tests take two minutes, and nothing waits for them."""
    files = {"shop.py": "", "tests/test_patience.py": PATIENT_SUITE}
    house, target = House(tmp_path / "home", prefect_server), shop(tmp_path / "shop", files)
    before = untouched(target)
    with house.night(target) as night:
        night.wait_for_process("nightmend_witness")
        ending = night.end(number, whole_group=whole_group)
        said = night.said
    assert (ending.code, ending.left) == (130, [])
    assert ending.seconds < 45
    assert said.rstrip().splitlines()[-1].startswith("nightmend: interrupted")
    assert "Traceback" not in said, said
    assert untouched(target) == before
    assert branches(target) == []


WAITING = """
import sys
import threading
from pathlib import Path

from flows.environment import prepare_environment

prepare_environment(Path(sys.argv[1]))

from flows.server import prefect_api

with prefect_api(Path(sys.argv[1])):
    print("up", flush=True)
    threading.Event().wait()
"""


def test_a_night_ends_with_its_private_server_in_one_sentence(tmp_path: Path) -> None:
    house = House(tmp_path / "home")
    command = [sys.executable, "-c", WAITING, str(house.home)]
    with subprocess.Popen(
        command, env=house.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as night:
        assert night.stdout is not None
        assert night.stdout.readline() == "up\n"
        (server,) = psutil.Process(night.pid).children()
        server.kill()
        _, said = night.communicate(timeout=120)
    sentence = "the Prefect server of the night died; the next night goes on behind the last checkpoint"
    assert (night.returncode, said) == (1, f"nightmend: {sentence}\n")
    assert house.processes() == []
