"""What a person sees while a night runs: lines on the terminal, a progress artifact in the Prefect UI."""

import contextlib
import os
import sys
import time
from collections.abc import Sequence
from types import TracebackType
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.exceptions import MissingContextError

from flows.environment import TERMINAL
from nightmend.agents import PHASES, Phase
from nightmend.night import Night
from nightmend.report.pull_request import code, plain
from nightmend.report.story import duration, words
from nightmend.results import AgentResult, PhaseRecord


def say(sentence: str) -> None:
    """Tell one line to whoever watches: the run's log, and the terminal that started the night."""
    with contextlib.suppress(MissingContextError):
        get_run_logger().info(sentence)
    if os.environ.get(TERMINAL):
        sys.stdout.write(f"{sentence}\n")
        sys.stdout.flush()


class Progress:
    """The progress of a night over its phases; a phase counts as much as it has agents."""

    def __init__(self, night: Night, phases: Sequence[Phase] = tuple(PHASES)) -> None:
        self.night = night
        self._clock = time.perf_counter()
        self._lines: dict[Phase, str] = dict.fromkeys(phases, "waits")
        self._agents = 0
        self._artifact: UUID | None = None

    def __enter__(self) -> "Progress":
        self._artifact = create_progress_artifact(  # type: ignore[assignment]
            0.0, key="nightmend-progress", description=self._description()
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def begin(self, phase: Phase) -> None:
        """Say that a phase begins, and with which agents."""
        agents = ", ".join(PHASES[phase])
        say(f"{self._stamp()} {phase}: {agents}")
        self._show(phase, f"**at work** since {time.strftime('%H:%M:%S %Z')}: {plain(agents)}")

    def end(self, record: PhaseRecord) -> None:
        """Say how a phase ended, agent by agent."""
        agents = [_agent(agent) for agent in record.agents]
        for line in agents:
            say(f"{self._stamp()}   {line}")
        trouble = f": {record.error}" if record.error else ""
        say(f"{self._stamp()} {record.phase} {record.status} in {record.seconds:.1f} s{trouble}")
        self._agents += len(PHASES[record.phase])
        ended = f"{words(record.status.lower())} in {duration(record.seconds)}"
        self._show(record.phase, f"**{ended}** {plain(record.error or '; '.join(agents))}")

    def _show(self, phase: Phase, line: str) -> None:
        self._lines[phase] = line
        if self._artifact:
            total = sum(len(PHASES[phase]) for phase in self._lines)
            update_progress_artifact(self._artifact, 100 * self._agents / total, self._description())

    def _description(self) -> str:
        lines = [f"- {phase}: {line}" for phase, line in self._lines.items()]
        return "\n".join([f"Night {code(self.night.run)} on {code(self.night.target)}", "", *lines])

    def _stamp(self) -> str:
        return f"[{time.perf_counter() - self._clock:7.1f} s]"


def _agent(result: AgentResult) -> str:
    """Say what an agent did, in half a line."""
    tried, kept = result.metrics.get("tried"), result.metrics.get("kept")
    repairs = f", {kept} of {tried} repairs kept" if tried is not None else ""
    return f"{result.agent}: {result.seconds:.1f} s{repairs}"
