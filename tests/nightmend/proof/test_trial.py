"""The target's own tests judge repairs, really run in a sandbox: the guilty fall, the unlucky do not."""

import pytest

import nightmend.proof.trial as trial
from nightmend.proof import suite
from nightmend.proof.baseline import establish_baseline
from nightmend.proof.bench import Bench
from nightmend.proof.suite import run_suite
from nightmend.settings import MIB

pytestmark = pytest.mark.integration

SHOP = """\
import os

NAMES = ["tea", "milk"]
SEEN = []


def add(first, second):
    return first + second


def double(number):
    return number * 2


def greet(name):
    return f"hello {name}"


def width():
    return 10


def height():
    return 10


def note(name):
    return [name]


def seen():
    return SEEN
"""
TESTS = """\
import pathlib

import pytest
import shop


def test_add():
    assert shop.add(2, 3) == 5


def test_double():
    assert shop.double(2) == 4


@pytest.mark.parametrize("name", shop.NAMES)
def test_greet(name):
    assert name in shop.greet(name)


def test_area():
    assert shop.width() * shop.height() <= 200


def test_note():
    assert shop.note("a") == ["a"]


def test_seen():
    assert shop.SEEN == []


def test_weather():
    assert not pathlib.Path("storm").exists()


def test_failed_before():
    assert False
"""
INI = "[pytest]\npythonpath = .\naddopts = -p no:hypothesispytest -p no:anyio\n"
"""Plugins of our environment that these tests have no use for, and that take two thirds of a run."""
FILES = {"shop.py": SHOP, "tests/test_shop.py": TESTS, "pytest.ini": INI}


@pytest.fixture(scope="module")
def workspace(shared_workspace_of):
    return shared_workspace_of(FILES)


@pytest.fixture(scope="module")
def baseline(workspace):
    return establish_baseline(workspace, workspace.night.base)


@pytest.fixture
def tried(workspace, baseline, repair_in):
    """Put repairs of shop.py, named by what they are, on trial; returns their judgements by name."""

    def run(**changes):
        repairs = [
            repair_in(workspace, "shop.py", old, new, pattern=name) for name, (old, new) in changes.items()
        ]
        bench = Bench(workspace, workspace.night.base, repairs)
        trial.tests_rung(bench, baseline)
        return {one.repair.pattern: one for one in bench.judgements()}

    return run


GOOD = {
    "better_greeting": ("hello {name}", "good day, {name}"),
    "wider": ("def width():\n    return 10", "def width():\n    return 20"),
}


def verdicts(judgements):
    return {name: one.verdict for name, one in judgements.items()}


def test_the_baseline_knows_what_failed_before(baseline):
    assert baseline.suite.outcomes["tests/test_shop.py::test_failed_before"] == "failed"
    assert baseline.unsteady == ()


def test_the_guilty_one_of_several_is_rolled_back_alone(tried):
    judgements = tried(**GOOD, guilty=("number * 2", "number * 3"))
    assert verdicts(judgements) == dict.fromkeys(GOOD, "kept") | {"guilty": "rolled_back"}
    guilty = judgements["guilty"]
    assert guilty.reason == "it breaks tests/test_shop.py::test_double"
    assert guilty.evidence.tests_broken == ("tests/test_shop.py::test_double",)
    assert judgements["wider"].evidence.tests_broken == ()


def test_each_of_two_guilty_is_rolled_back_for_its_own_tests(tried):
    judgements = tried(sum=("first + second", "first - second"), product=("* 2", "* 4"))
    assert verdicts(judgements) == {"sum": "rolled_back", "product": "rolled_back"}
    assert judgements["sum"].evidence.tests_broken == ("tests/test_shop.py::test_add",)
    assert judgements["product"].evidence.tests_broken == ("tests/test_shop.py::test_double",)


def test_a_test_that_vanished_counts_as_failed(tried):
    judgements = tried(fewer=('["tea", "milk"]', '["milk"]'), wider=GOOD["wider"])
    assert verdicts(judgements) == {"fewer": "rolled_back", "wider": "kept"}
    assert judgements["fewer"].evidence.tests_broken == ("tests/test_shop.py::test_greet[tea]",)


@pytest.mark.night
def test_a_repair_after_which_nothing_can_be_collected_falls_alone(tried):
    judgements = tried(gone=("import os", "import no_such_module"), wider=GOOD["wider"])
    assert verdicts(judgements) == {"gone": "rolled_back", "wider": "kept"}
    assert " and 5 more" in judgements["gone"].reason


@pytest.mark.night
def test_a_repair_that_ends_the_run_of_the_tests_falls_alone(tried):
    judgements = tried(crash=("return number * 2", "os._exit(0)"), wider=GOOD["wider"])
    assert verdicts(judgements) == {"crash": "rolled_back", "wider": "kept"}


def test_a_repair_that_takes_all_memory_falls_alone(tried, monkeypatch):
    less = suite.SUITE_LIMITS.model_copy(update={"memory": 400 * MIB})
    monkeypatch.setattr(suite, "SUITE_LIMITS", less)
    eats = "return number * 2 + 0 * len([bytearray(b'x' * 2**20) for _ in range(1500)])"
    judged = tried(eats=("return number * 2", eats), greets=("hello {name}", "hi {name}"))
    assert (judged["greets"].verdict, judged["eats"].verdict) == ("kept", "rolled_back")
    assert judged["eats"].evidence.tests_broken == ("tests/test_shop.py::test_double",)


def test_a_repair_that_hangs_falls_alone_at_a_limit_that_its_reason_names(tried, baseline, monkeypatch):
    monkeypatch.setattr(suite, "FLOOR_SECONDS", 3)
    limits = suite.limits_beside(baseline.suite)
    assert limits.wall_seconds == 3 + 5 * baseline.suite.seconds < suite.SUITE_LIMITS.wall_seconds
    judged = tried(
        hangs=("return number * 2", "import time; time.sleep(900)"), greets=("hello {name}", "hi {name}")
    )
    assert (judged["greets"].verdict, judged["hangs"].verdict) == ("kept", "rolled_back")
    assert judged["hangs"].evidence.tests_broken == ("tests/test_shop.py::test_double",)
    assert f"came to its limit, wall_seconds of {limits.wall_seconds:.0f}" in judged["hangs"].reason


def test_of_a_pair_that_breaks_only_together_one_is_rolled_back(tried):
    judgements = tried(
        wider=GOOD["wider"],
        greeting=GOOD["better_greeting"],
        higher=("def height():\n    return 10", "def height():\n    return 20"),
    )
    assert sorted(verdicts(judgements).values()) == ["kept", "kept", "rolled_back"]
    assert judgements["greeting"].verdict == "kept"
    [fallen] = [one for one in judgements.values() if one.verdict == "rolled_back"]
    [partner] = [
        one
        for one in judgements.values()
        if one.repair.pattern in {"wider", "higher"} - {fallen.repair.pattern}
    ]
    assert "breaks tests/test_shop.py::test_area, beside " in fallen.reason
    assert partner.repair.id in fallen.reason


@pytest.mark.night
def test_a_repair_that_breaks_a_test_only_beside_the_others_is_found_by_the_whole_suite(
    workspace, baseline, repair_in
):
    """The test that breaks does not reach the repair: only what ships is run with all its tests."""
    changes = {"leak": ("return [name]", "SEEN.append(name)\n    return [name]"), "wider": GOOD["wider"]}
    repairs = [repair_in(workspace, "shop.py", *change, pattern=name) for name, change in changes.items()]
    bench = Bench(workspace, workspace.night.base, repairs)
    trial.Trial(bench, baseline).clear(frozenset({"tests/test_shop.py::test_seen"}))
    judgements = {one.repair.pattern: one for one in bench.judgements()}
    assert verdicts(judgements) == {"leak": "rolled_back", "wider": "kept"}
    assert judgements["leak"].evidence.tests_broken == ("tests/test_shop.py::test_seen",)


def test_what_is_equal_by_construction_is_not_tried(workspace, baseline, repair_in):
    bench = Bench(
        workspace, workspace.night.base, [repair_in(workspace, "shop.py", "return 10", "return (10)")]
    )
    bench.grades = {bench.repairs[0].id: "A"}
    assert trial.tests_rung(bench, baseline) == 0
    assert bench.judgements()[0].verdict == "kept"


def test_tests_that_cannot_judge_judge_nothing(workspace, baseline, repair_in):
    bench = Bench(workspace, workspace.night.base, [repair_in(workspace, "shop.py", "* 2", "* 3")])
    suite = baseline.suite.model_copy(update={"usable": False})
    assert trial.tests_rung(bench, baseline.model_copy(update={"suite": suite})) == 0


WHOLE = {"more": ('"milk"]', '"milk", "rye"]'), "better_greeting": GOOD["better_greeting"]}
"""Of what takes part in an import any test can tell, so that all are run."""


class TestFlickering:
    """`test_weather` fails while a file lies in the tree, which is put there between runs from outside."""

    @pytest.fixture
    def trial_in(self, workspace, baseline, repair_in, monkeypatch):
        """Hold a trial in which the test fails in those runs that `storms` says, counted from 1."""
        storm = workspace.checkout(workspace.night.base) / "storm"

        def hold(storms, changes, unsteady=()):
            numbers = []

            def counted(*arguments, **options):
                numbers.append(len(numbers) + 1)
                storm.touch() if storms(numbers[-1]) else storm.unlink(missing_ok=True)
                return run_suite(*arguments, **options)

            monkeypatch.setattr(trial, "run_suite", counted)
            repairs = [
                repair_in(workspace, "shop.py", *change, pattern=name) for name, change in changes.items()
            ]
            bench = Bench(workspace, workspace.night.base, repairs)
            trial.tests_rung(bench, baseline.model_copy(update={"unsteady": unsteady}))
            return {one.repair.pattern: one.verdict for one in bench.judgements()}, len(numbers)

        yield hold
        storm.unlink(missing_ok=True)

    def test_a_failure_that_a_second_look_does_not_see_is_nobodys_fault(self, trial_in):
        found, runs = trial_in(lambda run: run == 1, WHOLE)
        assert found == dict.fromkeys(WHOLE, "kept")
        assert runs > 1

    def test_a_failure_of_the_base_too_is_nobodys_fault(self, trial_in):
        found, _ = trial_in(lambda run: True, WHOLE)
        assert found == dict.fromkeys(WHOLE, "kept")

    def test_the_guilty_is_found_behind_a_test_that_flickers(self, trial_in):
        found, _ = trial_in(lambda run: run == 1, {**WHOLE, "guilty": ("first + second", "first - second")})
        assert found == {**dict.fromkeys(WHOLE, "kept"), "guilty": "rolled_back"}

    def test_a_test_that_is_unsteady_at_the_baseline_judges_nobody(self, trial_in):
        found, runs = trial_in(lambda run: True, WHOLE, ("tests/test_shop.py::test_weather",))
        assert found == dict.fromkeys(WHOLE, "kept")
        assert runs == 1, "it needs no second look either"


class TestSelection:
    """Only the tests that reach a repair are run, and only its suspects stand trial for each."""

    @pytest.fixture
    def asked(self, monkeypatch):
        """The tests that each run was asked for; None is the whole suite."""
        asked = []

        def noted(*arguments, **options):
            asked.append(options.get("only"))
            return run_suite(*arguments, **options)

        monkeypatch.setattr(trial, "run_suite", noted)
        return asked

    def test_who_does_not_reach_a_repair_is_not_run(self, tried, asked):
        assert verdicts(tried(**GOOD)) == dict.fromkeys(GOOD, "kept")
        reaching = {
            f"tests/test_shop.py::{name}" for name in ("test_greet[tea]", "test_greet[milk]", "test_area")
        }
        assert [set(only) for only in asked] == [reaching]

    def test_what_no_test_reaches_needs_no_run(self, tried, asked):
        tried(never=("return SEEN", "return 0"))
        assert asked == []

    def test_what_takes_part_in_the_import_needs_them_all(self, tried, asked):
        assert verdicts(tried(names=('"milk"]', '"milk", "rye"]'))) == {"names": "kept"}
        assert asked == [None]

    def test_one_guilty_of_two_suspects_is_found_on_its_test_alone(self, tried, asked):
        judgements = tried(
            first=("return first + second", "return first - second"),
            second=("def add(first, second):\n", "def add(first, second, *rest):\n"),
            greeting=GOOD["better_greeting"],
        )
        assert verdicts(judgements) == {"first": "rolled_back", "second": "kept", "greeting": "kept"}
        assert {tuple(only) for only in asked[1:] if only} == {("tests/test_shop.py::test_add",)}

    def test_where_what_was_recorded_is_wrong_the_guilty_is_found_among_all(
        self, workspace, baseline, repair_in
    ):
        """The lines of the guilty one are said to be run by a test that does not run them."""
        spectrum = baseline.suite.spectrum
        names = list(spectrum.tests)
        area, double = (
            1 << names.index(f"tests/test_shop.py::{name}") for name in ("test_area", "test_double")
        )
        swapped = {area: double, double: area}
        lines = {
            path: tuple((hex(swapped.get(int(tests, 16), int(tests, 16))), ran) for tests, ran in groups)
            for path, groups in spectrum.lines.items()
        }
        wrong = spectrum.model_copy(update={"lines": lines})
        misled = baseline.model_copy(update={"suite": baseline.suite.model_copy(update={"spectrum": wrong})})
        guilty = repair_in(workspace, "shop.py", "return number * 2", "return number * 3", pattern="guilty")
        wide = repair_in(workspace, "shop.py", "return 10", "return 20", pattern="wide")
        bench = Bench(workspace, workspace.night.base, [guilty, wide])
        found = trial.Trial(bench, misled)
        found.clear(frozenset({"tests/test_shop.py::test_double"}))
        assert {one.repair.pattern: one.verdict for one in bench.judgements()} == {
            "guilty": "rolled_back",
            "wide": "kept",
        }
