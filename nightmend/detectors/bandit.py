from typing import Any

from nightmend.detectors.running import batches, parsed, run_tool
from nightmend.detectors.taxonomy import Wide
from nightmend.detectors.tree import TreeView
from nightmend.issue import Finding, Severity
from nightmend.sandboxes.protocol import Sandbox
from nightmend.targets.config import TargetConfig

name = "bandit"
per_file = True

MODULE = "bandit"
OPTIONS = ("--quiet", "--format", "json", "--exit-zero", "--exclude", "")
GRADES: dict[str, int] = {"UNDEFINED": 0, "LOW": 0, "MEDIUM": 1, "HIGH": 2}
SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high")


def detect(box: Sandbox, tree: TreeView, config: TargetConfig, wide: Wide) -> list[Finding]:
    """Return what bandit reports, without the tests that say little unless the target asks for them.

    The files are named one by one, so that bandit looks for no configuration of the target's.
    """
    findings = []
    for batch in batches(tree.paths):
        output = run_tool(box, tree, MODULE, [*OPTIONS, "--", *batch]).stdout
        report = parsed(name, output)
        findings += [_finding(result, tree, config) for result in report["results"]]
        findings += [_unread(error, tree) for error in report["errors"]]
    return [finding for finding in findings if finding.enabled or finding.rule not in wide.ignore]


def _finding(result: dict[str, Any], tree: TreeView, config: TargetConfig) -> Finding:
    path = tree.relative(result["filename"])
    chosen = config.bandit
    return Finding(
        detector=name,
        rule=result["test_id"],
        path=path,
        line=max(result["line_number"], 1),
        column=result.get("col_offset", 0) + 1,
        end_line=max(result["line_range"], default=None),
        message=result["issue_text"],
        enabled=bool(chosen and chosen.enables(result["test_id"], result["test_name"], tree.true_path(path))),
        severity=_severity(result),
    )


def _severity(result: dict[str, Any]) -> Severity:
    """High is what bandit is sure of; what it only suspects counts one step less."""
    severity, confidence = (GRADES.get(result[f"issue_{key}"], 0) for key in ("severity", "confidence"))
    return SEVERITIES[severity if confidence == GRADES["HIGH"] else max(severity - 1, 0)]


def _unread(error: dict[str, Any], tree: TreeView) -> Finding:
    path = tree.relative(error["filename"])
    return Finding(detector=name, rule="unread", path=path, line=1, message=f"bandit: {error['reason']}")
