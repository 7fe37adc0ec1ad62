"""Tools that really die, hang or are missing: before our Python stands one that breaks for a single tool."""

import sys
from pathlib import Path

import pytest

from nightmend.detectors import ruff, running
from nightmend.diagnosis.diagnosis import Diagnosis, diagnose
from nightmend.sandboxes.protocol import Bind
from nightmend.settings import Limits
from nightmend.workspace import Workspace

pytestmark = pytest.mark.integration

MARKS = {
    "bandit": " bandit --quiet",
    "mypy": "from mypy.build",
    "pycodestyle": "pycodestyle.StyleGuide",
    "pylint": " pylint --rcfile",
    "ruff": "-m ruff check",
}
"""What stands on the command line of a tool and of no other."""
ENDS = {
    "killed": ("kill -KILL $$", "ended with code 137"),
    "hanging": ("sleep 600", "reached its limit of wall_seconds"),
    "missing": ("echo No module named {tool} >&2; exit 1", "{tool}"),
}
CAUSE = "def f():\n    try:\n        return 1\n    except ValueError:\n        raise KeyError(1)\n"


def broken(workspace: Workspace, tool: str, command: str, folder: Path) -> None:
    """Put a Python before ours that breaks where the command line has the mark of a tool."""
    script = folder / "python"
    script.write_text(
        f'#!/bin/sh\ncase "$*" in *"{MARKS[tool]}"*) {command} ;; *) exec {sys.executable} "$@" ;; esac\n'
    )
    script.chmod(0o755)
    own = workspace.own
    bind = Bind(host=str(script), inside="/nightmend/python")
    workspace.own = own.model_copy(update={"executable": bind.inside, "binds": (*own.binds, bind)})


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("tool", MARKS)
def test_a_broken_tool_costs_its_own_findings_and_one_line(workspace_of, tmp_path, monkeypatch, tool, end):
    short = Limits(wall_seconds=3 if end == "hanging" else 120)
    for module in (running, ruff):
        monkeypatch.setattr(module, "limits_for", lambda tree: short)
    workspace = workspace_of({"a.py": CAUSE})
    command, said = (text.format(tool=tool) for text in ENDS[end])
    broken(workspace, tool, command, tmp_path)
    diagnosis: Diagnosis = diagnose(workspace, workspace.night.base, tools=(tool, "nightmend"))
    assert list(diagnosis.tool_failures) == [tool]
    assert said in diagnosis.tool_failures[tool]
    assert "\n" not in diagnosis.tool_failures[tool]
    assert [issue.rules for issue in diagnosis.issues] == [("nightmend:raise-without-cause",)]
    assert diagnosis.analysis_coverage == 0
    assert diagnosis.unread == ("a.py",)


def test_where_none_is_broken_each_tool_answers_through_the_same_door(workspace_of, tmp_path):
    workspace = workspace_of({"a.py": CAUSE})
    broken(workspace, "mypy", "exit 1", tmp_path)
    answered = diagnose(workspace, workspace.night.base, tools=("bandit", "pycodestyle", "pylint", "ruff"))
    assert answered.tool_failures == {}
    assert answered.analysis_coverage == 100
