from collections import Counter

import pytest

from nightmend.detectors import bandit, pylint, pylint_options, ruff
from nightmend.detectors.registry import detectors
from nightmend.detectors.running import ToolError
from nightmend.diagnosis.diagnosis import Diagnosis, diagnose
from nightmend.diagnosis.survey import SETBACKS

pytestmark = pytest.mark.integration

CAUSE = "def f():\n    try:\n        return 1\n    except ValueError:\n        raise KeyError(1)\n"
GOOD = "X = 1\n"


@pytest.fixture
def diagnosed(workspace_of):
    def run(files, *, deep: bool = False) -> Diagnosis:
        workspace = workspace_of(files)
        return diagnose(workspace, workspace.night.base, deep=deep)

    return run


def faults(diagnosis: Diagnosis) -> set[tuple[str, str]]:
    return {(issue.path, issue.fault) for issue in diagnosis.issues}


def test_every_tool_looks_and_a_fault_that_three_see_is_one_issue(diagnosed):
    diagnosis = diagnosed({"a.py": CAUSE, "b.py": "import os\n"}, deep=True)
    assert diagnosis.tool_failures == {}
    assert set(diagnosis.tool_seconds) == set(detectors())
    (cause,) = [issue for issue in diagnosis.issues if issue.fault == "raise-without-cause"]
    assert cause.rules == ("nightmend:raise-without-cause", "pylint:W0707", "ruff:B904")
    assert (cause.path, cause.line, cause.actionable) == ("a.py", 5, True)
    assert max(Counter((issue.path, issue.line, issue.fault) for issue in diagnosis.issues).values()) == 1
    assert diagnosis.analysis_coverage == 100


def test_issues_come_sorted(diagnosed):
    diagnosis = diagnosed({"b.py": CAUSE, "a.py": f"import os\nimport sys\n{CAUSE}"})
    places = [(issue.path, issue.line, issue.fault) for issue in diagnosis.issues]
    assert places == sorted(places)
    assert len(places) >= 4


def test_vendored_and_generated_files_have_no_issues_and_tests_no_actionable_ones(diagnosed):
    diagnosis = diagnosed(
        {
            "a.py": CAUSE,
            "pkg/_vendor/b.py": CAUSE,
            "pkg/api_pb2.py": CAUSE,
            "tests/test_c.py": CAUSE,
        }
    )
    assert {path for path, _ in faults(diagnosis)} == {"a.py", "tests/test_c.py"}
    assert {issue.path for issue in diagnosis.issues if issue.actionable} == {"a.py"}
    assert diagnosis.total_lines == 10


def test_layout_in_tests_is_actionable_when_the_target_asks_for_it(diagnosed):
    diagnosis = diagnosed({"tests/test_c.py": "x=1\n", "setup.cfg": "[flake8]\n"})
    assert [(issue.fault, issue.actionable) for issue in diagnosis.issues] == [("pycodestyle:E225", True)]


def test_a_broken_configuration_is_an_issue_and_defaults_apply(diagnosed):
    diagnosis = diagnosed({"a.py": CAUSE, "pyproject.toml": "[tool.ruff\n", "setup.cfg": "nonsense\n"})
    assert faults(diagnosis) >= {
        ("pyproject.toml", "nightmend:broken-configuration"),
        ("setup.cfg", "nightmend:broken-configuration"),
        ("a.py", "raise-without-cause"),
    }
    assert diagnosis.tool_failures == {}


def test_files_that_no_tool_can_read_are_an_issue_each_and_lower_the_coverage(diagnosed):
    diagnosis = diagnosed(
        {"a.py": CAUSE, "nul.py": b"x = 1\0\n", "latin.py": b"x = '\xff'\n", "syntax.py": "def (:\n"},
        deep=True,
    )
    assert faults(diagnosis) >= {
        ("nul.py", "nightmend:unreadable-file"),
        ("latin.py", "nightmend:unreadable-file"),
        ("syntax.py", "syntax-error"),
        ("a.py", "raise-without-cause"),
    }
    assert (diagnosis.analysed_lines, diagnosis.total_lines) == (5, 8)
    assert diagnosis.unread == ("latin.py", "nul.py", "syntax.py")
    assert diagnosis.tool_failures == {}


def test_files_that_nobody_looks_at_are_named_where_that_is_no_matter_of_course(diagnosed):
    files = {
        "a.py": CAUSE,
        "line.py": f"{GOOD}T = [{'1, ' * 10_000}]\n",
        "large.py": "# a comment\n" * 100_000,
        "pointer.py": "version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
        "docs/line.md": "[a](b " * 5_000,
        "pkg/_vendor/b.py": CAUSE,
        "pkg/api_pb2.py": CAUSE,
        "data.json": "1" * 50_000,
    }
    found = {issue.path: issue for issue in diagnosed(files).issues if issue.fault == "nightmend:left-out"}
    assert {path: issue.message.partition(": ")[2] for path, issue in found.items()} == {
        "line.py": "too long in a line to be written by hand",
        "large.py": "too large to be written by hand",
        "pointer.py": "kept in Git LFS",
        "docs/line.md": "too long in a line to be written by hand",
    }
    assert {issue.severity for issue in found.values()} == {"low"}


@pytest.mark.parametrize("tool", [bandit, pylint, ruff])
def test_a_missing_tool_costs_its_own_findings_and_one_line(diagnosed, monkeypatch, tool):
    for module in {tool, pylint_options} if tool is pylint else {tool}:
        monkeypatch.setattr(module, "MODULE", "no_such_tool")
    diagnosis = diagnosed({"a.py": CAUSE, "b.py": "import hashlib\n\nhashlib.md5(b'')\n"}, deep=True)
    assert list(diagnosis.tool_failures) == [tool.name]
    assert "\n" not in diagnosis.tool_failures[tool.name]
    rules = {rule for issue in diagnosis.issues for rule in issue.rules}
    assert not any(rule.startswith(f"{tool.name}:") for rule in rules)
    assert len({rule.split(":")[0] for rule in rules}) == 3
    assert diagnosis.analysis_coverage == 0


def test_a_file_that_crashes_a_tool_costs_the_findings_of_that_file(diagnosed):
    deep = "x = " + "[\n" * 8_000 + "]\n" * 8_000
    files = {f"good{number}.py": "import os\n" for number in range(5)}
    diagnosis = diagnosed({**files, "deep.py": deep})
    assert diagnosis.tool_failures == {}
    assert diagnosis.unread == ("deep.py",)
    assert {path for path, fault in faults(diagnosis) if fault == "unused-import"} == {*files}


def test_a_tool_that_fails_on_everything_is_given_up(diagnosed, monkeypatch):
    runs = []

    def fail(box, tree, config, wide):
        runs.append(tree.paths)
        raise ToolError("it never works")

    monkeypatch.setattr(bandit, "detect", fail)
    diagnosis = diagnosed({f"m{number}.py": CAUSE for number in range(100)})
    assert diagnosis.tool_failures == {"bandit": "it never works"}
    assert len(runs) <= 2 * SETBACKS + 1
    assert diagnosis.analysis_coverage == 0


def test_a_tool_that_hangs_is_ended_and_costs_no_other(diagnosed, monkeypatch):
    from nightmend.detectors import running
    from nightmend.settings import Limits

    def short(tree):
        return Limits(wall_seconds=20, cpu_seconds=20)

    def hang(box, tree, config, wide):
        return running.checked("bandit", box.run(["sleep", "100"], limits=Limits(wall_seconds=0.3)), (0,))

    monkeypatch.setattr(running, "limits_for", short)
    monkeypatch.setattr(bandit, "detect", hang)
    diagnosis = diagnosed({"a.py": CAUSE})
    assert "limit of wall_seconds" in diagnosis.tool_failures["bandit"]
    assert ("a.py", "raise-without-cause") in faults(diagnosis)


def test_a_tree_without_python_is_not_measurable_and_never_full(diagnosed):
    diagnosis = diagnosed({"README.txt": "nothing here\n"}, deep=True)
    assert diagnosis.issues == ()
    assert diagnosis.analysis_coverage is None


def test_two_diagnoses_of_one_tree_are_equal_but_for_the_time(workspace_of):
    workspace = workspace_of({"a.py": CAUSE, "b.py": f"import os\n{CAUSE}"})
    first, second = (diagnose(workspace, workspace.night.base, deep=True) for _ in range(2))
    assert first.model_copy(update={"tool_seconds": {}}) == second.model_copy(update={"tool_seconds": {}})


def test_fingerprints_survive_a_moved_fault(diagnosed):
    before, after = (
        {
            issue.fingerprint
            for issue in diagnosed({"a.py": text}).issues
            if issue.fault == "raise-without-cause"
        }
        for text in (CAUSE, f"# moved\n\nX = 1\n\n\n{CAUSE}")
    )
    assert before == after
    assert len(before) == 1
