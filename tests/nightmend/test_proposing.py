"""Repairs of linters take with them the import that they use up."""

from nightmend.diagnosis import diagnose
from nightmend.patterns.loader import load_patterns
from nightmend.proposing import propose_all
from nightmend.repair import apply_edits

RUFF = """\
[project]
name = "shop"
version = "1"
requires-python = ">=3.11"

[tool.ruff.lint]
select = ["UP", "F"]
"""
SHOP = """\
from datetime import datetime, timezone
from typing import Optional


def first(day: Optional[str]) -> Optional[int]:
    return None if day is None else datetime.now(timezone.utc).day
"""


def test_the_last_uses_go_together_with_the_import(workspace_of):
    workspace = workspace_of({"shop.py": SHOP, "pyproject.toml": RUFF})
    snapshot = workspace.night.base
    issues = diagnose(workspace, snapshot, deep=False).issues
    repairs = propose_all(workspace, snapshot, issues, load_patterns())
    by_pattern = {repair.pattern: repair for repair in repairs}
    optional, zone = by_pattern["ruff-UP045"], by_pattern["ruff-UP017"]
    assert len(optional.issues) == 2
    after = apply_edits(SHOP.encode(), optional.edits).decode()
    assert "typing" not in after
    assert "def first(day: str | None) -> int | None:" in after
    after = apply_edits(SHOP.encode(), zone.edits).decode()
    assert "timezone" not in after
    assert "datetime.now(UTC)" in after
    assert "from datetime import UTC, datetime\n" in after
