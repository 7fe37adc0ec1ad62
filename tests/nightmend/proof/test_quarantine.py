"""Tests that do not end alike each time on one tree: told apart, and the test that decides others named."""

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightmend.proof.baseline import Baseline, establish_baseline
from nightmend.proof.quarantine import SEARCHING_RUNS, Looked, Way, quarantine
from nightmend.proof.records import SuiteRun
from nightmend.proof.suite import run_suite
from nightmend.workspace import Workspace

OWN, OTHER = Way(None, 0), Way(5, 5)
TESTS = tuple(f"test_{number}" for number in range(40))


class Suite:
    """A suite in memory: `passes` says of a test whether it does, by those before it and the way."""

    def __init__(
        self, passes: Callable[[str, Sequence[str], Way], bool], tests: Sequence[str] = TESTS
    ) -> None:
        self.passes = passes
        self.tests = tuple(tests)
        self.runs: list[int] = []

    def run(self, way: Way, only: Sequence[str] | None) -> SuiteRun:
        names = list(self.tests)
        if way.order is not None:
            random.Random(way.order).shuffle(names)
        names = [name for name in names if only is None or name in only]
        self.runs.append(len(names))
        return SuiteRun(
            usable=True,
            outcomes={
                name: "passed" if self.passes(name, names[:at], way) else "failed"
                for at, name in enumerate(names)
            },
        )

    def looked(self) -> Looked:
        first, second = self.run(OWN, None), self.run(OTHER, None)
        self.runs.clear()
        return quarantine(first, second, OWN, OTHER, self.run)


def before(one: str, other: str, way: Way) -> bool:
    names = list(Suite(lambda *_: True).run(way, None).outcomes)
    return names.index(one) < names.index(other)


def test_where_nothing_differs_nothing_more_is_run() -> None:
    suite = Suite(lambda *_: True)
    assert suite.looked() == Looked((), 2)
    assert suite.runs == []


@given(st.lists(st.sampled_from(TESTS), min_size=2, max_size=2, unique=True))
def test_the_one_test_that_spoils_another_is_found(pair: list[str]) -> None:
    spoiler, victim = pair
    looked = Suite(lambda test, ahead, way: test != victim or spoiler not in ahead).looked()
    apart = before(spoiler, victim, OWN) != before(spoiler, victim, OTHER)
    assert [(one.test, one.cause, one.spoiled_by, one.needs) for one in looked.quarantined] == (
        [(victim, "order", spoiler, "")] if apart else []
    )
    assert looked.runs == (4 if apart else 2)


@given(st.lists(st.sampled_from(TESTS), min_size=2, max_size=2, unique=True))
def test_the_one_test_that_another_needs_is_found(pair: list[str]) -> None:
    maker, user = pair
    looked = Suite(lambda test, ahead, way: test != user or maker in ahead).looked()
    apart = before(maker, user, OWN) != before(maker, user, OTHER)
    assert [(one.test, one.cause, one.spoiled_by, one.needs) for one in looked.quarantined] == (
        [(user, "order", "", maker)] if apart else []
    )


def test_of_two_that_spoil_only_together_none_is_named() -> None:
    names = list(Suite(lambda *_: True).run(OTHER, None).outcomes)
    victim = next(name for name in TESTS[:5] if names.index(name) > 10)
    spoilers = {names[0], names[names.index(victim) - 1]} - set(TESTS[: TESTS.index(victim)])
    assert len(spoilers) == 2
    looked = Suite(lambda test, ahead, way: test != victim or not spoilers.issubset(ahead)).looked()
    assert [(one.test, one.cause, one.spoiled_by) for one in looked.quarantined] == [(victim, "order", "")]


def test_one_that_spoils_many_costs_one_search_and_the_search_is_bounded() -> None:
    spoiler = next(name for name in Suite(lambda *_: True).run(OTHER, None).outcomes if name in TESTS[30:])
    suite = Suite(lambda test, ahead, way: spoiler not in ahead)
    looked = suite.looked()
    victims = [one for one in looked.quarantined if one.cause == "order"]
    assert len(victims) > 5
    assert {one.spoiled_by for one in victims} <= {spoiler, ""}
    assert sum(one.spoiled_by == spoiler for one in victims) > 5
    assert len(suite.runs) <= SEARCHING_RUNS + 2


def test_what_ends_in_two_ways_in_the_same_order_flickers() -> None:
    turns = iter([True, True, True, False, False, True])
    suite = Suite(lambda test, ahead, way: next(turns), tests=["a", "b"])
    looked = (
        suite.looked()
    )  # both pass in their own order; in the other one fails, and then only the other one
    assert {one.cause for one in looked.quarantined} == {"flaky"}
    assert (looked.runs, suite.runs) == (3, [2])
    assert {(one.order_seed, one.hash_seed) for one in looked.quarantined} == {(5, 5)}


def test_what_ends_otherwise_with_another_hash_seed_does_not_depend_on_the_order() -> None:
    suite = Suite(lambda test, ahead, way: test != TESTS[3] or way.hash_seed == 0)
    looked = suite.looked()
    assert [(one.test, one.cause) for one in looked.quarantined] == [(TESTS[3], "hash_seed")]
    assert looked.runs == 5


def test_what_differs_in_its_own_order_too_flickers() -> None:
    seen: list[Way] = []

    def passes(test: str, ahead: Sequence[str], way: Way) -> bool:
        seen.append(way)
        return len(seen) == 1

    looked = Suite(passes, tests=["a"]).looked()
    assert [(one.test, one.cause) for one in looked.quarantined] == [("a", "flaky")]


def test_what_had_no_turn_in_a_run_that_was_cut_short_is_compared_in_the_suites_own_order() -> None:
    suite = Suite(lambda *_: True, tests=["a", "b", "c"])
    first = suite.run(OWN, None)
    cut = SuiteRun(usable=True, outcomes={"c": "passed"}, cut_short=True, stopped_in="a")
    again = {OTHER: cut}
    looked = quarantine(first, cut, OWN, OTHER, lambda way, only: again.get(way) or suite.run(way, only))
    assert [(one.test, one.cause, one.spoiled_by) for one in looked.quarantined] == [("a", "order", "")]
    assert looked.runs == 5


# Whole suites in sandboxes.

Begin = Callable[..., Baseline]
SEED = 4
"""Of an order in which test_z.py comes before test_a.py."""
STATE = "PLACES = {}\n"
SPOILS = "import state\n\n\ndef test_spoils():\n    state.PLACES['home'] = 1\n"
VICTIM = "import state\n\n\ndef test_victim():\n    assert not state.PLACES\n"
GOOD = "def test_{0}():\n    pass\n"


@pytest.fixture
def begin(
    make_target: Callable[[Mapping[str, str]], Path], open_workspace: Callable[..., Workspace]
) -> Callable[..., tuple[Workspace, Baseline]]:
    def established(files: Mapping[str, str], seed: int) -> tuple[Workspace, Baseline]:
        workspace = open_workspace(make_target(files))
        return workspace, establish_baseline(workspace, workspace.night.base, seed)

    return established


def shuffled(workspace: Workspace, seed: int, **options: object) -> list[str]:
    run = run_suite(workspace, workspace.night.base, order=seed, **options)  # type: ignore[arg-type]
    return list(run.outcomes)


@pytest.mark.integration
def test_a_test_that_another_spoils_is_quarantined_with_its_pair_and_the_own_order_stays(begin) -> None:
    more = {f"test_m{number}.py": GOOD.format(number) for number in range(6)}
    files = {"state.py": STATE, "test_a.py": VICTIM, "test_z.py": SPOILS, **more}
    _, baseline = begin(files, SEED)
    assert list(baseline.suite.outcomes) == sorted(baseline.suite.outcomes)
    assert set(baseline.suite.outcomes.values()) == {"passed"}
    [one] = baseline.quarantined
    assert (one.test, one.cause, one.spoiled_by) == (
        "test_a.py::test_victim",
        "order",
        "test_z.py::test_spoils",
    )
    assert (one.order_seed, one.hash_seed, baseline.runs) == (SEED, SEED, 4)
    assert baseline.unsteady == ("test_a.py::test_victim",)


@pytest.mark.integration
def test_only_tests_that_judge_reach_anything(begin) -> None:
    lib = "def one():\n    return 1\n\n\ndef two():\n    return 2\n"
    sets = "def test_sets():\n    import lib\n    assert {'a', 'b', 'c', 'd'}.pop() == 'x' or lib.one()\n"
    flickers = (
        "import os\n\n\ndef test_flickers():\n    import lib\n    lib.two()\n"
        "    assert os.environ['PYTHONHASHSEED'] == '0'\n"
    )
    _, baseline = begin({"lib.py": lib, "test_a.py": sets, "test_b.py": flickers}, 1)
    assert [(one.test, one.cause) for one in baseline.quarantined] == [
        ("test_b.py::test_flickers", "hash_seed")
    ]
    assert baseline.suite.spectrum.reached["lib.py"] == (1, 2, 5, 6)
    assert 6 not in baseline.judging.spectrum.reached["lib.py"]
    assert 2 in baseline.judging.spectrum.reached["lib.py"]


@pytest.mark.integration
def test_a_steady_suite_is_run_twice_and_a_hash_seed_that_it_fixes_stays(begin) -> None:
    asks = "import os\n\n\ndef test_seed():\n    assert os.environ['PYTHONHASHSEED'] == '42'\n"
    files = {"tox.ini": "[testenv]\nsetenv =\n    PYTHONHASHSEED = 42\n", "test_a.py": asks}
    _, baseline = begin(files, 1)
    assert (baseline.quarantined, baseline.runs, baseline.hash_seed) == ((), 2, 42)
    assert baseline.suite.outcomes == {"test_a.py::test_seed": "passed"}


@pytest.mark.integration
def test_a_test_that_ends_the_run_in_another_order_is_named_and_costs_only_itself(begin) -> None:
    ends = "import os, state\n\n\ndef test_victim():\n    state.PLACES and os._exit(3)\n"
    files = {"state.py": STATE, "test_a.py": ends, "test_b.py": GOOD.format(1), "test_z.py": SPOILS}
    _, baseline = begin(files, SEED)
    assert [(one.test, one.cause) for one in baseline.quarantined] == [("test_a.py::test_victim", "order")]
    assert baseline.note.startswith("in another order the tests did not come to their end: ")


NESTED = """
import pytest

class TestOne:
    def test_a(self): pass
    def test_b(self): pass
    class TestInner:
        def test_c(self): pass
        def test_d(self): pass
    def test_e(self): pass

def test_f(): pass
def test_g(): pass

@pytest.mark.{mark}
def test_h(): pass
"""


@pytest.mark.integration
def test_another_order_keeps_folders_files_classes_and_stories_together(begin) -> None:
    files = {f"{place}/test_it.py": NESTED.format(mark="usefixtures") for place in ("a", "b", "b/c")}
    files["a/test_story.py"] = NESTED.format(mark="incremental").replace("import pytest\n", "import pytest\n")
    files["pytest.ini"] = "[pytest]\nmarkers = incremental\naddopts = --import-mode=importlib\n"
    workspace, baseline = begin(files, 1)
    own = list(baseline.suite.outcomes)
    assert len(own) == 32
    assert baseline.quarantined == ()
    orders = [shuffled(workspace, seed) for seed in (1, 2, 3)]
    assert all(sorted(order) == sorted(own) for order in orders)
    assert len({tuple(order) for order in (own, *orders)}) == 4
    for order in orders:
        for group in ("a/", "b/", "b/c/", "b/test_it.py::TestOne", "b/test_it.py::TestOne::TestInner"):
            places = [at for at, name in enumerate(order) if name.startswith(group)]
            assert places == list(range(places[0], places[-1] + 1)), group
        story = [name for name in order if name.startswith("a/test_story")]
        assert story == [name for name in own if name.startswith("a/test_story")]
        assert shuffled(workspace, 1, only=sorted(own)[:9]) == [
            name for name in orders[0] if name in sorted(own)[:9]
        ]
