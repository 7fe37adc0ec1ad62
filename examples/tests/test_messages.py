import pytest

from agents import AgentError, Task, TaskResult
from agents.core.errors import ConfigError
from agents.core.messages import by_priority, failures


def test_a_task_survives_json():
    task = Task("ingest", "load", {"path": "x.csv"}, "high")
    assert Task.from_json(task.to_json()) == task


def test_each_task_has_an_id_of_its_own():
    assert Task("a", "b").id != Task("a", "b").id


def test_the_time_of_a_task_has_no_offset():
    # the warehouse column is a timestamp without time zone
    assert "+" not in Task("a", "b").created


@pytest.mark.parametrize("text", ["", "{", '{"who": 1}', "[1]"])
def test_what_is_no_task_is_an_error(text):
    with pytest.raises(AgentError, match="not a task"):
        Task.from_json(text)


def test_an_unknown_priority_is_refused():
    with pytest.raises(ConfigError, match="low, normal, high"):
        Task("a", "b", priority="urgent")


def test_priorities_keep_the_order_within():
    tasks = [Task("a", "1"), Task("a", "2", priority="high"), Task("a", "3"), Task("a", "4", priority="low")]
    assert [task.action for task in by_priority(tasks)] == ["2", "1", "3", "4"]


def test_failures_are_counted_by_agent():
    results = [TaskResult("1", "a", False), TaskResult("2", "a", False), TaskResult("3", "b", True)]
    assert failures(results) == {"a": 2}


def test_summaries():
    assert TaskResult("1", "a", True, seconds=0.5).summary() == "a: ok in 0.500 s"
    assert "FAILED (no disk)" in TaskResult("1", "a", False, error="no disk").summary()
