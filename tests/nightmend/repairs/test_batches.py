"""A night whose time is over keeps what is proved, names the rest, and the next one begins with it."""

import time

import pytest

from nightmend.evidence import Evidence, Judgement
from nightmend.ledger.entries import NightEntry, RepairEntry
from nightmend.ledger.ledger import Ledger
from nightmend.nights import batch_key, night_key
from nightmend.phases import beginning
from nightmend.repairs import batches
from nightmend.repairs.batches import BATCH, UNREACHED, in_turn, prove_in_time
from nightmend.repairs.repairing import verdict_counts
from nightmend.review.drops import drop_keys
from nightmend.workspace import Workspace

LINES = 2 * BATCH + 50


@pytest.fixture(scope="module")
def base(shared_workspace_of):
    return shared_workspace_of({"a.py": "".join(f"line {number:03}\n" for number in range(LINES))})


@pytest.fixture(scope="module")
def repairs(base, repair_in):
    return [
        repair_in(base, "a.py", f"line {number:03}", "mended", faults=("fault",)) for number in range(LINES)
    ]


class Prover:
    """Proves what it is given; the night's time is over once it was asked so often."""

    def __init__(self, base, monkeypatch, lasts):
        self.given = []
        self.clock = 1000.0
        self.night = base.night.model_copy(update={"deadline": 1000.0 + lasts, "run": "test"})
        self.workspace = Workspace(self.night)
        monkeypatch.setattr(time, "time", lambda: self.clock)

    def __call__(self, repairs):
        self.clock += 1
        self.given.append([one.id for one in repairs])
        kept = {"verdict": "kept", "reason": "", "grade": "C", "evidence": Evidence()}
        return tuple(Judgement(repair=one, **kept) for one in repairs)

    def night_of(self, repairs):
        start = beginning(self.night)
        return prove_in_time(self.workspace, "code_quality", start, repairs, self)


@pytest.fixture
def prover(base, monkeypatch, tmp_path):
    def made(lasts):
        home = {"home": str(tmp_path / "home")}
        return Prover(Workspace(base.night.model_copy(update=home)), monkeypatch, lasts)

    return made


def test_without_a_limit_all_are_proved_at_once(base, repairs, prover):
    by = prover(0)
    by.night = base.night
    by.workspace = base
    assert len(by.night_of(repairs)) == LINES
    assert [len(batch) for batch in by.given] == [LINES]


def test_a_night_with_time_enough_proves_all_in_batches(repairs, prover):
    by = prover(10)
    judged = by.night_of(repairs)
    assert [len(batch) for batch in by.given] == [BATCH, BATCH, 50]
    assert [one.repair for one in judged] == repairs
    assert {one.verdict for one in judged} == {"kept"}


def test_what_is_proved_stays_and_the_rest_is_named(repairs, prover):
    by = prover(1)
    steps = ("code_quality", "quality", "repairs")
    before = [night_key(by.night, step) for step in steps]
    judged = by.night_of(repairs)
    assert [len(batch) for batch in by.given] == [BATCH]
    assert [one.verdict for one in judged] == ["kept"] * BATCH + ["unreached"] * (LINES - BATCH)
    assert judged[-1].reason == UNREACHED
    assert verdict_counts(judged) == {"tried": BATCH, "kept": BATCH, "rolled_back": 0, "refused": 0}
    after = [night_key(by.night, step) for step in steps]
    assert [old == new for old, new in zip(before, after, strict=True)] == [False, False, True]


def test_a_later_night_goes_on_where_the_time_was_over(repairs, prover):
    first = prover(1)
    first.night_of(repairs)
    second = prover(1)
    assert [one.verdict for one in second.night_of(repairs)].count("kept") == 2 * BATCH
    third = prover(10)
    assert {one.verdict for one in third.night_of(repairs)} == {"kept"}
    tried = [name for by in (first, second, third) for batch in by.given for name in batch]
    assert sorted(tried) == sorted(one.id for one in repairs), "each is tried once in three nights"


def test_a_night_without_any_time_tries_nothing(repairs, prover):
    by = prover(0)
    assert {one.verdict for one in by.night_of(repairs)} == {"unreached"}
    assert by.given == []


def test_a_record_that_nobody_can_read_is_made_again(repairs, prover):
    by = prover(100)
    by.night_of(repairs)
    for content in (b"rubbish", b"0" * 40, b"\xff"):
        for record in (by.workspace.folder / "batches").iterdir():
            record.write_bytes(content)
        by.given.clear()
        by.night_of(repairs)
        assert sum(map(len, by.given)) == LINES


def test_another_state_or_another_agent_has_another_record(base):
    agents = ("code_quality", "async_optimization")
    keys = {batch_key(base.night, agent, state) for agent in agents for state in "ab"}
    assert len(keys) == 4


def test_what_waits_goes_first_and_then_the_gravest(base, repairs, prover, tmp_path):
    ledger = Ledger.open(tmp_path)
    waits = RepairEntry(judgement=batches._unreached(repairs[7]), keys=drop_keys(repairs[7], {}), commit=None)
    entry = NightEntry(
        run="1", ended=1.0, seconds=1.0, error="", base_commit="", result_commit="", branch=None,
        diagnosis=None, repairs=(waits,), states=(),
    )  # fmt: skip
    ledger.remember(entry)
    assert ledger.unreached() == frozenset(drop_keys(repairs[7], {}))
    ordered = in_turn(repairs[:10], ledger.unreached(), None)
    assert [repairs.index(one) for one in ordered] == [7, 0, 1, 2, 3, 4, 5, 6, 8, 9]
    moved = repairs[7].model_copy(update={"id": "moved by others", "edits": repairs[8].edits})
    kept = waits.judgement.model_copy(update={"verdict": "kept", "repair": moved})
    tried = waits.model_copy(update={"judgement": kept})
    ledger.remember(entry.model_copy(update={"run": "2", "ended": 2.0, "repairs": (tried,)}))
    assert ledger.unreached() == frozenset()
