"""What a person sees while a night runs: lines on the terminal, a progress artifact in the Prefect UI."""

import contextlib
import logging
import os
import sys
import time
from collections.abc import Sequence
from contextvars import ContextVar
from pathlib import Path
from types import TracebackType
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.exceptions import MissingContextError

from flows.environment import TERMINAL
from nightmend.agents import PHASES, Phase
from nightmend.monitoring.deployment import DeploymentMonitor, Status
from nightmend.monitoring.performance import PerformanceMonitor
from nightmend.night import Night
from nightmend.report import story
from nightmend.report.model import Report
from nightmend.report.numbers import numbers_only
from nightmend.report.pull_request import code, plain
from nightmend.report.story import duration, words
from nightmend.report.text import line
from nightmend.results import AgentResult, PhaseRecord

_shown: ContextVar["Progress | None"] = ContextVar("progress", default=None)
"""The progress of the night that this code is part of."""


def say(sentence: str, level: int = logging.INFO) -> None:
    """Tell one line to whoever watches: the run's log, and the terminal that started the night."""
    told = line(sentence)
    with contextlib.suppress(MissingContextError):
        get_run_logger().log(level, "%s", told)
    if os.environ.get(TERMINAL):
        sys.stdout.write(f"{told}\n")
        sys.stdout.flush()


def say_first(folder: Path, *, discreet: bool) -> None:
    """Tell what the first lines of a report say of tests and time, where this server may hear it."""
    report = Report.model_validate_json((folder / "report.json").read_bytes())
    for sentence in story.first_sentences(numbers_only(report) if discreet else report):
        say(sentence)
    if left := story.time_sentence(report):
        say(left)


def agent_is(agent: str, status: Status, progress: float, result: AgentResult | None = None) -> None:
    """Tell the night's progress, where there is one, how far an agent is."""
    if shown := _shown.get():
        shown.agent_is(agent, status, progress, result)


class Progress:
    """Shows how far the agents of a night are; `monitor` keeps it."""

    def __init__(
        self,
        night: Night,
        phases: Sequence[Phase] = tuple(PHASES),
        performance: PerformanceMonitor | None = None,
    ) -> None:
        self.night = night
        members = {phase: night.agents(phase) for phase in phases}
        self.monitor = DeploymentMonitor(members, broadcast=self._show, performance=performance)
        self._performance = performance
        self._clock = time.perf_counter()
        self._ended: dict[Phase, str] = {}
        self._artifact: UUID | None = None

    def __enter__(self) -> "Progress":
        self._artifact = create_progress_artifact(  # type: ignore[assignment]
            0.0, key="nightmend-progress", description=self._description()
        )
        self._token = _shown.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _shown.reset(self._token)

    def begin(self, phase: Phase) -> None:
        """Say that a phase begins, and with which agents."""
        say(f"{self._stamp()} {phase}: {', '.join(self.night.agents(phase))}")

    def agent_is(self, agent: str, status: Status, progress: float, result: AgentResult | None) -> None:
        """Note how far an agent is; say what it did when it has ended well."""
        self.monitor.update_agent_status(agent, status, progress)
        if result:
            self._count(result)
            say(f"{self._stamp()}   {_agent(result)}")

    def end(self, record: PhaseRecord, resolved: int = 0) -> None:
        """Say how a phase ended, and count the issues that it resolved.

        What its agents did was said by each of them, unless the phase is from a checkpoint.
        """
        agents = [_agent(agent) for agent in record.agents]
        for agent in agents if record.status == "CACHED" else ():
            say(f"{self._stamp()}   {agent}")
        trouble = f": {record.error}" if record.error else ""
        say(f"{self._stamp()} {record.phase} {record.status} in {record.seconds:.1f} s{trouble}")
        ended = f"{words(record.status.lower())} in {duration(record.seconds)}"
        self._ended[record.phase] = f"**{ended}** {plain(record.error or '; '.join(agents))}"
        self.monitor.add_resolved_issues(resolved)
        for agent in self.night.agents(record.phase):
            known = self.monitor.agent_status[agent]
            done = record.status in {"PASSED", "CACHED"}
            if done and known.status != "COMPLETED":
                self.monitor.update_agent_status(agent, "COMPLETED", 100)
        self._show(self.monitor.calculate_overall_progress())

    def _count(self, result: AgentResult) -> None:
        commands, failures = (result.metrics.get(f"sandbox_{name}") for name in ("commands", "failures"))
        if self._performance and isinstance(commands, int) and isinstance(failures, int):
            self._performance.count_commands(commands, failures)

    def _show(self, overall: float) -> None:
        if self._artifact:
            update_progress_artifact(self._artifact, overall, self._description())

    def _description(self) -> str:
        lines = [f"- {phase}: {self._line(phase)}" for phase in self.monitor.phase_progress]
        report = self.monitor.generate_progress_report()
        head = f"Night {code(self.night.run)} on {code(self.night.target)}"
        measured = [
            f"{metric.replace('_', ' ')} {value:.3g}"
            for metric, value in report.performance_metrics.items()
            if value is not None
        ]
        resolved = f"{report.issues_resolved} issues resolved so far"
        return "\n".join([head, "", *lines, "", plain("; ".join([resolved, *measured]))])

    def _line(self, phase: Phase) -> str:
        if phase in self._ended:
            return self._ended[phase]
        if not self.monitor.phase_progress[phase]:
            return "waits"
        agents = self.night.agents(phase)
        stands = (f"{agent} {self.monitor.agent_status[agent].status.lower()}" for agent in agents)
        return f"**{self.monitor.phase_progress[phase]:.0f} %** {plain(', '.join(stands))}"

    def _stamp(self) -> str:
        return f"[{time.perf_counter() - self._clock:7.1f} s]"


def _agent(result: AgentResult) -> str:
    """Say what an agent did, in half a line."""
    tried, kept = result.metrics.get("tried"), result.metrics.get("kept")
    repairs = f", {kept} of {tried} repairs kept" if tried is not None else ""
    tests, passed = result.metrics.get("tests"), result.metrics.get("tests_passed")
    suite = "" if passed is None else f", {passed} of {tests} tests pass" if tests else ", no test ran"
    return f"{result.agent}: {result.seconds:.1f} s{suite}{repairs}"
