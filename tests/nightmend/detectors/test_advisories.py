import json

import pytest

from nightmend.detectors.running import ToolError
from nightmend.diagnosis.diagnosis import diagnose

LOCK = '[[package]]\nname = "left-pad"\nversion = "1.5"\n'
ENTRY = {
    "id": "GHSA-1",
    "modified": "2026-03-04T00:00:00Z",
    "summary": "It leaks.",
    "affected": [{"package": {"ecosystem": "PyPI", "name": "Left_Pad"}, "versions": ["1.5"]}],
    "database_specific": {"severity": "HIGH"},
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    place = tmp_path / "advisories"
    monkeypatch.setenv("NIGHTMEND_ADVISORIES", str(place))
    return place


def test_a_locked_version_with_a_known_vulnerability_is_found(look, folder):
    folder.mkdir()
    (folder / "GHSA-1.json").write_text(json.dumps(ENTRY))
    (finding,) = look("advisories", {"uv.lock": LOCK, "a.py": "x = 1\n"})
    assert (finding.rule, finding.path, finding.line, finding.severity) == ("GHSA-1", "uv.lock", 2, "high")
    assert finding.message == (
        "left-pad 1.5 has a known vulnerability: It leaks. (no version without it is known)"
    )
    assert look("advisories", {"a.py": "x = 1\n"}) == []


@pytest.mark.parametrize("content", [None, "", "[]"])
def test_without_a_database_nothing_is_called_clean(look, folder, content):
    if content is not None:
        folder.mkdir()
        (folder / "x.json").write_text(content)
    with pytest.raises(ToolError, match=r"not measurable here: .*; run `nightmend advisories update`"):
        look("advisories", {"uv.lock": LOCK, "a.py": "x = 1\n"})


def test_an_issue_is_told_and_a_missing_database_costs_no_coverage(workspace_of, folder):
    workspace = workspace_of({"uv.lock": LOCK, "a.py": "x = 1\n"})
    blind = diagnose(workspace, workspace.night.base, tools=("advisories", "ruff"))
    assert set(blind.tool_failures) == {"advisories"}
    assert blind.analysis_coverage == 100
    folder.mkdir()
    (folder / "GHSA-1.json").write_text(json.dumps(ENTRY))
    (issue,) = diagnose(workspace, workspace.night.base, tools=("advisories", "ruff")).issues
    assert (issue.category, issue.severity, issue.fault, issue.actionable) == (
        "quality", "high", "advisories:GHSA-1", False,
    )  # fmt: skip
