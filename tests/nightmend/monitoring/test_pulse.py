"""An agent may work for as long as it likes; one that gives no sign of life is ended with its sandboxes."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nightmend.errors import SandboxError, SilentAgentError
from nightmend.monitoring.pulse import Pulse, aside, beat, watched
from nightmend.sandboxes.backends import create
from nightmend.sandboxes.protocol import Sandbox, SandboxSpec
from nightmend.settings import Limits

pytestmark = pytest.mark.integration

TIMEOUT = 2.0


def box(folder: Path) -> Sandbox:
    return create(SandboxSpec(name="of-the-agent", base_directory=str(folder / "boxes"), lower=None))


def end_of(work: Callable[[], object]) -> tuple[SilentAgentError, float]:
    """Return how an agent that is silent in `work` was ended, and after how many seconds."""
    clock = time.monotonic()
    with pytest.raises(SilentAgentError) as raised:
        watched(Pulse("code_quality", TIMEOUT), work)
    return raised.value, time.monotonic() - clock


def test_an_agent_that_waits_for_a_command_is_ended_with_its_sandbox(tmp_path: Path) -> None:
    made: list[Sandbox] = []

    def work() -> None:
        with box(tmp_path) as mine:
            made.append(mine)
            mine.execute_command("sleep 300")

    error, seconds = end_of(work)
    assert seconds < 60
    assert not made[0].path.exists()
    assert "agent code_quality gave no sign of life for 2 seconds" in str(error)
    assert "the start of a command in the sandbox `of-the-agent`" in str(error)
    assert "default_timeout" in str(error)


def test_a_sandbox_of_another_thread_of_the_agent_ends_too(tmp_path: Path) -> None:
    def work() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(lambda: box(tmp_path).execute_command("sleep 300")).result()

    end_of(work)


def test_an_agent_that_takes_its_dead_sandbox_for_a_failed_tool_gets_no_second_one(tmp_path: Path) -> None:
    went_on: list[bool] = []

    def work() -> None:
        try:
            box(tmp_path).execute_command("sleep 300")
        except SandboxError:
            went_on.append(True)
        box(tmp_path)
        went_on.append(True)

    end_of(work)
    assert went_on == []
    assert list((tmp_path / "boxes").iterdir()) == []


def test_an_agent_that_is_lost_in_its_own_code_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightmend.monitoring.pulse.GRACE_SECONDS", 0.1)

    def work() -> None:
        while True:
            try:
                time.sleep(0.01)
            except Exception:  # as a broad handler of ours would
                continue

    end_of(work)


def test_an_agent_that_works_may_take_longer_than_its_timeout(tmp_path: Path) -> None:
    def work() -> int:
        with box(tmp_path) as mine:
            for _ in range(4):
                mine.execute_command("for i in 1 2 3 4; do echo $i; sleep 0.2; done")
        for _ in range(20):
            beat()
            time.sleep(0.2)
        return 7

    clock = time.monotonic()
    assert watched(Pulse("code_quality", 6), work) == 7
    assert time.monotonic() - clock > 6


def test_what_others_do_beside_an_agent_is_no_sign_of_its_life() -> None:
    over = threading.Event()

    def nightwatch() -> None:
        with aside():
            while not over.wait(0.1):
                beat("the health check")

    watch = threading.Thread(target=nightwatch)
    watch.start()
    try:
        error, _ = end_of(lambda: threading.Event().wait(TIMEOUT * 2))
    finally:
        over.set()
        watch.join()
    assert "after its beginning" in str(error)


def test_commands_are_counted_and_those_that_failed_or_met_a_limit(tmp_path: Path) -> None:
    pulse = Pulse("code_quality", 60)

    def work() -> None:
        with box(tmp_path) as mine:
            mine.execute_command("true")
            mine.execute_command("exit 3")
            assert mine.run(["sleep", "9"], limits=Limits(wall_seconds=0.1)).limit == "wall_seconds"

    watched(pulse, work)
    assert (pulse.commands, pulse.failures) == (3, 1), "a command that says no is an answer"


def test_the_errors_of_an_agent_are_its_own() -> None:
    def work() -> None:
        raise KeyError("settings")

    with pytest.raises(KeyError):
        watched(Pulse("code_quality", 60), work)
    beat()
