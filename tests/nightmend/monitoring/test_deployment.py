from datetime import UTC, datetime

import pytest

from nightmend.agents import AGENTS, PHASES
from nightmend.monitoring.deployment import DeploymentMonitor
from nightmend.monitoring.performance import PerformanceMonitor


def test_nothing_known_is_no_progress() -> None:
    monitor = DeploymentMonitor()
    assert monitor.calculate_overall_progress() == 0
    report = monitor.generate_progress_report()
    assert (report.overall_progress, report.agent_status, report.issues_resolved) == (0, {}, 0)
    assert report.performance_metrics == {}


def test_overall_progress_is_the_share_of_completed_agents() -> None:
    monitor = DeploymentMonitor(PHASES)
    for number, agent in enumerate(AGENTS, 1):
        monitor.update_agent_status(agent, "RUNNING", 20)
        assert monitor.calculate_overall_progress() == 100 * (number - 1) / 10, "at work is not completed"
        monitor.update_agent_status(agent, "COMPLETED", 100)
        assert monitor.calculate_overall_progress() == 100 * number / 10


def test_a_failed_agent_is_never_progress() -> None:
    monitor = DeploymentMonitor({"foundation": PHASES["foundation"]})
    monitor.update_agent_status("master_orchestrator", "COMPLETED", 100)
    monitor.update_agent_status("sandbox_manager", "FAILED", 0)
    assert monitor.calculate_overall_progress() == 50
    assert monitor.phase_progress == {"foundation": 50}


def test_each_change_is_broadcast() -> None:
    told: list[float] = []
    monitor = DeploymentMonitor({"optimization": PHASES["optimization"]}, broadcast=told.append)
    monitor.update_agent_status("performance_tuning", "RUNNING", 20)
    monitor.update_agent_status("performance_tuning", "COMPLETED", 100)
    monitor.update_agent_status("async_optimization", "COMPLETED", 100)
    assert told == [0, 50, 100]


def test_an_agent_outside_the_named_phases_is_counted_once_it_is_known() -> None:
    monitor = DeploymentMonitor()
    monitor.update_agent_status("code_quality", "COMPLETED", 100)
    monitor.update_agent_status("documentation_update", "RUNNING", 20)
    assert monitor.calculate_overall_progress() == 50


def test_the_report_has_the_five_values_of_the_specification() -> None:
    performance = PerformanceMonitor()
    performance.count_commands(40, 1)
    performance.monitor_deployment_impact()
    monitor = DeploymentMonitor({"diagnostics": PHASES["diagnostics"]}, performance=performance)
    before = datetime.now(UTC)
    monitor.update_agent_status("system_diagnostics", "COMPLETED", 100)
    monitor.add_resolved_issues(7)
    monitor.add_resolved_issues(2)
    report = monitor.generate_progress_report()
    assert set(type(report).model_fields) == {
        "deployment_duration",
        "overall_progress",
        "agent_status",
        "issues_resolved",
        "performance_metrics",
    }
    assert report.overall_progress == 100
    assert report.issues_resolved == 9
    assert report.performance_metrics["error_rate"] == pytest.approx(2.5)
    state = report.agent_status["system_diagnostics"]
    assert (state.status, state.progress) == ("COMPLETED", 100)
    assert before <= state.last_update <= datetime.now(UTC)
    assert report.deployment_duration >= state.last_update - before
