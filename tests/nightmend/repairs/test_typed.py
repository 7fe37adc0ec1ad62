import pytest

from nightmend.evidence import Evidence, Judgement
from nightmend.proof.baseline import Baseline
from nightmend.proof.records import SuiteRun
from nightmend.repairs.settle import settle
from nightmend.repairs.typed import new_type_errors

pytestmark = pytest.mark.integration

SOURCE = "def f(x: int) -> int:\n    return x\n"
WRONG = "def f(x: int) -> str:\n    return x\n"
CONFIGURED = {"pyproject.toml": "[tool.mypy]\nfiles = ['pkg']\n"}


def test_an_error_that_comes_with_a_change_is_named_where_the_target_uses_mypy(workspace_of):
    files = {
        "pkg/__init__.py": "",
        "pkg/a.py": SOURCE,
        "pkg/b.py": WRONG,
        "tool.py": SOURCE,
        "notes.md": "a\n",
    }
    workspace = workspace_of({**files, **CONFIGURED})
    changed = {
        "pkg/a.py": WRONG.encode(),
        "pkg/b.py": SOURCE.encode(),
        "tool.py": WRONG.encode(),
        "notes.md": b"b\n",
    }
    only_b = {"pkg/b.py": SOURCE.encode()}
    assert new_type_errors(workspace, workspace.night.base, [changed, only_b, changed]) == [
        {"pkg/a.py": ("mypy:return-value",)},
        {},
        {"pkg/a.py": ("mypy:return-value",)},
    ]


def test_a_target_without_mypy_is_not_held_to_it(workspace_of):
    workspace = workspace_of({"pkg/__init__.py": "", "pkg/a.py": SOURCE})
    assert new_type_errors(workspace, workspace.night.base, [{"pkg/a.py": WRONG.encode()}]) == [{}]


def test_a_repair_that_brings_one_is_rolled_back_when_the_phase_settles(workspace_of, repair_in):
    workspace = workspace_of({"pkg/__init__.py": "", "pkg/a.py": SOURCE, "pkg/b.py": SOURCE, **CONFIGURED})
    repairs = [
        repair_in(workspace, "pkg/a.py", "return x", "return str(x)", pattern="wrong"),
        repair_in(workspace, "pkg/b.py", "return x", "return int(x)", pattern="right"),
    ]
    judged = [
        Judgement(repair=repair, verdict="kept", reason="kept", grade="C", evidence=Evidence())
        for repair in repairs
    ]
    untested = Baseline(suite=SuiteRun(usable=False, reason="no tests"))
    settled = settle(workspace, workspace.night.base, judged, untested)
    assert [(one.verdict, one.reason) for one in settled.judgements] == [
        ("rolled_back", "with it comes more of: mypy:return-value"),
        ("kept", "kept"),
    ]
