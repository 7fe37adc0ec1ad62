"""How far a night has come, agent by agent."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from nightmend.agents import Phase
from nightmend.frozen import Frozen
from nightmend.monitoring.performance import Metrics, PerformanceMonitor

Status = Literal["WAITING", "DEPLOYED", "RUNNING", "COMPLETED", "FAILED"]


class AgentProgress(Frozen):
    """Where an agent stands; the field names are the specification's."""

    status: Status
    progress: float
    """Percent."""
    last_update: datetime


class ProgressReport(Frozen):
    """The whole of a night's progress; the field names are the specification's."""

    deployment_duration: timedelta
    overall_progress: float
    """Percent of the agents that have completed their work."""
    agent_status: dict[str, AgentProgress]
    issues_resolved: int
    performance_metrics: Metrics


class DeploymentMonitor:
    """Keeps the state of every agent of a night, and tells each change to whoever shows it."""

    def __init__(
        self,
        agents: Mapping[Phase, Sequence[str]] = {},
        *,
        broadcast: Callable[[float], None] | None = None,
        performance: PerformanceMonitor | None = None,
    ) -> None:
        self.deployment_start_time = datetime.now(UTC)
        self.agent_status: dict[str, AgentProgress] = {}
        self.phase_progress: dict[Phase, float] = dict.fromkeys(agents, 0.0)
        self._agents = dict(agents)
        self._broadcast = broadcast
        self._performance = performance
        self._resolved = 0
        for agent in (agent for members in agents.values() for agent in members):
            self._note(agent, "WAITING", 0)

    def update_agent_status(self, agent_name: str, status: Status, progress_pct: float) -> None:
        """Note how far an agent is, and tell it."""
        self._note(agent_name, status, progress_pct)
        for phase, agents in self._agents.items():
            done = [self.agent_status[agent].progress for agent in agents]
            self.phase_progress[phase] = sum(done) / len(done)
        self.broadcast_progress_update(self.calculate_overall_progress())

    def calculate_overall_progress(self) -> float:
        """Return the percentage of the known agents that have completed their work; 0 where none is known."""
        completed = sum(agent.status == "COMPLETED" for agent in self.agent_status.values())
        return 100 * completed / len(self.agent_status) if self.agent_status else 0.0

    def broadcast_progress_update(self, overall_progress: float) -> None:
        """Tell the overall progress to whoever shows it."""
        if self._broadcast:
            self._broadcast(overall_progress)

    def generate_progress_report(self) -> ProgressReport:
        """Sum up how far the night is now."""
        return ProgressReport(
            deployment_duration=datetime.now(UTC) - self.deployment_start_time,
            overall_progress=self.calculate_overall_progress(),
            agent_status=dict(self.agent_status),
            issues_resolved=self.get_resolved_issues_count(),
            performance_metrics=self.get_current_performance_metrics(),
        )

    def get_resolved_issues_count(self) -> int:
        """Return the issues whose repairs validated phases kept so far."""
        return self._resolved

    def get_current_performance_metrics(self) -> Metrics:
        """Return what was measured last of each watched metric; nothing where nobody measures."""
        return self._performance.current_metrics if self._performance else {}

    def add_resolved_issues(self, count: int) -> None:
        """Count the issues that a validated phase resolved."""
        self._resolved += count

    def _note(self, agent: str, status: Status, progress: float) -> None:
        self.agent_status[agent] = AgentProgress(
            status=status, progress=progress, last_update=datetime.now(UTC)
        )
