import time

import pytest

from nightmend.monitoring.performance import METRICS, SUSTAINED, Alert, PerformanceMonitor
from nightmend.settings import Thresholds


def test_the_thresholds_are_the_specifications() -> None:
    assert PerformanceMonitor().alert_thresholds == {
        "response_time": 2.0,
        "memory_usage": 80,
        "cpu_usage": 70,
        "error_rate": 5,
    }


def test_the_machine_is_really_measured() -> None:
    monitor = PerformanceMonitor(ask=lambda: time.sleep(0.05))
    end = time.perf_counter() + 0.3
    while time.perf_counter() < end:
        continue
    metrics = monitor.collect_system_metrics()
    assert 0.05 <= (metrics["response_time"] or 0) < 5
    assert 0 < (metrics["memory_usage"] or 0) < 100
    assert 0 < (metrics["cpu_usage"] or 0) <= 100
    assert metrics["error_rate"] is None, "no command has been run yet"


def test_errors_are_the_share_of_commands_that_failed_so_far() -> None:
    monitor = PerformanceMonitor()
    monitor.count_commands(30, 0)
    monitor.count_commands(10, 4)
    assert monitor.collect_system_metrics()["error_rate"] == pytest.approx(10)


def errors_of(*shares: float) -> list[Alert]:
    """Sample while the error rate goes through these values; return the alerts about it."""
    told: list[Alert] = []
    monitor = PerformanceMonitor(Thresholds(memory_usage=100, cpu_usage=100), alert=told.append)
    for share in shares:
        monitor._commands, monitor._failures = 1000, int(share * 10)
        monitor.monitor_deployment_impact()
    assert told == monitor.alerts
    return told


def test_a_peak_is_no_alert() -> None:
    assert errors_of(4, 9, 9, 4, 9, 9) == []


def test_what_stays_above_its_threshold_is_one_alert() -> None:
    before = time.time()
    [alert] = errors_of(4, 6, 7, 8, 9, 9)
    assert (alert.metric, alert.value, alert.threshold) == ("error_rate", 8, 5)
    assert before <= alert.since <= time.time()


def test_what_comes_again_is_told_again() -> None:
    row = [9] * SUSTAINED
    assert len(errors_of(*row, 4, *row)) == 2


def test_the_threshold_itself_is_kept() -> None:
    assert errors_of(5, 5, 5, 5) == []


def test_targets_are_weighed_by_the_mean_of_all_samples() -> None:
    waits = iter([0.0, 0.0, 0.3])
    monitor = PerformanceMonitor(Thresholds(response_time=0.05), ask=lambda: time.sleep(next(waits)))
    for _ in range(3):
        monitor.monitor_deployment_impact()
    target = monitor.validate_performance_targets()["response_time"]
    assert (target.target, target.passed, target.samples) == (0.05, False, 3)
    assert 0.1 <= (target.current or 0) < (target.highest or 0)


def test_what_nothing_measured_is_not_passed() -> None:
    def silent() -> None:
        raise OSError("no answer")

    targets = PerformanceMonitor(ask=silent).validate_performance_targets()
    assert set(targets) == set(METRICS)
    assert (targets["response_time"].current, targets["response_time"].passed) == (None, None)
    assert targets["error_rate"].passed is None
    assert targets["memory_usage"].samples == 1, "a sample is taken where there is none"


def test_the_first_sample_and_the_last_are_kept() -> None:
    waits = iter([0.0, 0.05])
    monitor = PerformanceMonitor(ask=lambda: time.sleep(next(waits)))
    assert (monitor.baseline_metrics, monitor.current_metrics["response_time"]) == ({}, None)
    first, last = monitor.monitor_deployment_impact(), monitor.monitor_deployment_impact()
    assert monitor.baseline_metrics == first
    assert monitor.current_metrics == last
    assert (last["response_time"] or 0) > (first["response_time"] or 0)
