"""What a person sees while a night runs: lines on the terminal, and artifacts in the Prefect UI."""

import contextlib
import os
import sys
import time
from types import TracebackType
from uuid import UUID

from prefect import get_run_logger
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.exceptions import MissingContextError

from flows.environment import TERMINAL
from nightmend.agents import PHASES, Phase
from nightmend.night import Night
from nightmend.results import PhaseRecord


def say(sentence: str) -> None:
    """Tell one line to whoever watches: the run's log, and the terminal that started the night."""
    with contextlib.suppress(MissingContextError):
        get_run_logger().info(sentence)
    if os.environ.get(TERMINAL):
        sys.stdout.write(f"{sentence}\n")
        sys.stdout.flush()


class Progress:
    """The progress of a night, in phases."""

    def __init__(self, night: Night) -> None:
        self.night = night
        self._clock = time.perf_counter()
        self._done = 0
        self._artifact: UUID | None = None

    def __enter__(self) -> "Progress":
        self._artifact = create_progress_artifact(0.0, description=f"Night {self.night.run}")  # type: ignore[assignment]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def begin(self, phase: Phase) -> None:
        """Say that a phase begins, and with which agents."""
        say(f"{self._stamp()} {phase}: {', '.join(PHASES[phase])}")

    def end(self, record: PhaseRecord) -> None:
        """Say how a phase ended, agent by agent."""
        for agent in record.agents:
            tried, kept = agent.metrics.get("tried"), agent.metrics.get("kept")
            repairs = f", {kept} of {tried} repairs kept" if tried is not None else ""
            say(f"{self._stamp()}   {agent.agent}: {agent.seconds:.1f} s{repairs}")
        trouble = f": {record.error}" if record.error else ""
        say(f"{self._stamp()} {record.phase} {record.status} in {record.seconds:.1f} s{trouble}")
        self._done += 1
        if self._artifact:
            update_progress_artifact(self._artifact, 100.0 * self._done / len(PHASES))

    def _stamp(self) -> str:
        return f"[{time.perf_counter() - self._clock:7.1f} s]"
