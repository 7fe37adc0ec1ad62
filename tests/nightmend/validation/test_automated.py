import pytest

from nightmend.agent import Check
from nightmend.monitoring.health import Health
from nightmend.monitoring.performance import PerformanceTarget
from nightmend.validation import automated
from nightmend.validation.automated import AutomatedValidation, FunctionalTests, SecurityScan

WELL = FunctionalTests(passed=3, failed=0, skipped=1, seconds=1, success=True)
SAFE = SecurityScan(tools=("bandit",), failures={}, by_severity={}, high=(), success=True)
SLOW = PerformanceTarget(target=2, current=9, passed=False)


def validation(**parts: object) -> AutomatedValidation:
    known = {
        "system_health": Health(agents=(), checks=()),
        "performance": {"response_time": SLOW},
        "functionality": WELL,
        "security": SAFE,
    }
    return AutomatedValidation.model_validate(known | parts)


def test_performance_is_a_goal_and_no_complaint() -> None:
    assert validation().complaints == ()


def test_each_part_that_does_not_pass_is_a_line() -> None:
    found = validation(
        system_health=Health(agents=(), checks=(Check(name="sandbox", passed=False, detail="no room"),)),
        functionality=WELL.model_copy(update={"failed": 2, "success": False}),
        security=SAFE.model_copy(update={"high": ("eval in a.py:1: x",), "success": False}),
    )
    assert found.complaints == (
        "sandbox: no room",
        "functionality: 2 of the tests fail",
        "security: 1 issues of high severity, eval in a.py:1: x",
    )


def test_what_is_unknown_is_no_pass() -> None:
    found = validation(
        functionality=FunctionalTests(
            passed=0, failed=0, skipped=0, seconds=0, reason="there is no pytest", success=None
        ),
        security=SAFE.model_copy(update={"failures": {"bandit": "bandit crashed"}, "success": None}),
    )
    assert found.complaints == ("functionality: there is no pytest", "security: bandit crashed")


FILES = {
    "shop.py": "import subprocess\n\n\ndef run(text):\n    return subprocess.call(text, shell=True)\n",
    "tests/test_shop.py": "def test_one():\n    pass\n\n\ndef test_two():\n    assert {}\n",
}


@pytest.mark.night
def test_tests_that_fail_are_counted_and_do_not_pass(workspace_of) -> None:
    workspace = workspace_of(FILES)
    found = automated.run_functional_test_suite(workspace, workspace.night.base)
    assert (found.passed, found.failed, found.success) == (1, 1, False)


@pytest.mark.night
def test_a_target_without_tests_is_unknown(workspace_of) -> None:
    workspace = workspace_of({"shop.py": ""})
    found = automated.run_functional_test_suite(workspace, workspace.night.base)
    assert (found.passed, found.failed, found.success) == (0, 0, None)
    assert found.reason


@pytest.mark.night
def test_the_scan_looks_for_security_only_and_names_what_is_grave(workspace_of) -> None:
    workspace = workspace_of(FILES)
    found = automated.run_security_scan(workspace, workspace.night.base)
    assert found.success is False
    assert [line.split(": ")[0] for line in found.high] == ["bandit:B602 in shop.py:5"]
    assert found.by_severity["high"] == 1
    assert "bandit" in found.tools
