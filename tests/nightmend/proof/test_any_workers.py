"""The same tree, verdicts and words, however many workers there are and whoever is first."""

import random
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import nullcontext
from contextvars import Context

import pytest

from nightmend.proof import parts, trial
from nightmend.proof.baseline import Baseline, establish_baseline
from nightmend.proof.bench import Bench
from nightmend.proof.judge import judge
from nightmend.proof.records import SuiteRun
from nightmend.proof.suite import run_suite
from nightmend.repairs.settle import settle
from nightmend.workers import over

AREAS = ("corn", "milk")
FILES = {
    "pytest.ini": "[pytest]\npythonpath = .\naddopts = -p no:hypothesispytest -p no:anyio\n",
    "shop/__init__.py": "from shop.corn import price as corn_price\n",
    **{
        f"shop/{name}.py": "import os\nimport sys\n\n\ndef price(weight):\n    cost = weight * 2\n"
        f"    return cost\n\n\ndef label():\n    words = '{name}'\n    return words + os.sep\n"
        for name in AREAS
    },
    **{
        f"tests/test_{name}.py": f"from shop import {name}\n\n\ndef test_price():\n"
        f"    assert {name}.price(3) == 6\n\n\ndef test_label():\n    assert {name}.label() == '{name}/'\n"
        for name in AREAS
    },
}
CHANGES = {
    "simpler": ("    cost = weight * 2\n    return cost\n", "    return weight * 2\n"),
    "worse": ("weight * 2", "weight * 3"),
    "unused": ("import sys\n", ""),
    "joined": ("    words = '{name}'\n    return words + os.sep", "    return '{name}' + os.sep"),
    "spoiled": ("words + os.sep", "words + os.altsep"),
}
CHOSEN = (
    ("corn", "worse"),
    ("corn", "joined"),
    ("corn", "unused"),
    ("milk", "simpler"),
    ("milk", "spoiled"),
    ("milk", "unused"),
)
BAD = {"worse", "spoiled"}


class Shuffled(Executor):
    """Does all that waits in an order of its own, when the first answer is wanted."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.waiting = []

    def submit(self, work, /, *given, **named):
        answer = _Answer()
        answer.wanted = self.do
        self.waiting.append((answer, work, given, named))
        return answer

    def do(self):
        while self.waiting:
            answer, work, given, named = self.waiting.pop(self.random.randrange(len(self.waiting)))
            if not answer.set_running_or_notify_cancel():
                continue
            try:
                answer.set_result(Context().run(work, *given, **named))
            except Exception as error:
                answer.set_exception(error)


class _Answer(Future):
    def result(self, timeout=None):
        self.wanted()
        return super().result(timeout)


@pytest.fixture(scope="module")
def workspace(shared_workspace_of):
    return shared_workspace_of(FILES)


@pytest.fixture(scope="module")
def baseline(workspace):
    return establish_baseline(workspace, workspace.night.base)


@pytest.fixture
def repairs(workspace, repair_in):
    return [
        repair_in(
            workspace,
            f"shop/{area}.py",
            *(text.replace("{name}", area) for text in CHANGES[change]),
            pattern=f"{change}-{area}",
        )
        for area, change in CHOSEN
    ]


@pytest.mark.integration
def test_any_number_of_workers_and_any_order_give_the_same_bytes(workspace, baseline, repairs, monkeypatch):
    monkeypatch.setattr(parts, "PART_SECONDS", 0.001)
    monkeypatch.setattr("nightmend.proof.import_state.TOGETHER", 1)
    asked = []

    def counted(*given, **named):
        asked.append(named.get("only"))
        return run_suite(*given, **named)

    monkeypatch.setattr(trial, "run_suite", counted)
    base = workspace.night.base

    def result(executor):
        asked.clear()
        with executor as some, over(some):
            settled = settle(workspace, base, judge(workspace, base, repairs, baseline), baseline)
        changed = {path: workspace.store.read(settled.snapshot, path) for path in FILES}
        return settled.snapshot, changed, settled.judgements, sorted(map(str, asked))

    first = result(nullcontext())
    assert "None" not in first[-1], "its tests ran in parts"
    kept = [f"{change}-{area}" for area, change in CHOSEN if change not in BAD]
    assert [one.repair.pattern for one in first[2] if one.verdict == "kept"] == kept
    for executor in (ThreadPoolExecutor(2), ThreadPoolExecutor(4), Shuffled(1)):
        assert result(executor) == first


def test_a_part_that_comes_to_its_limit_tells_only_of_its_own_tests(workspace, repairs, monkeypatch):
    """The others keep what they said; of those behind the one that hung nothing is known."""
    names = [f"tests/test_{area}.py::{test}" for area in AREAS for test in ("test_label", "test_price")]
    run = SuiteRun(usable=True, outcomes=dict.fromkeys(names, "passed"), seconds=4 * parts.PART_SECONDS)

    def hangs_in_milk(*_, only, **__):
        if names[2] not in only:
            return run.model_copy(update={"outcomes": dict.fromkeys(only, "passed")})
        return SuiteRun(usable=True, cut_short=True, limit="wall_seconds", stopped_in=names[2])

    monkeypatch.setattr(trial, "run_suite", hangs_in_milk)
    bench = Bench(workspace, workspace.night.base, repairs)
    found = trial.Trial(bench, Baseline(suite=run))
    with ThreadPoolExecutor(2) as threads, over(threads):
        told = found.run(repairs)
    assert told == trial.Told(red=frozenset(names[2:3]), green=frozenset(names) - set(names[2:4]))
    assert list(found.overran) == names[2:3]
