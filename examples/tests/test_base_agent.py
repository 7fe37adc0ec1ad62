import json
from datetime import datetime

import pytest

from agents import AgentError, AgentState, BaseAgent, RegistrationError, Task, TaskFailed
from agents.core.base_agent import HISTORY_LIMIT, age_seconds


class Echo(BaseAgent):
    name = "echo"

    def do_say(self, task):
        return task.payload["text"]

    def do_fail(self, task):
        raise TaskFailed(task.id, "on purpose")


@pytest.fixture
def echo():
    agent = Echo()
    agent.start()
    return agent


def test_a_started_agent_is_ready_and_was_seen(echo):
    assert echo.state is AgentState.READY
    assert age_seconds(echo.last_seen) < 5


def test_a_stopped_agent_does_not_start_again(echo):
    echo.stop()
    with pytest.raises(AgentError, match="was stopped"):
        echo.start()


def test_actions_are_found_by_name(echo):
    assert echo.actions() == ["fail", "say"]


def test_a_task_is_done(echo):
    result = echo.run(Task("echo", "say", {"text": "hello"}))
    assert (result.ok, result.data) == (True, "hello")
    assert 0 <= result.seconds < 5


def test_a_failed_task_is_a_result(echo):
    result = echo.run(Task("echo", "fail"))
    assert (result.ok, result.error) == (False, "on purpose")
    assert echo.state is AgentState.READY


def test_a_bug_is_a_result_with_its_type(echo):
    assert echo.run(Task("echo", "say")).error == "KeyError: 'text'"


def test_an_unknown_action_is_raised(echo):
    with pytest.raises(RegistrationError, match="cannot dance"):
        echo.run(Task("echo", "dance"))


def test_a_forbidden_action_is_raised():
    with pytest.raises(RegistrationError, match="not allowed to fail"):
        Echo(["say"]).run(Task("echo", "fail"))


def test_health_counts(echo):
    echo.run(Task("echo", "fail"))
    echo.run(Task("echo", "say", {"text": "x"}))
    health = echo.health()
    assert (health["done"], health["failed"], health["state"]) == (1, 1, "ready")


def test_the_history_is_bounded(echo):
    for _ in range(HISTORY_LIMIT + 5):
        echo.run(Task("echo", "say", {"text": "x"}))
    assert len(echo.history) == HISTORY_LIMIT


def test_the_state_survives(tmp_path, echo):
    echo.settings["language"] = "da"
    echo.save_state(tmp_path / "new" / "folder")
    other = Echo()
    assert other.load_state(tmp_path / "new" / "folder")
    assert other.settings == {"language": "da"}
    assert other.last_seen == echo.last_seen


def test_a_state_that_cannot_be_written_leaves_nothing_behind(tmp_path, echo):
    echo.save_state(tmp_path)
    echo.settings["bad"] = object()
    with pytest.raises(TypeError):
        echo.save_state(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["echo.state.json"]
    assert "bad" not in json.loads((tmp_path / "echo.state.json").read_text())


def test_an_interrupt_leaves_nothing_behind_either(tmp_path, echo, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(json, "dump", interrupt)
    with pytest.raises(KeyboardInterrupt):
        echo.save_state(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_no_state_is_no_error(tmp_path, echo):
    assert not echo.load_state(tmp_path)


def test_a_broken_state_is_an_error(tmp_path, echo):
    (tmp_path / "echo.state.json").write_text("{")
    with pytest.raises(AgentError, match="is broken"):
        echo.load_state(tmp_path)


def test_forgetting_twice_is_fine(tmp_path, echo):
    echo.save_state(tmp_path)
    echo.forget_state(tmp_path)
    echo.forget_state(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_age_of_a_heartbeat():
    assert age_seconds("2025-01-01T00:00:00", datetime(2025, 1, 1, 0, 1)) == 60
