"""The automated validation of a target; the names are the specification's."""

from collections import Counter

from nightmend.detectors.registry import detectors
from nightmend.diagnosis.diagnosis import diagnose
from nightmend.frozen import Frozen
from nightmend.issue import Issue, Severity
from nightmend.monitoring.health import Health
from nightmend.monitoring.performance import Metric, PerformanceTarget
from nightmend.proof.suite import run_suite
from nightmend.snapshot import Snapshot
from nightmend.workspace import Workspace

SECURITY = ("bandit", "advisories")
"""The detectors that look for what an attacker could use."""


class FunctionalTests(Frozen):
    """How the target's own tests end."""

    passed: int
    failed: int
    skipped: int
    seconds: float
    reason: str = ""
    """Why not every test could say something."""
    success: bool | None
    """None where the tests cannot be run, which is never the same as passed."""


class SecurityScan(Frozen):
    """What the security tools found."""

    tools: tuple[str, ...]
    failures: dict[str, str]
    """One line for each tool that could not say anything."""
    by_severity: dict[Severity, int]
    high: tuple[str, ...]
    """One line for each issue of high severity."""
    success: bool | None
    """No issue of high severity; None where none was found and a tool could not say."""


class AutomatedValidation(Frozen):
    """The four parts of the automated validation."""

    system_health: Health
    performance: dict[Metric, PerformanceTarget]
    functionality: FunctionalTests
    security: SecurityScan

    @property
    def complaints(self) -> tuple[str, ...]:
        """One line for each part that did not pass or could not say; performance is only a goal."""
        tests, scan = self.functionality, self.security
        lines = list(self.system_health.complaints)
        if not tests.success:
            lines.append(f"functionality: {tests.reason or f'{tests.failed} of the tests fail'}")
        if not scan.success:
            high = f"{len(scan.high)} issues of high severity, {scan.high[0]}" if scan.high else ""
            lines.append(f"security: {high or '; '.join(scan.failures.values())}")
        return tuple(lines)


def run_functional_test_suite(workspace: Workspace, snapshot: Snapshot) -> FunctionalTests:
    """Run the target's own tests in a sandbox."""
    suite = run_suite(workspace, snapshot)
    failed = suite.count("failed", "error") + len(suite.collection_errors)
    passed = suite.count("passed", "xpassed")
    reason = suite.reason if suite.reason or passed else "none of the tests could be run"
    return FunctionalTests(
        passed=passed,
        failed=failed,
        skipped=suite.count("skipped", "xfailed"),
        seconds=round(suite.seconds, 2),
        reason=reason,
        success=False if failed else not reason if suite.usable and passed else None,
    )


def run_security_scan(workspace: Workspace, snapshot: Snapshot) -> SecurityScan:
    """Run the detectors that look for what an attacker could use."""
    tools = tuple(name for name in SECURITY if name in detectors())
    diagnosis = diagnose(workspace, snapshot, tools=tools)
    high = tuple(_line(issue) for issue in diagnosis.issues if issue.severity == "high")
    return SecurityScan(
        tools=tools,
        failures=diagnosis.tool_failures,
        by_severity=Counter(issue.severity for issue in diagnosis.issues),
        high=high,
        success=False if high else None if diagnosis.tool_failures else True,
    )


def _line(issue: Issue) -> str:
    return f"{issue.fault} in {issue.path}:{issue.line}: {issue.message}"
