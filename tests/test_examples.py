"""What examples/README.md says is true: a green suite, and each fault where it says and nowhere else."""

import ast
import re
import runpy
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from nightmend.diagnosis.diagnosis import diagnose
from nightmend.nights import open_night
from nightmend.patterns.loader import load_patterns
from nightmend.repairs.proposing import propose_all
from nightmend.workspace import Workspace

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
Places = dict[str, set[str]]


def tables():
    """Return the rows of both tables of the README, each a list of cells."""
    for table in re.findall(r"(?:^\|.*\n)+", (EXAMPLES / "README.md").read_text(), re.MULTILINE):
        rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()]
        yield rows[0], rows[2:]


def places(cell) -> Places:
    """Read `path`: name, name; `path` ..."""
    found = {}
    for part in cell.split(";"):
        path, _, names = part.strip().partition(":")
        found[path.strip("`")] = {name.strip() for name in names.split(",") if name.strip()}
    return found


FAULTS = next(rows for head, rows in tables() if "found as" in head)
TRAPS = next(rows for head, rows in tables() if "because" in head)
SLUGS = [(row[2].split("`")[1], places(row[3])) for row in FAULTS if row[2].startswith("`")]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    repository = runpy.run_path(str(ROOT / "scripts" / "recover.py"))["example_repository"](home)
    return Workspace(open_night(repository, home=home))


@pytest.fixture(scope="module")
def issues(workspace):
    diagnosis = diagnose(workspace, workspace.night.base, deep=False)
    assert diagnosis.tool_failures == {}
    return diagnosis.issues


@pytest.fixture(scope="module")
def repairs(workspace, issues):
    return propose_all(workspace, workspace.night.base, issues, load_patterns())


def name_at(path, line):
    """Return the innermost function or class around a line, or the name that it assigns."""
    best = ""
    for node in ast.walk(ast.parse((EXAMPLES / path).read_text())):
        if not hasattr(node, "lineno") or not node.lineno <= line <= node.end_lineno:
            continue
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            best = node.name
        elif isinstance(node, ast.Assign) and node.col_offset == 0:
            best = node.targets[0].id
    return best


def test_its_own_suite_is_green(tmp_path):
    options = ["-B", "-m", "pytest", "-p", "no:cacheprovider", "--basetemp", tmp_path / "t"]
    command = [sys.executable, *options]
    done = subprocess.run(command, cwd=EXAMPLES, capture_output=True, text=True, check=False)
    passed = re.search(r"(\d+) passed", done.stdout)
    assert done.returncode == 0, done.stdout[-2000:]
    assert int(passed[1]) >= 60


@pytest.mark.parametrize(("fault", "said"), SLUGS, ids=[fault for fault, _ in SLUGS])
def test_each_fault_is_found_where_the_readme_says_and_nowhere_else(fault, said, issues):
    found = defaultdict(set)
    for issue in issues:
        if issue.fault == fault:
            names = {name_at(issue.path, issue.line)} if issue.path.endswith(".py") else set()
            found[issue.path] |= names
    assert found == said


def test_every_category_has_faults_and_every_place_is_real(issues):
    assert {row[0] for row in FAULTS} == {issue.category for issue in issues}
    for cell in [row[3] for row in FAULTS] + [row[1] for row in TRAPS]:
        for path, names in places(cell).items():
            words = set(re.findall(r"\w+", (EXAMPLES / path).read_text()))
            assert names <= words


def test_quality_is_what_its_own_rules_report(issues):
    said = next(places(row[3]) for row in FAULTS if row[2] == "the rules' own names")
    own = {
        issue.path
        for issue in issues
        if issue.actionable and any(rule.startswith("ruff:") for rule in issue.rules)
        if issue.agent in {"code_quality", "performance_tuning"} and not issue.path.startswith("tests/")
        if not issue.path.endswith("__init__.py")
    }
    assert own == set(said)


def test_all_links_but_one_are_mended(repairs, issues):
    broken = [issue for issue in issues if issue.fault == "broken-relative-link"]
    mended = {
        issue for repair in repairs if repair.pattern == "broken-relative-link" for issue in repair.issues
    }
    [left] = [issue for issue in broken if issue.fingerprint not in mended]
    assert len(broken) > 50
    assert "faq.md" in left.message


def test_no_repair_is_proposed_for_what_only_looks_like_a_fault(repairs):
    touched = {
        (repair.paths[0], name_at(repair.paths[0], repair.line)) for repair in repairs if _code(repair)
    }
    exceptions = {
        ("agents/core/base_agent.py", "save_state"),  # the race above its bare except
        ("agents/registry.py", "load_class"),  # the handler above the one with `from None`
        ("pipeline/readers.py", "read_table"),  # its encoding and its lost cause
    }
    traps = {(path, name) for row in TRAPS for path, names in places(row[1]).items() for name in names}
    assert touched & traps <= exceptions
    assert not [repair for repair in repairs if repair.paths[0].endswith("__init__.py")]
    documents = [repair for repair in repairs if not _code(repair)]
    assert not [
        repair for repair in documents if "guide.md" in repair.summary or "guide_url" in repair.summary
    ]


def test_the_import_that_only_a_test_uses_is_proposed_so_that_the_tests_can_refuse_it(repairs):
    imports = [
        one for one in repairs if one.pattern == "unused-import" and one.paths == ("pipeline/readers.py",)
    ]
    assert any("parse_amount" in repair.summary for repair in imports)


def _code(repair):
    return repair.paths[0].endswith(".py")
