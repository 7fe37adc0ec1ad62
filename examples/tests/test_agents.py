import asyncio
import json
import sys
from types import SimpleNamespace

import pytest

from agents import Task, TaskFailed
from agents.forecast_agent import ForecastAgent
from agents.ingest_agent import IngestAgent
from agents.notifier_agent import Gateway, NotifierAgent, Outbox
from agents.report_agent import ReportAgent

HEADER = "id,day,store,product,units,amount\n"


def started(agent):
    agent.start()
    return agent


# ingest


def test_ingest_reads_the_sample(data):
    result = started(IngestAgent()).run(Task("ingest", "load", {"path": str(data / "sales.csv")}))
    assert result.data["dropped"] == 5
    assert result.data["stores"] == ["cafe-mitte", "harbour-street", "old-mill", "s-ndergade"]
    assert result.data["last_day"] == "2025-04-09"
    assert result.data["findings"] == {}


def test_ingest_counts_a_sale_once(tmp_path):
    path = tmp_path / "day.csv"
    path.write_text(HEADER + "S1,2025-03-03,Old Mill,oat drink,2,4.80\n")
    agent = started(IngestAgent())
    task = Task("ingest", "load", {"path": str(path)})
    assert agent.run(task).data["new"] == 1
    again = agent.run(task).data
    assert (again["new"], again["known"]) == (0, 1)


def test_ingest_merges_a_manifest(tmp_path):
    (tmp_path / "a.csv").write_text(HEADER + "S1,2025-03-03,Old Mill,oat drink,2,4.80\n")
    (tmp_path / "b.csv").write_text(HEADER + "S2,2025-03-04,Old Mill,oat drink,2,-4.80\n")
    (tmp_path / "manifest.json").write_text(json.dumps({"files": ["a.csv", "gone.csv", "b.csv"]}))
    agent = started(IngestAgent())
    result = agent.run(Task("ingest", "merge", {"manifest": str(tmp_path / "manifest.json")}))
    assert result.data["new"] == 2
    assert [sale.units for sale in agent.sales] == [2, -2]


def test_ingest_of_a_missing_file_fails(tmp_path):
    result = started(IngestAgent()).run(Task("ingest", "load", {"path": str(tmp_path / "x.csv")}))
    assert not result.ok
    assert "cannot read" in result.error


# forecast


def test_forecast_of_a_week(totals, trained_model):
    agent = started(ForecastAgent(settings={"model": str(trained_model)}))
    forecast = agent.run(Task("forecast", "predict", {"totals": totals})).data
    assert list(forecast)[0] == "2025-02-15"
    assert len(forecast) == 7
    assert all(amount > 0 for amount in forecast.values())
    assert forecast["2025-02-15"] > forecast["2025-02-16"], "a Saturday sells more than a Sunday"


def test_forecast_of_a_holiday_is_lower(totals, trained_model):
    agent = started(ForecastAgent(settings={"model": str(trained_model)}))
    usual = agent.run(Task("forecast", "predict", {"totals": totals})).data
    closed = agent.run(Task("forecast", "predict", {"totals": totals, "holidays": ["2025-02-15"]})).data
    assert closed["2025-02-15"] < 0.6 * usual["2025-02-15"]


def test_backtest(totals, trained_model):
    agent = started(ForecastAgent(settings={"model": str(trained_model)}))
    errors = agent.run(Task("forecast", "backtest", {"totals": totals})).data
    assert errors["mae"] > 0
    assert errors["mape"] < 60


def test_backtest_of_too_little(totals, trained_model):
    agent = started(ForecastAgent(settings={"model": str(trained_model)}))
    task = Task("forecast", "backtest", {"totals": totals, "days": 35})
    assert "needs 43 days" in agent.run(task).error


def test_forecast_without_history_or_model(totals, tmp_path, trained_model):
    agent = started(ForecastAgent(settings={"model": str(trained_model)}))
    assert "no history" in agent.run(Task("forecast", "predict", {"totals": {}})).error
    agent = started(ForecastAgent(settings={"model": str(tmp_path / "none.npz")}))
    assert "cannot read model" in agent.run(Task("forecast", "predict", {"totals": totals})).error


def test_the_model_has_a_short_name(trained_model):
    name = started(ForecastAgent(settings={"model": str(trained_model)})).model_name()
    assert len(name) == 10
    assert ForecastAgent().model_name() is None


# report


def test_the_daily_report(tmp_path):
    agent = started(ReportAgent(settings={"folder": str(tmp_path / "out")}))
    totals = {"2025-01-02": 20.0, "2025-01-01": 10.5}
    path = agent.run(Task("report", "daily", {"totals": totals, "name": "jan", "shop": "Café Mitte"})).data
    text = (tmp_path / "out" / "jan.md").read_text(encoding="utf-8")
    assert path.endswith("jan.md")
    assert "# Sales report of Café Mitte" in text
    assert "| 2025-01-01 | 10.50 |\n| 2025-01-02 | 20.00 |" in text
    assert "**30.50**" in text


def test_trend(totals):
    agent = ReportAgent()
    assert agent.trend({"2025-01-01": 1.0}) == "flat"
    assert agent.trend({"2025-01-01": 100.0, "2025-01-02": 120.0}) == "up"
    assert agent.trend({"2025-01-01": 100.0, "2025-01-02": 50.0}) == "down"
    assert agent.trend(dict.fromkeys(totals, 5.0)) == "flat"


# notifier


def test_messages_are_numbered(tmp_path):
    agent = started(NotifierAgent(settings={"outbox": str(tmp_path / "outbox")}))
    for name in ("ana", "bo"):
        agent.run(Task("notifier", "send", {"to": name, "subject": "hello"}))
    agent.run(Task("notifier", "digest", {"to": "cy", "lines": ["one", "two"]}))
    messages = Outbox(tmp_path / "outbox").messages()
    assert [message["to"] for message in messages] == ["ana", "bo", "cy"]
    assert messages[2] == {"to": "cy", "subject": "2 results", "body": "- one\n- two"}


def test_a_message_without_recipient(tmp_path):
    agent = started(NotifierAgent(settings={"outbox": str(tmp_path)}))
    assert "no 'to'" in agent.run(Task("notifier", "send", {"subject": "hello"})).error


def test_the_gateway_empties_the_outbox(tmp_path):
    outbox = Outbox(tmp_path)
    outbox.put("ana", "one")
    outbox.put("bo", "two")
    gateway = Gateway(outbox, pause=0.001)
    assert asyncio.run(gateway.deliver()) == 2
    assert gateway.delivered == ["ana", "bo"]


class Answer:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *error):
        return None

    def raise_for_status(self):
        return None


class Session(Answer):
    """What the gateway uses of a session of aiohttp."""

    posted = []

    def post(self, url, json):
        self.posted.append((url, json["to"]))
        return Answer()

    async def close(self):
        return None


def test_an_outbox_is_pushed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "aiohttp", SimpleNamespace(ClientSession=Session))
    outbox = Outbox(tmp_path)
    outbox.put("ana", "one")
    gateway = Gateway(outbox)
    assert asyncio.run(gateway.push("http://gateway.example/send")) == 1
    assert Session.posted == [("http://gateway.example/send", "ana")]


def test_the_gateway_keeps_what_it_watches(tmp_path):
    outbox = Outbox(tmp_path)
    outbox.put("ana", "one")
    gateway = Gateway(outbox, pause=0.001)

    async def work():
        task = gateway.watch(0.001)
        assert gateway._watchers == {task}
        await task

    asyncio.run(work())
    assert gateway.delivered == ["ana"]
    assert gateway._watchers == set()


def test_a_task_failed_carries_its_parts():
    error = TaskFailed("t1", "no disk")
    assert (error.task_id, error.reason) == ("t1", "no disk")
    with pytest.raises(TaskFailed, match="task t1 failed: no disk"):
        raise error
