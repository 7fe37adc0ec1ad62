"""What another tool wrote is proved edit by edit: a linter breaks a library's re-exports, and we do not."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest

from tests.flows.driving import House, Outcome, branches, git, schema, shop, untouched

pytestmark = pytest.mark.night

FILES = {
    "markup/__init__.py": '"""A small markup library."""\n',
    "markup/core.py": '''\
"""Reads and writes markup."""

import os
import re

MARK = re.compile(r"\\*(.+?)\\*")


def parse(text: str) -> list[str]:
    """Return the marked words of a text."""
    return MARK.findall(text)


def render(words: list[str]) -> str:
    """Write words as a marked text."""
    kind = f"plain"
    return f"{kind}: " + " ".join(f"*{word}*" for word in words)
''',
    "markup/api.py": '''\
"""What the library gives to its users."""

import json

from markup.core import parse
from markup.core import render


def dump(text: str) -> str:
    """Return the marked words of a text as one line."""
    return f"words" + str(len(text))
''',
    "markup/untested.py": '''\
"""What nobody tests."""

import os
import sys


def forgotten() -> bool:
    """Say where we are."""
    return os.sep is "/"
''',
    "tests/test_markup.py": '''\
import sys

import markup.untested
from markup.api import dump, parse, render


def test_both_ways():
    assert parse(render(["a", "b"])) == ["a", "b"]


def test_kind():
    assert render(["a"]) == f"plain: *a*"


def test_dump():
    assert dump("abc") == "words3"
''',
}  # fmt: skip


@dataclass
class Story:
    """A linter's diff of the library, what it does by itself, and what came of its proof."""

    house: House
    target: Path
    before: dict[str, str]
    diff: Path
    outcome: Outcome


def suite(folder: Path) -> int:
    """Return how the suite of a working tree ends."""
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode


def linted(target: Path) -> str:
    """Return what ruff would fix, as it writes it."""
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", "--fix", "--diff", "."]
    return subprocess.run(command, cwd=target, capture_output=True, text=True, check=False).stdout


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> Story:
    folder = tmp_path_factory.mktemp("prove")
    house, target = House(folder / "home", prefect_server), shop(folder / "markup", FILES)
    before = untouched(target)
    diff = folder / "fixes.diff"
    diff.write_text(linted(target))
    outcome = house.run("prove", target, "--diff", diff, "--report", house.home / "report")
    return Story(house, target, before, diff, outcome)


def clone(story: Story, place: Path, branch: str = "main") -> Path:
    git(place, "clone", "-q", "--branch", branch, story.target, place / "clone")
    return place / "clone"


def test_the_fixes_by_themselves_break_the_whole_suite(story: Story, tmp_path: Path) -> None:
    place = clone(story, tmp_path)
    assert suite(place) == 0
    git(place, "apply", "-p0", story.diff)
    assert suite(place) != 0
    assert "parse" not in (place / "markup/api.py").read_text()


def test_every_good_fix_is_kept_and_exactly_the_bad_ones_are_not(story: Story) -> None:
    assert story.outcome.code == 1, story.outcome.said
    told = {(repair["files"][0], repair["summary"]): repair for repair in story.outcome.known["repairs"]}
    kept = {place for place, repair in told.items() if repair["verdict"] == "kept"}
    assert kept == {
        ("markup/core.py", "takes out `import os`"),
        ("markup/core.py", '`kind = f"plain"` becomes `kind = "plain"`'),
        ("markup/api.py", "takes out `import json`"),
        ("markup/api.py", '`return f"words" + str(len(text))` becomes `return "words" + str(len(text))`'),
        ("markup/untested.py", "takes out `import sys`"),
        (
            "tests/test_markup.py",
            '`assert render(["a"]) == f"plain: *a*"` becomes `assert render(["a"]) == "plain: *a*"`',
        ),
    }
    for name in ("parse", "render"):
        bad = told.pop(("markup/api.py", f"takes out `from markup.core import {name}`"))
        assert bad["verdict"] == "refused"
        assert f"markup.api.{name} can no longer be imported" in bad["reason"]
    unproved = told.pop(("markup/untested.py", '`return os.sep is "/"` becomes `return os.sep == "/"`'))
    assert (unproved["grade"], unproved["reason"]) == ("D", "no test runs the changed lines")
    tests = [repair for place, repair in told.items() if place not in kept]
    assert {repair["files"][0] for repair in tests} == {"tests/test_markup.py"}
    assert all("is a test" in repair["reason"] for repair in tests)


def test_the_branch_holds_what_was_proved_and_its_suite_is_green(story: Story, tmp_path: Path) -> None:
    known = story.outcome.known
    assert known["branch"] in branches(story.target)
    place = clone(story, tmp_path, known["branch"])
    assert suite(place) == 0
    text = (place / "markup/api.py").read_text()
    assert "import json" not in text
    assert "from markup.core import parse\nfrom markup.core import render\n" in text
    assert len(git(place, "log", "--format=%H", "origin/main..HEAD").split()) == 1
    assert "Apply what another tool proposed (6 places)" in git(place, "log", "-1", "--format=%s")
    for repair in story.outcome.kept:
        git(place, "apply", "--reverse", story.outcome.folder / repair["patch"])
        assert git(place, "diff", "--name-only").split() == repair["files"]
        git(place, "checkout", "-q", ".")


def test_the_report_is_one_of_a_night(story: Story) -> None:
    known = story.outcome.known
    jsonschema.validate(known, schema())
    assert list(story.outcome.statuses.values()) == ["PASSED", "PASSED", "PASSED", "SKIPPED", "SKIPPED"]
    assert known["tests"]["before"] == known["tests"]["after"]
    assert {repair["agent"] for repair in known["repairs"]} == {"foreign_diff"}
    assert not any(repair["evidence"]["issue_gone"] for repair in known["repairs"]), "nobody claimed one"
    assert "takes out `import json`" in (story.outcome.folder / "report.html").read_text()


def test_nothing_of_the_repository_changes_and_the_diff_is_kept_nowhere(story: Story) -> None:
    assert untouched(story.target) == story.before
    assert list(story.house.home.rglob("*.diff")) == []


def test_a_branch_of_which_all_is_proved_ends_well_and_leaves_the_first_alone(story: Story) -> None:
    git(story.target, "branch", "mine")
    work = story.house.home / "work"
    git(story.target, "worktree", "add", "-q", work, "mine")
    (work / "markup/core.py").write_text(FILES["markup/core.py"].replace("import os\n", ""))
    git(work, "commit", "-qam", "mine")
    git(story.target, "worktree", "remove", work)
    outcome = story.house.run("prove", story.target, "--ref", "mine", "--report", story.house.home / "report")
    assert outcome.code == 0, outcome.said
    assert list(outcome.statuses.values())[:2] == ["CACHED", "CACHED"]
    assert [repair["verdict"] for repair in outcome.known["repairs"]] == ["kept"]
    assert branches(story.target) == [story.outcome.known["branch"], outcome.known["branch"]]


def test_a_diff_of_which_nothing_is_proved_makes_no_branch(story: Story) -> None:
    before = branches(story.target)
    new = "--- /dev/null\n+++ b/markup/new.py\n@@ -0,0 +1 @@\n+x = 1\n"
    report = ("--report", story.house.home / "report")
    outcome = story.house.run("prove", story.target, "--diff", "-", *report, given=new)
    assert outcome.code == 1, outcome.said
    [refused] = outcome.known["repairs"]
    assert refused["reason"] == "the diff makes a new file, markup/new.py; only edits of files are proved"
    assert "1 of 1 edits are not kept" in outcome.done.stderr
    assert branches(story.target) == before


def test_where_a_person_lets_the_interface_break_the_tests_still_judge(story: Story) -> None:
    folder = story.house.home / "allowed"
    told = story.house.run(
        "prove", story.target, "--diff", story.diff, "--allow-breaking", "--report", folder
    )
    assert told.code == 1, told.said
    repairs = json.loads((folder / "report.json").read_text())["repairs"]
    bad = [repair for repair in repairs if repair["evidence"]["interface_breaks"]]
    assert [repair["verdict"] for repair in bad] == ["rolled_back"] * 2, bad
    assert all("tests/test_markup.py" in repair["reason"] for repair in bad)
