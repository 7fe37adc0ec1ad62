from importlib.util import find_spec
from pathlib import Path

import pytest

from nightmend.proof import suite
from nightmend.proof.baseline import Baseline, establish_baseline
from nightmend.proof.profile import profile_tests, slowest
from nightmend.proof.records import SuiteRun

pytestmark = pytest.mark.integration

MODULE = """\
def slow(count):
    total = 0
    for number in range(count):
        total += number * number % 7
    return total


def quick():
    return 1


def fill(mebibytes):
    return b"x" * (mebibytes << 20)
"""
TESTS = """\
import time

from work import fill, quick, slow


def test_slow():
    assert quick() and slow(300000)


def test_large():
    held = fill(96)
    time.sleep(0.5)  # memory is sampled: what is gone at once is not seen
    assert len(held)


def test_fails():
    assert not slow(50000)
"""


@pytest.fixture
def workspace(make_target, open_workspace):
    return open_workspace(make_target({"work.py": MODULE, "test_work.py": TESTS}))


def test_the_hot_function_its_hot_line_and_the_peak_of_memory_are_found(workspace):
    base = workspace.night.base
    profile = profile_tests(workspace, base, establish_baseline(workspace, base))
    assert profile.trouble == ""
    seen = {function.name: function for function in profile.functions}
    assert (seen["slow"].path, seen["slow"].line, seen["slow"].hot_line) == ("work.py", 1, 4)
    assert profile.share(seen["slow"]) > 10 * profile.share(seen["quick"])
    assert set(profile.tests) == {"test_work.py::test_slow", "test_work.py::test_large"}
    large, slow = (profile.peak_memory[f"test_work.py::test_{name}"] for name in ("large", "slow"))
    assert profile.peak_mib == large > slow + 60
    assert "slow (work.py:1) " in profile.metrics["hot_functions"]


@pytest.fixture
def bare_environment(make_environment) -> Path:
    """An environment with pytest, and without any profiler."""
    python = make_environment()
    (places,) = python.parent.parent.glob("lib/python*/site-packages")
    (places / "ours.pth").unlink()
    ours = Path(find_spec("pytest").submodule_search_locations[0]).parent
    for name in (
        "pytest",
        "_pytest",
        "pluggy",
        "iniconfig",
        "packaging",
        "pygments",
        "pytest-*.dist-info",
        "py.py",
    ):
        for place in ours.glob(name):
            (places / place.name).symlink_to(place)
    return python


def test_our_profilers_are_lent_where_there_are_none(make_target, open_workspace, bare_environment):
    workspace = open_workspace(make_target({"work.py": MODULE, "test_work.py": TESTS}), bare_environment)
    base = workspace.night.base
    profile = profile_tests(workspace, base, establish_baseline(workspace, base))
    assert profile.trouble == ""
    assert "slow" in {function.name for function in profile.functions}
    assert profile.peak_mib > 60


def test_a_profiler_that_cannot_be_loaded_is_told_and_the_other_still_works(
    make_target, open_workspace, bare_environment, monkeypatch
):
    workspace = open_workspace(make_target({"work.py": MODULE, "test_work.py": TESTS}), bare_environment)
    monkeypatch.setattr(suite, "PROFILING", ("memory_profiler", "psutil"))
    base = workspace.night.base
    profile = profile_tests(workspace, base, establish_baseline(workspace, base))
    assert profile.trouble == "ModuleNotFoundError: No module named 'line_profiler'"
    assert profile.functions == ()
    assert profile.peak_mib > 60


def test_a_suite_that_cannot_be_used_is_not_profiled(workspace):
    unusable = Baseline(suite=SuiteRun(usable=False, reason="no pytest"))
    profile = profile_tests(workspace, workspace.night.base, unusable)
    assert (profile.trouble, profile.metrics["hot_functions"], profile.peak_mib) == ("no pytest", None, None)


def test_the_slowest_steady_tests_are_chosen_as_far_as_time_allows():
    spent = {"far_too_slow": 9.0, "flickers": 0.9, "failed": 0.8, "a": 0.6, "b": 0.5, "c": 0.3, "d": 0.05}
    outcomes = dict.fromkeys(spent, "passed") | {"failed": "failed"}
    run = SuiteRun(usable=True, outcomes=outcomes, call_seconds=spent)
    assert slowest(Baseline(suite=run, unsteady=("flickers",))) == ("a", "c", "d")
