import asyncio
import json

import pytest

from agents import BaseAgent, RegistrationError, Task, TaskFailed, TaskResult, default_registry
from agents.analytics_orchestrator import AnalyticsOrchestrator, main


class Flaky(BaseAgent):
    """Fails `settings["fails"]` times, then works."""

    name = "flaky"

    def do_work(self, task):
        if self.settings["fails"]:
            self.settings["fails"] -= 1
            raise TaskFailed(task.id, "not yet")
        return "done"


@pytest.fixture
def orchestrator(tmp_path, trained_model):
    registry = default_registry()
    registry.register("flaky", Flaky)
    return AnalyticsOrchestrator(
        registry,
        {
            "forecast": {"model": str(trained_model)},
            "report": {"folder": str(tmp_path / "reports")},
            "notifier": {"outbox": str(tmp_path / "outbox")},
            "flaky": {"fails": 1},
        },
        retry_delay=0.001,
    )


def message(number):
    return Task("notifier", "send", {"to": f"buyer{number}@example.org", "subject": "hello"})


def test_an_agent_is_made_once(orchestrator):
    assert orchestrator.agent("report") is orchestrator.agent("report")


def test_tasks_run_by_priority(orchestrator):
    tasks = [message(1), Task("report", "table", {"totals": {}}, "high"), message(2)]
    assert [result.agent for result in orchestrator.run_all(tasks)] == ["report", "notifier", "notifier"]


def test_the_night(orchestrator, data, tmp_path):
    outcome = orchestrator.nightly(str(data / "sales.csv"), "buyer@example.org")
    assert outcome["ingested"]["new"] > 1000
    assert len(outcome["forecast"]) == 7
    assert (tmp_path / "reports" / "forecast.md").exists()
    sent = json.loads((tmp_path / "outbox" / "00001.json").read_text())
    assert sent["subject"] == "Forecast is ready"
    assert 0 <= outcome["seconds"] < 30


def test_a_night_without_a_file_says_so(orchestrator, tmp_path):
    with pytest.raises(TaskFailed, match="ingest load: cannot read"):
        orchestrator.nightly(str(tmp_path / "none.csv"), "buyer@example.org")


def test_a_task_is_tried_again(orchestrator):
    result = asyncio.run(orchestrator.submit(Task("flaky", "work")))
    assert (result.ok, result.data) == (True, "done")


def test_retries_end(orchestrator):
    orchestrator.settings["flaky"]["fails"] = 10
    result = asyncio.run(orchestrator.submit(Task("flaky", "work")))
    assert (result.ok, result.error) == (False, "not yet")
    assert orchestrator.agent("flaky").settings["fails"] == 7


def test_many_at_once_keep_their_order(orchestrator):
    tasks = [Task("report", "table", {"totals": {"2025-01-01": number}}) for number in range(20)]
    results = asyncio.run(orchestrator.submit_all(tasks))
    assert [result.data for result in results] == [f"| 2025-01-01 | {n:.2f} |" for n in range(20)]
    assert len([line for line in orchestrator.audit if line.startswith("submit report")]) == 20


def test_the_audit_is_written_and_forgotten(orchestrator, tmp_path):
    async def work():
        await orchestrator.note("first")
        return await orchestrator.drain_audit(str(tmp_path))

    assert asyncio.run(work()) == 2
    assert (tmp_path / "audit.log").read_text().split() == ["first", "drain"]
    assert orchestrator.audit == []


def test_health(orchestrator):
    orchestrator.agent("report")
    health = orchestrator.health()
    assert health["well"]
    assert list(health["agents"]) == ["report"]
    orchestrator.agent("report").stop()
    assert not orchestrator.health()["well"]


def test_problems_and_the_slowest(orchestrator):
    results = [TaskResult("1", "b", False, seconds=2.0), TaskResult("2", "a", True, seconds=1.0)]
    assert orchestrator.problems(results) == ["b: 1 failed"]
    assert orchestrator.slowest(results).task_id == "1"
    assert orchestrator.slowest([]) is None


def test_state_is_saved_and_restored(orchestrator, tmp_path):
    orchestrator.agent("flaky").settings["fails"] = 5
    assert orchestrator.save(str(tmp_path / "state")) == ["flaky"]
    orchestrator.shut_down()
    assert orchestrator.restore(str(tmp_path / "state")) == ["flaky"]
    assert orchestrator.agent("flaky").settings["fails"] == 5


def test_an_agent_that_cannot_be_saved_does_not_stop_the_others(orchestrator, tmp_path):
    orchestrator.agent("report").settings["bad"] = object()
    orchestrator.agent("flaky")
    assert orchestrator.save(str(tmp_path)) == ["flaky"]


def test_a_broken_state_is_named(orchestrator, tmp_path):
    (tmp_path / "report.state.json").write_text("nonsense")
    with pytest.raises(RegistrationError, match="agent report cannot be restored"):
        orchestrator.restore(str(tmp_path))


def test_the_command(tmp_path, data, trained_model, capsys):
    settings = tmp_path / "settings.json"
    settings.write_text(
        json.dumps(
            {
                "forecast": {"model": str(trained_model)},
                "report": {"folder": str(tmp_path)},
                "notifier": {"outbox": str(tmp_path / "outbox")},
            }
        )
    )
    assert main([str(data / "sales.csv"), "buyer@example.org", str(settings)]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 7


def test_the_command_says_what_went_wrong(tmp_path, capsys):
    assert main([]) == 2
    assert main([str(tmp_path / "none.csv"), "buyer@example.org"]) == 1
    assert "cannot read" in capsys.readouterr().err
