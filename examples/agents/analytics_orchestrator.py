"""Runs the night: ingest, forecast, report, notify; and many small requests at once by day."""

import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from agents.core.base_agent import AgentState, BaseAgent
from agents.core.errors import AgentError, RegistrationError, TaskFailed
from agents.core.messages import Task, TaskResult, by_priority, failures
from agents.registry import AgentRegistry, default_registry
from pipeline.aggregate import daily_totals

logger = logging.getLogger(__name__)


class AnalyticsOrchestrator:
    """Owns the agents of one service. `settings` has one dict for each agent."""

    def __init__(
        self,
        registry: AgentRegistry | None = None,
        settings: dict[str, dict[str, Any]] | None = None,
        retry_delay: float = 0.01,
        retries: int = 2,
    ) -> None:
        self.registry = registry or default_registry()
        self.settings = settings or {}
        self.retry_delay = retry_delay
        self.retries = retries
        self.agents: dict[str, BaseAgent] = {}
        self.audit: list[str] = []

    def agent(self, name: str) -> BaseAgent:
        """The agent of a name, made when it is first needed."""
        if name not in self.agents:
            self.agents[name] = self.registry.create(name, **self.settings.get(name, {}))
        return self.agents[name]

    def run(self, task: Task) -> TaskResult:
        """Do one task now, in this thread."""
        return self.agent(task.agent).run(task)

    def run_all(self, tasks: Iterable[Task]) -> list[TaskResult]:
        """Do tasks one after the other, those of high priority first."""
        results = []
        for task in by_priority(list(tasks)):
            results.append(self.run(task))
        return results

    # the night

    def nightly(self, sales_file: str, recipient: str, days: int = 7) -> dict[str, Any]:
        """One whole run. Raises TaskFailed with the reason of the first step that fails."""
        started = time.time()
        ingested = self.step(Task("ingest", "load", {"path": sales_file}))
        totals = {
            day.isoformat(): amount for day, amount in daily_totals(self.agent("ingest").sales).items()
        }
        forecast = self.step(Task("forecast", "predict", {"totals": totals, "days": days}))
        report = self.step(Task("report", "daily", {"totals": forecast, "name": "forecast"}))
        self.step(
            Task("notifier", "send", {"to": recipient, "subject": f"Forecast is ready", "body": report})
        )
        seconds = time.time() - started
        logger.info("the night took %.2f s", seconds)
        return {"ingested": ingested, "forecast": forecast, "report": report, "seconds": seconds}

    def step(self, task: Task) -> Any:
        """Do one task of the night and return its data. Raises TaskFailed with the agent's own reason."""
        result = self.run(task)
        if not result.ok:
            raise TaskFailed(task.id, f"{task.agent} {task.action}: {result.error}")
        return result.data

    # many at once

    async def submit(self, task: Task) -> TaskResult:
        """Do a task without holding up the others; it is tried again after a failure."""
        loop = asyncio.get_event_loop()
        asyncio.create_task(self.note(f"submit {task.agent}.{task.action}"))
        result = await loop.run_in_executor(None, self.run, task)
        for _ in range(self.retries):
            if result.ok:
                break
            time.sleep(self.retry_delay)
            result = await loop.run_in_executor(None, self.run, task)
        return result

    async def submit_all(self, tasks: Iterable[Task]) -> list[TaskResult]:
        """Do tasks at once; results come in the order of the tasks."""
        self.note("submit all")
        return list(await asyncio.gather(*[self.submit(task) for task in tasks]))

    async def note(self, line: str) -> None:
        """Add a line to the audit."""
        await asyncio.sleep(0)
        self.audit.append(line)

    async def drain_audit(self, folder: str) -> int:
        """Write the audit lines to a file and forget them; returns how many."""
        asyncio.create_task(self.note("drain"))
        await asyncio.sleep(0.001)
        lines, self.audit = self.audit, []
        with open(Path(folder) / "audit.log", "a") as handle:
            handle.writelines([line + "\n" for line in lines])
        return len(lines)

    # health

    def health(self) -> dict[str, Any]:
        """State of all agents that were made, and whether the service as a whole is well."""
        states = {}
        for name, agent in self.agents.items():
            try:
                states[name] = agent.health()
            except Exception:
                pass
        well = all([state["state"] != "stopped" for state in states.values()])
        return {"well": well, "agents": states, "known": self.registry.names()}

    def slowest(self, results: list[TaskResult]) -> TaskResult | None:
        """The result that took longest; None where there is none."""
        return max(results, key=lambda result: result.seconds, default=None)

    def problems(self, results: list[TaskResult]) -> list[str]:
        """One line for each agent that failed at something."""
        return [f"{agent}: {count} failed" for agent, count in sorted(failures(results).items())]

    def save(self, folder: str) -> list[str]:
        """Save the state of all agents; an agent that cannot be saved does not stop the others."""
        if not os.path.exists(folder):
            os.makedirs(folder)
        saved = []
        for name, agent in self.agents.items():
            try:
                agent.save_state(folder)
            except:
                logger.error("agent %s could not be saved", name)
                continue
            saved.append(name)
        return saved

    def restore(self, folder: str) -> list[str]:
        """Load the state of all agents that have one there."""
        restored = []
        for name in self.registry.names():
            try:
                if self.agent(name).load_state(folder):
                    restored.append(name)
            except AgentError as error:
                raise RegistrationError(f"agent {name} cannot be restored")
        return restored

    def shut_down(self) -> None:
        """Stop all agents and forget them."""
        for name, agent in self.agents.items():
            agent.stop()
        self.agents.clear()


def main(arguments: list[str] | None = None) -> int:
    """`python -m agents.analytics_orchestrator SALES RECIPIENT [SETTINGS]`"""
    from agents.registry import read_settings

    arguments = sys.argv[1:] if arguments is None else arguments
    if len(arguments) < 2:
        print("usage: analytics_orchestrator SALES RECIPIENT [SETTINGS]", file=sys.stderr)
        return 2
    settings = read_settings(arguments[2]) if len(arguments) > 2 else {}
    try:
        outcome = AnalyticsOrchestrator(settings=settings).nightly(arguments[0], arguments[1])
    except AgentError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(outcome["forecast"], indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
