import random
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from nightmend.evidence import Speed
from nightmend.proof.baseline import Baseline
from nightmend.proof.bench import Bench
from nightmend.proof.probe import Reach, probe_tests
from nightmend.proof.speed import PLAIN_GAIN, Round, claims_gain, glance, measure_speeds, weigh
from nightmend.proof.speed_rung import apart, speed_rung
from nightmend.proof.suite import SuiteRun, run_suite
from nightmend.repairs.repair import Repair
from nightmend.workspace import Workspace

pytestmark = pytest.mark.integration

NOISE = 0.035
"""Standard deviation of CPU time between equal processes, as measured on a noisy machine."""
TRIES = 8
"""A busy machine makes single measurements worthless, which is said and no fault; one of so many holds."""


def rounds(
    draw: random.Random, *, faster: float = 0.0, drift: float = 0.0, noise: float = NOISE
) -> list[Round]:
    return [
        Round(
            before=draw.lognormvariate(0, noise),
            again=draw.lognormvariate(-drift, noise),
            after=draw.lognormvariate(0, noise) * (1 - faster),
        )
        for _ in range(12)
    ]


def claimed(measured: list[Round]) -> bool:
    speed = weigh(measured)
    return speed is not None and claims_gain(speed)


def test_noise_is_never_called_a_gain() -> None:
    draw = random.Random(1)
    assert not any(claimed(rounds(draw, noise=noise)) for _ in range(400) for noise in (0.01, NOISE, 0.3))


def test_a_real_gain_is_found_with_its_size() -> None:
    draw = random.Random(2)
    assert sum(claimed(rounds(draw, faster=0.25)) for _ in range(40)) >= 39
    speed = weigh(rounds(draw, faster=0.25))
    assert speed is not None
    assert speed.gain == pytest.approx(0.25, abs=0.04)
    assert 0.15 < speed.lower_bound < speed.gain
    assert speed.pairs == 12


def test_equal_trees_that_seem_to_differ_make_a_measurement_worthless() -> None:
    assert weigh(rounds(random.Random(3), faster=0.25, drift=0.2)) is None
    assert weigh(rounds(random.Random(3), faster=0.25, drift=-0.2)) is None


def test_a_first_look_claims_what_is_plain_drops_what_is_nothing_and_else_asks_for_more() -> None:
    draw = random.Random(4)

    def look(count: int, **world: float) -> list[Round]:
        return rounds(draw, **world)[:count]

    for count, least in PLAIN_GAIN.items():
        plain = glance(look(count, faster=0.6))
        assert plain is not None
        assert claims_gain(plain)
        assert plain.lower_bound > least
        assert not any((seen := glance(look(count, noise=0.1))) and claims_gain(seen) for _ in range(2000))
        assert glance(look(count, faster=0.6, drift=0.4)) is None
        assert glance([Round(before=1, again=1, after=0.9)] * count) is None
        slower = glance([Round(before=1, again=1, after=1.2)] * count)
        assert slower is not None
        assert not claims_gain(slower)
    vast = glance([Round(before=0.2, again=0.3, after=0.01)] * 2)
    assert vast is not None
    assert claims_gain(vast), "what makes equal trees differ is little beside it"
    assert glance([Round(before=0.2, again=0.3, after=0.1)] * 2) is None
    assert glance(look(1, faster=0.6)) is None
    assert glance([Round(before=1, again=1, after=0.7)] * 2) is None
    assert glance([Round(before=1, again=1, after=0.7)] * 3) is not None


def test_a_small_gain_one_pair_that_disagrees_and_few_pairs_claim_nothing() -> None:
    steady = [Round(before=1, again=1.001, after=0.97)] * 12
    assert not claimed(steady)
    fast = [Round(before=1, again=1.001, after=0.8)] * 12
    assert claimed(fast)
    assert not claimed([*fast[1:], Round(before=1, again=1, after=1.01)])
    assert weigh(fast[:7]) is None


FILES = {
    "words.py": "def unique(words):\n    seen = []\n    for word in words:\n        if word not in seen:\n"
    "            seen.append(word)\n    return seen\n\n\ndef shout(words):\n"
    "    loud = []\n    for word in words:\n        loud = loud + [word.upper()]\n    return loud\n",
    "test_words.py": "from words import shout, unique\n\n\ndef test_many():\n"
    "    assert len(unique([str(n) for n in range(400)])) == 400\n\n\n"
    "def test_once(made=[]):\n    made.append(1)\n    assert len(unique(made)) == len(made) == 1\n\n\n"
    "def test_growing(made=[]):\n    made.extend('word' for n in range(20))\n    assert unique(made)\n\n\n"
    "def test_shout():\n    assert shout(['a'] * 400) == ['A'] * 400\n",
}
LINEAR = ("    seen = []\n", "    return list(dict.fromkeys(words))\n    seen = []\n")
GROWN = ("loud = loud + [word.upper()]", "loud.append(word.upper())")
UNIQUE = ["test_words.py::test_many", "test_words.py::test_once", "test_words.py::test_growing"]
SHOUT = ["test_words.py::test_shout"]


def test_claims_are_measured_together_on_the_tests_that_can_be_repeated(
    make_target: Callable[[Mapping[str, str]], Path], open_workspace: Callable[..., Workspace]
) -> None:
    workspace = open_workspace(make_target(FILES))
    before = FILES["words.py"]
    after = {"words.py": before.replace(*LINEAR).replace(*GROWN).encode()}

    def measured() -> dict[str, Speed | None]:
        return measure_speeds(
            workspace,
            workspace.night.base,
            after,
            {"unique": UNIQUE, "shout": SHOUT, "unknown": ["test_words.py::test_none"]},
            dict.fromkeys([*UNIQUE, *SHOUT], 0.001),
            budget=20,
            sample=0.2,
        )

    claims: set[str] = set()
    for _ in range(TRIES):
        speeds = measured()
        assert speeds["unknown"] is None
        for claim, speed in speeds.items():
            if speed is not None and claims_gain(speed):
                assert speed.gain > 0.5
                claims.add(claim)
        if claims == {"unique", "shout"}:
            break
    assert claims == {"unique", "shout"}
    broken = {"words.py": before.replace("    return seen", "    return []").encode()}
    seconds = {UNIQUE[0]: 0.001}
    assert measure_speeds(
        workspace, workspace.night.base, broken, {"broken": UNIQUE}, seconds, sample=0.05
    ) == {"broken": None}


def test_a_body_that_gets_dearer_with_each_repetition_is_told(
    make_target: Callable[[Mapping[str, str]], Path], open_workspace: Callable[..., Workspace]
) -> None:
    workspace = open_workspace(make_target(FILES))
    repeat = {UNIQUE[0]: 4, UNIQUE[2]: 40}
    told: tuple[str, ...] = ()
    for _ in range(TRIES):
        told = run_suite(workspace, workspace.night.base, only=tuple(repeat), repeat=repeat).growing
        assert UNIQUE[2] in told
        if told == (UNIQUE[2],):
            break
    assert told == (UNIQUE[2],)


def claiming(workspace: Workspace, change: tuple[str, str], repair_in: Callable[..., Repair]) -> Repair:
    repair = repair_in(workspace, "words.py", *change)
    return repair.model_copy(update={"claims_speed": True})


def test_one_run_with_probes_tells_which_tests_run_what(
    make_target: Callable[[Mapping[str, str]], Path],
    open_workspace: Callable[..., Workspace],
    repair_in: Callable[..., Repair],
) -> None:
    workspace = open_workspace(make_target(FILES))
    changes = [LINEAR, GROWN, ("    seen = []", "    seen = list()"), ("def shout", "def  shout")]
    repairs = [claiming(workspace, change, repair_in) for change in changes]
    bench = Bench(workspace, workspace.night.base, repairs)
    baseline = Baseline(suite=SuiteRun(usable=True), unsteady=(UNIQUE[1],))
    reach = probe_tests(bench, baseline, repairs)
    by_id = [reach.tests.get(repair.id) for repair in repairs]
    steady = (UNIQUE[0], UNIQUE[2])
    assert by_id == [steady, tuple(SHOUT), steady, ()]
    assert set(reach.seconds) == {*UNIQUE, *SHOUT}


def test_repairs_that_one_test_runs_are_measured_apart(
    make_target: Callable[[Mapping[str, str]], Path],
    open_workspace: Callable[..., Workspace],
    repair_in: Callable[..., Repair],
) -> None:
    workspace = open_workspace(make_target(FILES))
    changes = [LINEAR, GROWN, ("not in seen", "not  in seen"), ("def shout", "def  shout")]
    first, other, rival, unreached = (claiming(workspace, change, repair_in) for change in changes)
    tests = {first.id: ("a", "b"), other.id: ("c",), rival.id: ("b", "d"), unreached.id: ()}
    groups = apart([first, other, rival, unreached], Reach(tests=tests, seconds={}))
    assert groups == [[first, other], [rival]]


def test_a_claim_that_no_test_can_show_is_rolled_back(
    make_target: Callable[[Mapping[str, str]], Path],
    open_workspace: Callable[..., Workspace],
    repair_in: Callable[..., Repair],
) -> None:
    workspace = open_workspace(make_target(FILES))
    repair = claiming(workspace, ("def shout", "def  shout"), repair_in)
    bench = Bench(workspace, workspace.night.base, [repair])
    speed_rung(bench, Baseline(suite=SuiteRun(usable=True)))
    (judgement,) = bench.judgements()
    assert judgement.verdict == "rolled_back"
    assert judgement.reason == "no test runs it, so its gain cannot be measured"
