from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from nightmend.proof.compare import broken_tests
from nightmend.proof.suite import SuiteRun, run_suite
from nightmend.settings import SUITE_LIMITS
from nightmend.workspace import Workspace

pytestmark = pytest.mark.integration

MakeTarget = Callable[[Mapping[str, str]], Path]
OpenWorkspace = Callable[..., Workspace]

OUTCOMES = """
import pytest


@pytest.fixture
def no_setup():
    raise RuntimeError("the fixture broke")


@pytest.fixture
def no_teardown():
    yield
    raise RuntimeError("the end broke")


def test_passed(): pass
def test_failed(): assert 1 == 2, "one is not two"
def test_setup(no_setup): pass
def test_teardown(no_teardown): pass
def test_failed_and_torn(no_teardown): assert False
@pytest.mark.skip
def test_skipped(): pass
@pytest.mark.xfail
def test_xfailed(): assert False
@pytest.mark.xfail
def test_xpassed(): pass
@pytest.mark.xfail(strict=True)
def test_strict(): pass
@pytest.mark.parametrize("word", ["a b", "c::d"])
def test_word(word): assert word == "a b"
"""


def run(workspace: Workspace, **options: object) -> SuiteRun:
    return run_suite(workspace, workspace.night.base, **options)  # type: ignore[arg-type]


def short(suite: SuiteRun) -> dict[str, str]:
    return {name.partition("::")[2]: outcome for name, outcome in suite.outcomes.items()}


def test_each_test_has_one_outcome_and_an_error_beats_the_rest(
    make_target: MakeTarget, open_workspace: OpenWorkspace
) -> None:
    suite = run(open_workspace(make_target({"test_all.py": OUTCOMES, "test_broken.py": "import nowhere\n"})))
    assert suite.usable
    assert suite.reason == ""
    assert short(suite) == {
        "test_passed": "passed",
        "test_failed": "failed",
        "test_setup": "error",
        "test_teardown": "error",
        "test_failed_and_torn": "error",
        "test_skipped": "skipped",
        "test_xfailed": "xfailed",
        "test_xpassed": "xpassed",
        "test_strict": "failed",
        "test_word[a b]": "passed",
        "test_word[c::d]": "failed",
    }
    assert suite.messages["test_all.py::test_failed"].startswith("AssertionError: one is not two")
    assert suite.messages["test_all.py::test_teardown"] == "RuntimeError: the end broke"
    assert list(suite.collection_errors) == ["test_broken.py"]
    assert "No module named 'nowhere'" in suite.collection_errors["test_broken.py"]
    assert suite.count("passed") == 2


def test_only_runs_the_tests_named_and_no_other(
    make_target: MakeTarget, open_workspace: OpenWorkspace
) -> None:
    target = make_target({"test_all.py": OUTCOMES, "tests/test_more.py": "def test_more(): pass\n"})
    workspace = open_workspace(target)
    names = ["test_all.py::test_word[c::d]", "test_all.py::test_passed", "gone.py::test_gone"]
    assert short(run(workspace, only=names)) == {"test_passed": "passed", "test_word[c::d]": "failed"}
    assert run(workspace, only=["gone.py::test_gone"]).outcomes == {}


CONFIGURED = {
    "pyproject.toml": "[tool.pytest.ini_options]\n"
    "addopts = ['-xq', '--maxfail=1', '-n', '4', '--cov=.', '--cov-report', 'term', '--pdb', "
    "'--nosuch', '3', '-p', 'nosuchplugin', '-m', 'not slow']\n"
    "markers = ['slow']\ntestpaths = ['checks']\npython_files = ['check_*.py']\n",
    "checks/check_all.py": "import pytest\ndef test_one(): assert False\ndef test_two(): assert False\n"
    "@pytest.mark.slow\ndef test_slow(): pass\n",
    "test_elsewhere.py": "def test_three(): pass\n",
}


def test_the_configuration_counts_but_for_options_that_spoil_the_run(
    make_target: MakeTarget, open_workspace: OpenWorkspace
) -> None:
    suite = run(open_workspace(make_target(CONFIGURED)))
    assert suite.reason == ""
    assert short(suite) == {"test_one": "failed", "test_two": "failed"}


def test_changes_are_laid_over_the_snapshot_and_leave_no_trace(
    make_target: MakeTarget, open_workspace: OpenWorkspace
) -> None:
    target = make_target(
        {"lib.py": "ANSWER = 1\n", "test_lib.py": "import lib\ndef test_a(): assert lib.ANSWER == 1\n"}
    )
    workspace = open_workspace(target)
    before = run(workspace)
    after = run(workspace, changes={"lib.py": b"ANSWER = 2\n"})
    assert broken_tests(before, after) == ("test_lib.py::test_a",)
    assert broken_tests(before, run(workspace)) == ()
    assert sorted(path.name for path in target.iterdir()) == [".git", "lib.py", "test_lib.py"]
    assert (workspace.checkout(workspace.night.base) / "lib.py").read_text() == "ANSWER = 1\n"
    assert not list((workspace.folder / "copies").iterdir())


CACHES = {
    "lib.py": "import functools\n\n@functools.lru_cache\ndef double(n):\n    return 2 * n\n",
    "test_lib.py": "import lib\n\ndef test_a():\n    assert [lib.double(n % 2) for n in range(10)][1] == 2\n",
}


def test_a_run_tells_what_the_caches_of_the_target_answered_and_how_much_memory_it_took(
    make_target: MakeTarget, open_workspace: OpenWorkspace
) -> None:
    suite = run(open_workspace(make_target(CACHES)))
    assert (suite.cache_hits, suite.cache_misses) == (8, 2)
    assert suite.peak_memory is not None
    assert suite.peak_memory > 5_000_000


PLAIN = {"test_plain.py": "def test_a(): pass\ndef test_b(): pass\n"}


def test_a_conftest_that_cannot_be_imported_is_named(
    make_target: MakeTarget, open_workspace: OpenWorkspace
) -> None:
    suite = run(open_workspace(make_target({**PLAIN, "conftest.py": "import nowhere\n"})))
    assert not suite.usable
    assert "conftest" in suite.reason
    assert "No module named 'nowhere'" in suite.reason


def test_changes_that_break_everything_break_every_test(
    make_target: MakeTarget, open_workspace: OpenWorkspace
) -> None:
    workspace = open_workspace(make_target({**PLAIN, "conftest.py": ""}))
    before = run(workspace)
    after = run(workspace, changes={"conftest.py": b"import nowhere\n"})
    assert after.usable
    assert broken_tests(before, after) == ("test_plain.py::test_a", "test_plain.py::test_b")
    assert "nowhere" in after.reason


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        ("import os; os._exit(0)", "exit code 0"),
        ("import ctypes; ctypes.string_at(0)", "signal 11"),
        ("import time; time.sleep(100)", "wall_seconds"),
    ],
    ids=["exit", "crash", "hang"],
)
def test_tests_that_did_not_report_are_missing_and_the_reason_says_where(
    ending: str, said: str, make_target: MakeTarget, open_workspace: OpenWorkspace
) -> None:
    source = f"def test_a(): pass\ndef test_b():\n    {ending}\ndef test_c(): pass\n"
    limits = SUITE_LIMITS.model_copy(update={"wall_seconds": 3.0})
    suite = run(open_workspace(make_target({"test_it.py": source})), limits=limits)
    assert suite.usable
    assert short(suite) == {"test_a": "passed"}
    assert suite.reason.startswith("2 of 3 tests did not report: ")
    assert said in suite.reason
    assert suite.reason.endswith("in test_it.py::test_b")


def test_tests_that_remove_the_record_end_no_night(
    make_target: MakeTarget, open_workspace: OpenWorkspace
) -> None:
    source = "import os, pathlib, shutil\ndef test_a():\n"
    source += (
        "    for place in pathlib.Path().glob('.night*'):\n        shutil.rmtree(place)\n    os._exit(0)\n"
    )
    suite = run(open_workspace(make_target({"test_it.py": source})))
    assert not suite.usable
    assert suite.reason.startswith("pytest did not start")


def test_a_target_without_tests_cannot_be_judged_by_them(
    make_target: MakeTarget, open_workspace: OpenWorkspace
) -> None:
    suite = run(open_workspace(make_target({"lib.py": "ANSWER = 1\n"})))
    assert not suite.usable
    assert suite.reason == "the target has no tests that pytest finds"


FOREIGN = """
import importlib, sys


def test_another_copy(tmp_path):
    (tmp_path / "lib.py").write_text("ANSWER = 1\\n")
    sys.modules.pop("lib", None)
    sys.path.insert(0, str(tmp_path))
    assert importlib.import_module("lib").ANSWER == 1
"""
REWRITTEN = """
from pathlib import Path


def test_rewritten():
    Path("lib.py").write_text("ANSWER = 3")
    import lib
    assert lib.ANSWER == 3
"""


@pytest.mark.parametrize("tests", [FOREIGN, REWRITTEN], ids=["elsewhere", "rewritten"])
def test_a_run_on_code_that_is_not_the_snapshots_judges_nothing(
    tests: str, make_target: MakeTarget, open_workspace: OpenWorkspace
) -> None:
    suite = run(open_workspace(make_target({"lib.py": "ANSWER = 1\n", "test_lib.py": tests})))
    assert list(suite.outcomes.values()) == ["passed"]
    assert suite.foreign
    assert suite.foreign[0].startswith("lib (")
    assert not suite.usable
    assert suite.reason.startswith("the tests import code that is not the snapshot's: lib (")


def test_coverage_tells_the_lines_that_ran(make_target: MakeTarget, open_workspace: OpenWorkspace) -> None:
    lib = "def used():\n    return 1\n\n\ndef unused():\n    return 2\n"
    files = {
        "pkg/__init__.py": "",
        "pkg/lib.py": lib,
        "test_lib.py": "from pkg import lib\ndef test_a(): lib.used()\n",
    }
    suite = run(open_workspace(make_target(files)), coverage=True)
    assert suite.spectrum.reached["pkg/lib.py"] == (1, 2, 5)
    assert suite.coverage_failed == ""


def test_a_run_without_coverage_says_why_and_still_counts(
    make_target: MakeTarget, open_workspace: OpenWorkspace
) -> None:
    files = {**PLAIN, "coverage.py": "raise ImportError('not that coverage')\n"}
    suite = run(open_workspace(make_target(files)), coverage=True)
    assert suite.usable
    assert suite.spectrum.reached == {}
    assert suite.coverage_failed == "ImportError: not that coverage"
    assert suite.count("passed") == 2


def test_modules_that_a_build_made_and_git_ignores_are_there(
    make_target: MakeTarget, open_workspace: OpenWorkspace
) -> None:
    files = {
        ".gitignore": "_version.py\nsecret/\n",
        "pkg/__init__.py": "from pkg._version import version\n",
        "test_pkg.py": "import os, pkg\n"
        "def test_a(): assert pkg.version == '7' and not os.path.exists('secret')\n",
    }
    target = make_target(files)
    (target / "pkg" / "_version.py").write_text("version = '7'\n")
    (target / "secret").mkdir()
    (target / "secret" / "key.py").write_text("")
    assert short(run(open_workspace(target))) == {"test_a": "passed"}
