import random
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from nightmend.proof.speed import QUICK_ROUNDS, Round, claims_gain, glance, measure_speed, weigh
from nightmend.workspace import Workspace

pytestmark = pytest.mark.integration

NOISE = 0.035
"""Standard deviation of CPU time between equal processes, as measured on a noisy machine."""


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

    def look(**world: float) -> list[Round]:
        return rounds(draw, **world)[:QUICK_ROUNDS]

    plain = glance(look(faster=0.6))
    assert plain is not None
    assert claims_gain(plain)
    assert plain.lower_bound > 0.25
    assert not any((seen := glance(look(noise=0.1))) and claims_gain(seen) for _ in range(2000))
    assert glance(look(faster=0.6, drift=0.4)) is None
    assert glance([Round(before=1, again=1, after=0.9)] * QUICK_ROUNDS) is None
    assert glance(look(faster=0.6)[1:]) is None
    slower = glance([Round(before=1, again=1, after=1.2)] * QUICK_ROUNDS)
    assert slower is not None
    assert not claims_gain(slower)


def test_a_small_gain_one_pair_that_disagrees_and_few_pairs_claim_nothing() -> None:
    steady = [Round(before=1, again=1.001, after=0.97)] * 12
    assert not claimed(steady)
    fast = [Round(before=1, again=1.001, after=0.8)] * 12
    assert claimed(fast)
    assert not claimed([*fast[1:], Round(before=1, again=1, after=1.01)])
    assert weigh(fast[:7]) is None


FILES = {
    "words.py": "def unique(words):\n    seen = []\n    for word in words:\n        if word not in seen:\n"
    "            seen.append(word)\n    return seen\n",
    "test_words.py": "from words import unique\n\n\ndef test_many():\n"
    "    assert len(unique([str(n) for n in range(400)])) == 400\n\n\n"
    "def test_once(made=[]):\n    made.append(1)\n    assert len(made) == 1\n",
}
LINEAR = b"def unique(words):\n    return list(dict.fromkeys(words))\n"


def test_a_quadratic_loop_made_linear_is_measured_on_the_tests_that_can_be_repeated(
    make_target: Callable[[Mapping[str, str]], Path], open_workspace: Callable[..., Workspace]
) -> None:
    workspace = open_workspace(make_target(FILES))
    tests = ["test_words.py::test_many", "test_words.py::test_once"]
    speed = measure_speed(
        workspace, workspace.night.base, {}, {"words.py": LINEAR}, tests, budget=9, sample=0.05
    )
    assert speed is not None
    assert claims_gain(speed)
    assert speed.gain > 0.5
    broken = {"words.py": b"def unique(words):\n    return []\n"}
    assert measure_speed(workspace, workspace.night.base, {}, broken, tests, sample=0.05) is None
