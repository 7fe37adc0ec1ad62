"""Which tests can tell of a change: recorded for real, each kind of reach in one small suite."""

from collections.abc import Callable

import pytest

from nightmend.proof.reach import Reach, changed_lines
from nightmend.proof.spectrum import Spectrum
from nightmend.proof.suite import run_suite
from nightmend.repairs.repair import Edit, Repair
from nightmend.workspace import Workspace

SHOP = """\
import os

LIMIT = 3


def add(first, second):
    return first + second


def double(number):
    number = number * 2
    return number


def stock():
    return [LIMIT]


def at_import():
    return 1


def unused(number=LIMIT):
    return number


START = at_import()
"""
TESTS = """\
import pathlib
import subprocess
import sys

import pytest
import shop


@pytest.fixture(scope="module")
def shared():
    return shop.stock()


@pytest.fixture
def own():
    return shop.add(1, 1)


def test_add():
    assert shop.add(2, 3) == 5


@pytest.mark.parametrize("number", [1, 2])
def test_double(number):
    assert shop.double(number) == 2 * number


def test_shared(shared):
    assert shared


def test_shared_again(shared):
    assert shared


def test_own(own):
    assert own == 2


def test_reads_the_source():
    assert "def add" in pathlib.Path(shop.__file__).read_text()


def test_reads_a_page():
    assert pathlib.Path("README.md").read_text()


def test_starts_a_process():
    subprocess.run([sys.executable, "-c", ""], check=True)
"""
FILES = {
    "shop.py": SHOP,
    "test_shop.py": TESTS,
    "README.md": "# Shop\n",
    "CHANGES.md": "# Changes\n",
    "pytest.ini": "[pytest]\npythonpath = .\naddopts = -p no:hypothesispytest -p no:anyio\n",
}
ALWAYS = {"test_reads_the_source", "test_starts_a_process"}


@pytest.fixture(scope="module")
def workspace(shared_workspace_of: Callable[..., Workspace]) -> Workspace:
    return shared_workspace_of(FILES)


@pytest.fixture(scope="module")
def spectrum(workspace: Workspace) -> Spectrum:
    run = run_suite(workspace, workspace.night.base, coverage=True)
    assert run.count("passed") == len(run.outcomes) == 9
    return run.spectrum


@pytest.fixture
def reaching(
    workspace: Workspace, spectrum: Spectrum, repair_in: Callable[..., Repair]
) -> Callable[..., set[str] | None]:
    def named(path: str, old: str, new: str) -> set[str] | None:
        contents = {name: content.encode() for name, content in FILES.items()}
        tests = Reach(spectrum, contents).tests(repair_in(workspace, path, old, new))
        return None if tests is None else {name.partition("::")[2] for name in tests}

    return named


@pytest.mark.parametrize(
    ("old", "tests"),
    [
        ("first + second", {"test_add", "test_own"}),
        ("number * 2", {"test_double[1]", "test_double[2]"}),
        ("    return number\n", {"test_double[1]", "test_double[2]"}),
    ],
)
def test_who_runs_a_line_can_tell(reaching, old, tests):
    assert reaching("shop.py", old, "  0  ") == tests | ALWAYS


@pytest.mark.parametrize(
    "old",
    ["import os", "LIMIT = 3", "number=LIMIT", "def unused", "return 1\n", "return [LIMIT]"],
    ids=["import", "module", "default", "header", "called at import", "shared fixture"],
)
def test_of_what_takes_part_in_an_import_or_a_shared_fixture_any_test_can_tell(reaching, old):
    assert reaching("shop.py", old, "pass") is None


def test_an_import_of_the_library_is_told_of_by_who_reads_the_file_alone(reaching):
    assert reaching("shop.py", "import os\n", "import os\nimport io\n") is None
    assert reaching("shop.py", "", "import io\n") == ALWAYS
    assert reaching("shop.py", "", "import test_shop\n") is None


def test_where_all_modules_import_to_the_same_names_an_import_needs_no_test(workspace, spectrum, repair_in):
    contents = {name: content.encode() for name, content in FILES.items()}
    unused = repair_in(workspace, "shop.py", "import os\n", "")
    limit = repair_in(workspace, "shop.py", "LIMIT = 3", "LIMIT = 4")
    reach = Reach(spectrum, contents, {unused.id, limit.id})
    assert {name.partition("::")[2] for name in reach.tests(unused) or ()} == ALWAYS
    assert reach.tests(limit) is None, "that is known of imports alone"
    mixed = repair_in(workspace, "shop.py", "import os\n\nLIMIT = 3", "\nLIMIT = 4")
    assert Reach(spectrum, contents, {mixed.id}).tests(mixed) is None, "and not of what stands beside them"


def test_of_a_file_that_is_no_program_those_can_tell_who_open_it(reaching):
    assert reaching("README.md", "# Shop", "# Shops") == {"test_reads_a_page", "test_starts_a_process"}
    assert reaching("CHANGES.md", "# Changes", "# Change") == {"test_starts_a_process"}


def test_where_nothing_was_recorded_any_test_can_tell(workspace, repair_in):
    reach = Reach(Spectrum(), {"shop.py": SHOP.encode()})
    assert reach.tests(repair_in(workspace, "shop.py", "first + second", "0")) is None


@pytest.mark.parametrize("tests", ["1", "0xg", "-0x1", "0x1\n"])
def test_what_a_target_wrote_instead_of_a_set_of_tests_is_refused(tests):
    with pytest.raises(ValueError, match="spawning"):
        Spectrum(tests=("", "t"), spawning=tests)


@pytest.mark.parametrize(
    ("gone", "text", "lines"),
    [
        ("\nimport b\n", "", (3, 3)),
        ("import b\n", "", (3, 3)),
        ("\n", "", (2, 2)),
        ("\nimport b\n", "\nimport c\n", (3, 3)),
    ],
    ids=["a blank line above goes along", "a line", "only a blank line", "another line"],
)
def test_a_line_that_goes_is_counted_from_its_first_word(gone, text, lines):
    content = "a\n\nimport b\nc\n"
    start = content.index(gone, 2)
    edit = Edit(path="a.py", start=start, end=start + len(gone), text=text)
    assert changed_lines(edit, content.encode()) == lines
