"""What watches over a night from beside it: the health of its parts, and what it costs the machine."""

import logging
from types import TracebackType

from prefect import get_run_logger

from flows.cluster import NightCluster
from flows.progress import say
from nightmend.errors import NightmendError
from nightmend.monitoring.health import Health, HealthLog
from nightmend.monitoring.performance import Alert, PerformanceMonitor, PerformanceSummary
from nightmend.monitoring.summary import Monitoring
from nightmend.monitoring.watch import Round, Watch
from nightmend.night import Night
from tasks.master_orchestrator import MasterOrchestrator, ask_api

SAMPLE_SECONDS = 10.0
"""Between two samples of the performance; one costs a few milliseconds."""


class NightWatch:
    """Checks the health as often as the settings say, and samples the performance."""

    def __init__(self, night: Night, cluster: NightCluster | None = None) -> None:
        self.night = night
        self.performance = PerformanceMonitor(night.thresholds, ask=_answer, alert=_tell_alert)
        self.health = HealthLog(night.orchestrator.health_check_interval, self._check, _tell_health)
        self._cluster = cluster
        self._watch = Watch(
            (
                Round(night.orchestrator.health_check_interval, self.health.check),
                Round(SAMPLE_SECONDS, self._sample),
            )
        )

    def __enter__(self) -> "NightWatch":
        self._sample()
        self._watch.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watch.__exit__(kind, error, trace)

    def summary(self) -> Monitoring:
        """Return what was seen so far."""
        return Monitoring(
            health=self.health.summary,
            performance=PerformanceSummary(
                targets=self.performance.validate_performance_targets(),
                alerts=tuple(self.performance.alerts),
            ),
        )

    def _check(self) -> Health:
        address = self._cluster.running_address if self._cluster else None
        health = MasterOrchestrator(self.night, address).health_check()
        outcome = "; ".join(health.complaints) or "every part answers"
        get_run_logger().debug("health check: %s", outcome)
        return health

    def _sample(self) -> None:
        metrics = self.performance.monitor_deployment_impact()
        get_run_logger().debug("performance: %s", metrics)


def _answer() -> None:
    if wrong := ask_api():
        raise NightmendError(wrong)


def _tell_health(health: Health) -> None:
    if health.healthy:
        say("health check: every part answers again")
    else:
        say(f"health check: {'; '.join(health.complaints)}", logging.WARNING)


def _tell_alert(alert: Alert) -> None:
    metric = alert.metric.replace("_", " ")
    say(f"alert: {metric} {alert.value:.3g} stays above {alert.threshold:g}", logging.WARNING)
