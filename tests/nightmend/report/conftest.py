from collections.abc import Callable

import pytest

from nightmend.evidence import Evidence, Speed
from nightmend.gate import Gate
from nightmend.proof.quarantine import Quarantined
from nightmend.report.model import (
    AgentReport,
    CategoryCounts,
    IssueCounts,
    PhaseReport,
    QualityChange,
    QualityNumbers,
    RepairReport,
    Report,
    TestCounts,
    TestNumbers,
    Told,
)

ReportOf = Callable[[str], Report]
DIFF = """--- a/{0}.py
+++ b/{0}.py
@@ -1,2 +1,2 @@
 def f():
-    {0}
+    return {0}
"""


@pytest.fixture
def report_of() -> ReportOf:
    """Make a report of a whole night in which every text that can come from a target holds `text`."""
    return _report


@pytest.fixture
def diffs_of() -> Callable[[str], dict[str, str]]:
    """Make the diffs of the repairs of that report."""
    return lambda text: {name: DIFF.format(text) for name in ("aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc")}


@pytest.fixture
def told_of(report_of, diffs_of) -> Callable[[str], Told]:
    """Make all that is written of that night."""
    return lambda text: Told(
        report=report_of(text),
        diffs=diffs_of(text),
        patches={"aaaaaaaaaaaa": diffs_of(text)["aaaaaaaaaaaa"]},
        sarif={"after.sarif": "{}"},
    )


def _report(text: str = "plain") -> Report:
    return Report(
        target=f"/home/{text}",
        run="20261124-010203",
        base_commit="a" * 40,
        result_commit="b" * 40,
        branch=f"nightmend/{text}",
        profile="ratchet",
        status="FAILED",
        seconds=3725.4,
        python=f"/opt/{text}/python",
        error=f"phase optimization was rolled back: {text}",
        tests=TestNumbers(
            before=TestCounts(passed=214, failed=3, errors=1, skipped=7),
            after=TestCounts(passed=214, failed=3, errors=1, skipped=7),
            unsteady=(f"tests/test_a.py::test[{text}]",),
            quarantined=(
                Quarantined(
                    test=f"tests/test_a.py::test[{text}]",
                    cause="order",
                    order_seed=7,
                    hash_seed=8,
                    spoiled_by=f"tests/test_b.py::{text}",
                ),
            ),
            runs=4,
            order_seed=7,
            hash_seed=8,
            note=f"in another order the tests did not come to their end: {text}",
        ),
        phases=(
            PhaseReport(
                name="repairs",
                status="PASSED",
                seconds=12.5,
                agents=(
                    AgentReport(
                        name="data_pipeline_repair",
                        status="COMPLETED",
                        seconds=4.5,
                        started=1_795_500_000.0,
                        pid=4711,
                        metrics={"kept": 1, f"of {text}": text, "share": None},
                    ),
                ),
                gates=(
                    Gate(name="tests", kind="safety", measured=0.0, target=0.0, passed=True, detail=text),
                    Gate(name="pep8", kind="target", measured=None, target=95.0, passed=None),
                    Gate(name="docs", kind="target", measured=61.25, target=90.0, passed=False),
                ),
            ),
            PhaseReport(name="optimization", status="ROLLED_BACK", seconds=1.0, error=text),
        ),
        issues=IssueCounts(
            identified=10,
            actionable=5,
            resolved=4,
            resolution_rate=0.4,
            actionable_rate=0.8,
            by_category={"data_pipeline": CategoryCounts(identified=10, resolved=4)},
        ),
        repairs=(
            _repair("aaaaaaaaaaaa", text, "kept", "C"),
            _repair("bbbbbbbbbbbb", text, "rolled_back", "C", f"it breaks {text}"),
            _repair("cccccccccccc", text, "refused", None, f"it overlaps repair bbbbbbbbbbbb of {text}"),
        ),
        quality=QualityChange(
            before=QualityNumbers(
                pep8_compliance=91.25, type_hint_coverage=None, documentation_coverage=50.0
            ),
            after=QualityNumbers(pep8_compliance=97.5, type_hint_coverage=None, documentation_coverage=50.0),
        ),
        tool_failures={f"pylint {text}": f"it crashed: {text}"},
    )


def _repair(name: str, text: str, verdict: str, grade: str | None, reason: str = "proved") -> RepairReport:
    return RepairReport.model_validate(
        {
            "id": name,
            "agent": "data_pipeline_repair",
            "pattern": f"csv-without-newline-{text}",
            "safety": "safe",
            "grade": grade,
            "issues": ("f" * 20,),
            "files": (f"pipeline/{text}.py",),
            "line": 12,
            "summary": f"the file {text} gets empty lines",
            "commit": "c" * 40 if verdict == "kept" else None,
            "patch": f"patches/{name}.patch" if verdict == "kept" else None,
            "verdict": verdict,
            "reason": reason,
            "evidence": Evidence(
                parses=True,
                issue_gone=True,
                lines_reached=verdict == "kept",
                tests_broken=(f"tests/test_a.py::{text}",) if verdict == "rolled_back" else (),
                new_issues=(text,) if verdict == "refused" else (),
                speed=Speed(before=2.0, after=1.5, gain=0.25, lower_bound=0.21, pairs=40),
            ),
        }
    )
