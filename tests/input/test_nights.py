"""Whole nights on repositories as nobody would wish for: each bad thing costs itself, and is named."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest

from tests.flows.driving import ROOT, House, Outcome, branches, shop, untouched
from tests.input.chamber import BROKEN_SETTINGS, LEFT_OUT, MENDABLE, UNREADABLE, chamber, mended

pytestmark = pytest.mark.night

IMPATIENT = (
    "from nightmend.settings import SandboxSettings\n"
    "made = SandboxSettings.__init__\n"
    "def impatient(self, **settings):\n"
    "    made(self, **{**settings, 'test_timeout': 20})\n"
    "SandboxSettings.__init__ = impatient\n"
)
"""Lets tests that hang be known sooner."""


@dataclass
class Story:
    """A night, and the repository as it was before."""

    target: Path
    outcome: Outcome
    before: dict[str, str]
    outside: Path
    house: House

    @property
    def issues(self) -> dict[tuple[str, str], str]:
        """Messages of the issues before the night, by rule and path."""
        log = json.loads((self.outcome.folder / "before.sarif").read_text())
        return {
            (result["ruleId"], location["artifactLocation"]["uri"]): result["message"]["text"]
            for result in log["runs"][0]["results"]
            for location in [result["locations"][0]["physicalLocation"]]
        }


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("chamber")
    outside = folder / "outside"
    outside.mkdir(mode=0o777)
    outside.chmod(0o777)
    target = chamber(folder / "of horrors 'é\n東", outside / "mark")
    house = House(folder / "home")
    before = untouched(target)
    return Story(target, house.recover(target, saboteur=IMPATIENT), before, outside, house)


def published(target: Path, branch: str, path: str) -> bytes:
    command = ["git", "-C", str(target), "cat-file", "blob", f"{branch}:{path}"]
    return subprocess.run(command, capture_output=True, check=True).stdout


def test_the_night_passes_and_its_report_is_valid(story: Story) -> None:
    outcome = story.outcome
    assert outcome.code == 0, outcome.said
    assert "Traceback" not in outcome.said
    jsonschema.validate(outcome.known, json.loads((ROOT / "docs" / "report.schema.json").read_text()))
    assert set(outcome.statuses.values()) == {"PASSED"}
    assert outcome.known["tool_failures"] == {}


def test_nothing_of_the_target_changed_or_escaped(story: Story) -> None:
    assert untouched(story.target) == story.before
    assert list(story.outside.iterdir()) == []
    assert not list(story.target.rglob("owned"))
    assert story.house.processes() == []


@pytest.mark.parametrize("path", MENDABLE, ids=ascii)
def test_a_file_is_mended_with_every_other_byte_as_it_was(story: Story, path: str) -> None:
    (branch,) = branches(story.target)
    assert published(story.target, branch, path) == mended(MENDABLE[path]) != MENDABLE[path]


def test_names_of_files_add_no_line_to_a_commit_message(story: Story) -> None:
    (branch,) = branches(story.target)
    command = ["git", "-C", str(story.target), "log", "--format=%B", f"main..{branch}"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Nightmend-Repair: " in said
    assert not [line for line in said.splitlines() if line.startswith("line.py")]
    assert "\u202e" not in said


def test_the_patch_of_each_repair_takes_exactly_it_back(story: Story) -> None:
    (branch,) = branches(story.target)
    patches = sorted((story.outcome.folder / "patches").glob("*.patch"))
    assert len(patches) == len(story.outcome.kept) >= len(MENDABLE)
    environment = {**os.environ, "GIT_INDEX_FILE": str(story.house.home / "index")}

    def git(*arguments: str | Path) -> str:
        command = ["git", "-C", str(story.target), "-c", "core.protectNTFS=false", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout

    git("read-tree", branch)
    for patch in patches:
        git("apply", "--cached", "--reverse", patch)
    assert git("write-tree") == git("rev-parse", "HEAD^{tree}")


@pytest.mark.parametrize("path", sorted({**UNREADABLE, **LEFT_OUT}))
def test_a_file_that_cannot_be_read_stays_as_it_is(story: Story, path: str) -> None:
    (branch,) = branches(story.target)
    assert published(story.target, branch, path) == {**UNREADABLE, **LEFT_OUT}[path]


def test_what_cannot_be_read_is_named(story: Story) -> None:
    named = {path for rule, path in story.issues if rule in {"nightmend:unreadable-file", "syntax-error"}}
    assert named >= {*UNREADABLE, "tests/test_syntax.py"}
    left_out = {path for rule, path in story.issues if rule == "nightmend:left-out"}
    assert left_out == {*LEFT_OUT, "declared_latin.py", "not-utf8-%EF%BF%BD.py"}
    broken = {path for rule, path in story.issues if rule == "nightmend:broken-configuration"}
    assert broken >= set(BROKEN_SETTINGS)


def test_tests_that_cannot_run_are_named_and_cost_no_other(story: Story) -> None:
    tests = story.outcome.known["tests"]
    assert tests["usable"], tests["reason"]
    assert tests["reason"] == "left out, since it hangs: tests/test_hangs.py::test_that_hangs"
    assert tests["before"] == tests["after"]
    assert (tests["before"]["passed"], tests["unsteady"]) == (8, [])
    assert {name.rpartition("::")[2] for name in tests["not_passed"]} == {
        "test_that_hangs",
        "test_that_fails",
        "test_that_needs_a_locale_that_is_not_here",
        "test_that_needs_a_generated_file",
        "tests/test_missing_dependency.py",
        "tests/test_syntax.py",
    }
    assert "no_such_package" in tests["not_passed"]["tests/test_missing_dependency.py"]


BARE = {
    "no python": ({"README.md": "# Nothing\n\n[gone](no.md)\n", "a.txt": "x\n"}, "the target has no tests"),
    "no tests": ({"shop.py": MENDABLE["plain.py"].decode()}, "the target has no tests that pytest finds"),
    "broken": (
        {
            "shop.py": MENDABLE["plain.py"].decode(),
            "pyproject.toml": "[tool\n",
            "test_a.py": "def test(): pass\n",
        },
        "pytest did not start: ",
    ),
}


@pytest.fixture(scope="module", params=BARE)
def bare(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("bare")
    files, _ = BARE[request.param]
    target = shop(folder / "target", files)
    before = untouched(target)
    house = House(folder / "home")
    return Story(target, house.recover(target), before, folder, house)


def test_where_no_test_can_judge_the_report_says_so(bare: Story, request: pytest.FixtureRequest) -> None:
    (files, says) = BARE[request.node.callspec.params["bare"]]
    outcome = bare.outcome
    assert (outcome.code, outcome.done.stderr) == (0, ""), outcome.said
    assert says in outcome.known["tests"]["reason"]
    assert not outcome.known["tests"]["usable"]
    assert untouched(bare.target) == bare.before
    mended_files = {path for repair in outcome.kept for path in repair["files"]}
    assert mended_files == {"shop.py"} & set(files)
    assert os.path.getsize(outcome.folder / "report.html") > 1000
