"""What a night costs the machine, and how well its parts answer; docs/metrics.md defines each metric."""

import threading
import time
from collections.abc import Callable
from typing import Literal, get_args

import psutil
from pydantic import Field

from nightmend.frozen import Frozen
from nightmend.settings import Thresholds

Metric = Literal["response_time", "memory_usage", "cpu_usage", "error_rate"]
METRICS: tuple[Metric, ...] = get_args(Metric)
Metrics = dict[Metric, float | None]
SUSTAINED = 3
"""Samples in a row above a threshold that make an alert; a single peak is none."""


class Alert(Frozen):
    """A metric that stayed above its threshold."""

    metric: Metric
    value: float
    threshold: float
    since: float
    """Seconds since the epoch, of the first sample above the threshold."""


class PerformanceTarget(Frozen):
    """A metric over the whole night beside its target; the field names are the specification's."""

    target: float
    current: float | None
    """Mean of the samples; None where there is none."""
    passed: bool | None
    """None where nothing was measured, which is never the same as passed."""
    highest: float | None = None
    samples: int = 0


class _Series:
    """What was measured of one metric so far."""

    def __init__(self) -> None:
        self.count, self.total = 0, 0.0
        self.last: float | None = None
        self.highest: float | None = None
        self.above: list[float] = []
        """When each sample of the present row above the threshold was taken."""

    def add(self, value: float, threshold: float) -> None:
        self.count += 1
        self.total += value
        self.last = value
        self.highest = value if self.highest is None else max(value, self.highest)
        self.above = [*self.above, time.time()] if value > threshold else []

    @property
    def mean(self) -> float | None:
        return self.total / self.count if self.count else None


class PerformanceMonitor:
    """Samples four metrics during a night, and alerts where one stays above its threshold.

    Safe to use from several threads.
    """

    def __init__(
        self,
        thresholds: Thresholds | None = None,
        *,
        ask: Callable[[], object] | None = None,
        alert: Callable[[Alert], None] | None = None,
    ) -> None:
        """Watch by these thresholds; `ask` is the question whose answer is timed, `alert` hears of alerts."""
        limits = thresholds or Thresholds()
        self.alert_thresholds: dict[Metric, float] = {name: getattr(limits, name) for name in METRICS}
        self.alerts: list[Alert] = []
        self.baseline_metrics: Metrics = {}
        """The first sample: what the machine did before the night's work began."""
        self._ask = ask
        self._alert = alert
        self._series: dict[Metric, _Series] = {name: _Series() for name in METRICS}
        self._commands = self._failures = 0
        self._guard = threading.Lock()
        psutil.cpu_percent()  # the first answer only starts its clock

    def collect_system_metrics(self) -> Metrics:
        """Measure now: what the machine does, how long an answer takes, which commands failed so far."""
        return {
            "response_time": self._response_time(),
            "memory_usage": psutil.virtual_memory().percent,
            "cpu_usage": psutil.cpu_percent(),
            "error_rate": self._error_rate(),
        }

    def monitor_deployment_impact(self) -> Metrics:
        """Take a sample, and alert where a threshold has been passed for a while."""
        metrics = self.collect_system_metrics()
        self.baseline_metrics = self.baseline_metrics or metrics
        with self._guard:
            for metric, value in metrics.items():
                if value is not None:
                    self._series[metric].add(value, self.alert_thresholds[metric])
            sustained = [name for name in METRICS if len(self._series[name].above) == SUSTAINED]
        for metric in sustained:
            self.trigger_alert(metric, metrics[metric] or 0.0, self.alert_thresholds[metric])
        return metrics

    def trigger_alert(self, metric: Metric, value: float, threshold: float) -> None:
        """Note an alert and tell it; once for each time that a metric goes up and stays there."""
        above = self._series[metric].above
        since = above[0] if above else time.time()
        self.alerts.append(Alert(metric=metric, value=value, threshold=threshold, since=since))
        if self._alert:
            self._alert(self.alerts[-1])

    def validate_performance_targets(self) -> dict[Metric, PerformanceTarget]:
        """Weigh the mean of all samples by the thresholds; takes one where none was taken."""
        if not any(series.count for series in self._series.values()):
            self.monitor_deployment_impact()
        return {name: self._target(self._series[name], self.alert_thresholds[name]) for name in METRICS}

    @property
    def current_metrics(self) -> Metrics:
        """The last sample of each metric."""
        return {name: series.last for name, series in self._series.items()}

    def count_commands(self, commands: int, failures: int) -> None:
        """Add commands that sandboxes ran, and how many of them failed or met a limit."""
        with self._guard:
            self._commands += commands
            self._failures += failures

    def _target(self, series: _Series, target: float) -> PerformanceTarget:
        mean = series.mean
        return PerformanceTarget(
            target=target,
            current=None if mean is None else round(mean, 3),
            passed=None if mean is None else mean <= target,
            highest=None if series.highest is None else round(series.highest, 3),
            samples=series.count,
        )

    def _response_time(self) -> float | None:
        if self._ask is None:
            return None
        clock = time.perf_counter()
        try:
            self._ask()
        except Exception:
            return None  # that it does not answer is for the health check to say
        return time.perf_counter() - clock

    def _error_rate(self) -> float | None:
        with self._guard:
            return 100 * self._failures / self._commands if self._commands else None


class PerformanceSummary(Frozen):
    """The performance of a night as its report tells it."""

    targets: dict[Metric, PerformanceTarget] = Field(default_factory=dict)
    alerts: tuple[Alert, ...] = ()
