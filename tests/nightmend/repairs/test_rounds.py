"""The linter's fixes, round by round: the good ones stay, and what breaks the suite falls alone."""

import subprocess
import sys
import time

import pytest

import nightmend.repairs.rounds
from nightmend.diagnosis.diagnosis import diagnose
from nightmend.diagnosis.measures import measure
from nightmend.phases import beginning, repaired, unchanged
from nightmend.privacy.masking import Masker
from nightmend.proof.baseline import Baseline, establish_baseline
from nightmend.proof.suite import run_suite
from nightmend.repairs.repairing import RepairAgent
from nightmend.repairs.rounds import rounds
from nightmend.report.changes import changes_of
from nightmend.results import AgentResult, Course, Judgements
from nightmend.review.dropping import without
from nightmend.settings import SandboxSettings
from nightmend.workspace import Workspace

pytestmark = pytest.mark.integration

PROJECT = """\
[project]
name = "till"
version = "1"
requires-python = ">=3.11"

[tool.ruff.lint]
select = ["F", "UP"]

[tool.pytest.ini_options]
pythonpath = ["."]
addopts = "-p no:hypothesispytest -p no:anyio"
"""
MONEY = """\
def total(rows):
    return sum(rows)


def average(rows):
    return sum(rows) / len(rows)
"""
DESK = """\
import os
import typing

from till.money import average, total


def receipt(rows: typing.List[int]) -> typing.Optional[str]:
    return f"total" + str(total(rows)) if rows else None
"""
"""`average` is there for others alone; so is `typing`, once both of its uses are gone."""
SHELF = """\
import typing


def largest(rows: typing.List[int]) -> typing.Optional[int]:
    return max(rows) if rows else None
"""
TESTS = """\
from till.desk import average, receipt, typing
from till.shelf import largest


def test_receipt():
    assert receipt([1, 2]) == "total3"
    assert receipt([]) is None


def test_the_rest():
    assert average([1, 3]) == 2
    assert largest([1, 3]) == 3
    assert typing.TYPE_CHECKING is False
"""
FILES = {
    "pyproject.toml": PROJECT,
    "till/__init__.py": "",
    "till/money.py": MONEY,
    "till/desk.py": DESK,
    "till/shelf.py": SHELF,
    "tests/test_till.py": TESTS,
}
MENDED_DESK = """\
import typing

from till.money import average, total


def receipt(rows: list[int]) -> str | None:
    return "total" + str(total(rows)) if rows else None
"""
MENDED_SHELF = """\


def largest(rows: list[int]) -> int | None:
    return max(rows) if rows else None
"""


class Linting(RepairAgent):
    name = "code_quality"


@pytest.fixture(scope="module")
def night(shared_workspace_of):
    """Do the phase `quality` on the twin, with the linter's fixes alone."""
    workspace = shared_workspace_of(FILES)
    workspace = Workspace(workspace.night.model_copy(update={"sandbox": SandboxSettings(mutation_budget=0)}))
    base = workspace.night.base
    found = AgentResult(
        agent="system_diagnostics", seconds=1, started=1, pid=1,
        diagnosis=workspace.put(diagnose(workspace, base, deep=False)),
        baseline=workspace.put(establish_baseline(workspace, base)),
        quality=workspace.put(measure(workspace, base)),
    )  # fmt: skip
    start = beginning(workspace.night)
    diagnosed = unchanged("diagnostics", start, [found], (), 0)
    agent = Linting(workspace.night).work(diagnosed)
    phase = repaired(workspace, "quality", diagnosed, [agent], (), time.perf_counter())
    return workspace, Course(beginning=start, validated=(diagnosed, phase), records=())


def judged(workspace, course):
    return [
        [
            (one.repair.pattern, one.repair.paths[0], one.verdict)
            for one in workspace.get(result.judgements, Judgements).judgements
        ]
        for _, result in course.results
        if result.judgements
    ]


def test_the_linter_alone_breaks_the_suite_of_the_twin(night, tmp_path):
    workspace, _ = night
    for path, content in FILES.items():
        place = tmp_path / path
        place.parent.mkdir(exist_ok=True)
        place.write_text(content)
    command = [sys.executable, "-m", "ruff", "check", "--fix", "--no-cache", "--quiet", "till"]
    subprocess.run(command, cwd=tmp_path, check=True)
    changes = {path: (tmp_path / path).read_bytes() for path in FILES}
    assert run_suite(workspace, workspace.night.base, changes=changes).collection_errors


def test_every_good_fix_is_kept_and_what_breaks_the_suite_is_left(night):
    workspace, course = night
    files = workspace.store.read_many(course.last.snapshot, FILES)
    assert files["till/desk.py"].decode() == MENDED_DESK
    assert files["till/shelf.py"].decode() == MENDED_SHELF.lstrip("\n")
    assert files["tests/test_till.py"].decode() == TESTS
    outcomes = workspace.get(course.last.baseline, Baseline).suite.outcomes
    assert set(outcomes.values()) == {"passed"}
    assert len(outcomes) == 2


def test_what_the_first_round_leaves_unused_is_offered_in_the_second(night):
    workspace, course = night
    first, second = judged(workspace, course)
    assert ("unused-import", "till/desk.py", "refused") in first, "the other module's `average`"
    assert {verdict for name, _, verdict in first if name != "unused-import"} == {"kept"}
    assert sorted(second) == [
        ("unused-import", "till/desk.py", "rolled_back"),
        ("unused-import", "till/shelf.py", "kept"),
    ]


def kept_in_shelf(workspace, course):
    return {
        one.repair.pattern: one.repair.id
        for _, result in course.results
        if result.judgements
        for one in workspace.get(result.judgements, Judgements).judgements
        if one.repair.paths == ("till/shelf.py",)
    }


def test_a_fix_of_a_later_round_has_a_patch_of_its_own(night):
    workspace, course = night
    changes = changes_of(workspace, course, Masker(set()), published=True)
    assert "-import typing" in changes[kept_in_shelf(workspace, course)["unused-import"]].patch


def test_what_made_a_later_fix_possible_takes_it_along_when_it_is_dropped(night):
    workspace, course = night
    ids = kept_in_shelf(workspace, course)
    left = without(workspace, course, frozenset({ids["ruff-UP006"]}), "today")
    assert left.dropped.keys() == {ids["ruff-UP006"], ids["unused-import"]}
    shelf = workspace.store.read(left.snapshot, "till/shelf.py").decode()
    assert shelf == SHELF.replace("typing.Optional[int]", "int | None")


def test_the_numbers_of_the_agent_count_every_round(night):
    _, course = night
    (agent,) = course.last.agents
    assert [agent.metrics[name] for name in ("tried", "kept", "rolled_back", "refused")] == [9, 7, 1, 1]


def test_rounds_end_where_fixes_would_bring_fixes_for_ever(night, monkeypatch):
    workspace, course = night
    monkeypatch.setattr(nightmend.repairs.rounds, "MOST", 1)
    start = course.validated[0]
    judgements = workspace.get(course.results[1][1].judgements, Judgements).judgements
    baseline = workspace.get(start.baseline, Baseline)
    assert len(rounds(workspace, start.snapshot, judgements, baseline, ["code_quality"])) == 1
