"""Repairs of linters take with them the import that they use up."""

import pytest

from nightmend.diagnosis.diagnosis import diagnose
from nightmend.patterns.loader import load_patterns
from nightmend.repairs.proposing import propose_all
from nightmend.repairs.repair import apply_edits
from nightmend.workspace import Workspace

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
E711 = RUFF.replace('["UP", "F"]', '["E711"]')
OLD_HOME = """\
import json
from datetime import UTC, datetime, timezone
from typing import Iterable, NamedTuple


class Row(NamedTuple):
    day: int


def rows(days: Iterable[int]) -> list[Row]:
    return [Row(day) for day in json.loads(str(days))], datetime.now(timezone.utc)
"""


def test_a_name_that_moved_is_imported_in_its_order(workspace_of):
    ruff = RUFF.replace('["UP", "F"]', '["UP", "F", "I"]')
    workspace = workspace_of({"shop.py": OLD_HOME, "pyproject.toml": ruff})
    snapshot = workspace.night.base
    issues = diagnose(workspace, snapshot, deep=False).issues
    repairs = {one.pattern: one for one in propose_all(workspace, snapshot, issues, load_patterns())}
    after = apply_edits(OLD_HOME.encode(), repairs["ruff-UP035"].edits).decode()
    assert after.startswith(
        "import json\nfrom collections.abc import Iterable\n"
        "from datetime import UTC, datetime, timezone\nfrom typing import NamedTuple\n"
    )
    after = apply_edits(OLD_HOME.encode(), repairs["ruff-UP017"].edits).decode()
    assert "from datetime import UTC, datetime\n" in after


@pytest.mark.parametrize("unsafe", [False, True])
def test_fixes_that_the_linter_calls_unsafe_come_where_the_night_wants_them(workspace_of, unsafe):
    workspace = workspace_of({"shop.py": "def f(x):\n    return x == None\n", "pyproject.toml": E711})
    workspace = Workspace(workspace.night.model_copy(update={"unsafe_fixes": unsafe}))
    snapshot = workspace.night.base
    issues = diagnose(workspace, snapshot, deep=False, tools=("ruff",)).issues
    repairs = propose_all(workspace, snapshot, issues, load_patterns())
    assert [(one.pattern, one.safety) for one in repairs] == [("ruff-E711", "needs-tests")] * unsafe


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


def test_an_import_goes_with_the_blank_lines_that_set_it_apart(workspace_of):
    sources = {
        "top.py": "from __future__ import print_function\n\nimport json\n",
        "below.py": '"""Below."""\n\nfrom __future__ import print_function\n\nimport json\n',
        "blank.py": '"""Blank."""\nimport json\n\n\n\n\n\ndef one():\n    return json\n',
    }
    ruff = RUFF.replace('["UP", "F"]', '["UP", "E3"]\npreview = true')
    workspace = workspace_of({**sources, "pyproject.toml": ruff})
    snapshot = workspace.night.base
    issues = diagnose(workspace, snapshot, deep=False).issues
    repairs = propose_all(workspace, snapshot, issues, load_patterns())
    after = {one.paths[0]: apply_edits(sources[one.paths[0]].encode(), one.edits).decode() for one in repairs}
    assert after["top.py"] == "import json\n"
    assert after["below.py"] == '"""Below."""\n\nimport json\n'
    assert "json\n\n\ndef one" in after["blank.py"]
