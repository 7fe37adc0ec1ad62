"""A review budget ships the gravest and best proved part of a night, and proves that part by itself."""

import pytest

from nightmend.evidence import Evidence, Judgement, Speed
from nightmend.proof.suite import run_suite
from nightmend.repairs.repair import Edit, Repair
from nightmend.review.budget import LEANS, SPENT, Candidate, changed_lines, choose
from nightmend.settings import Budget
from tests.nightmend.review.shop_night import FILES, SHOP, Night


@pytest.fixture(scope="module")
def night(shared_workspace_of):
    return Night(shared_workspace_of(FILES))


@pytest.mark.integration
@pytest.mark.parametrize("limits", [{}, {"max_commits": 5}, {"max_lines": 11}])
def test_what_fits_ships_whole_and_needs_no_second_proof(night, limits):
    course = night.ship(**limits)
    assert course is night.course
    assert course.shipped == night.second


@pytest.fixture(scope="module")
def cut(night):
    return night.ship(max_commits=2).shipment


@pytest.mark.integration
def test_what_is_only_proved_beside_what_waits_waits_too(night, cut):
    assert night.names(cut.commits) == {"parting"}, (
        "the second of two commits: `wider` fell, alone it breaks a test"
    )
    reasons = {next(iter(night.names([name]))): why for name, why in cut.waits.items()}
    assert reasons.keys() == {"wider", "lower", "greeting", "morning"}
    assert (reasons["lower"], reasons["greeting"], reasons["morning"]) == (SPENT, SPENT, LEANS)
    assert reasons["wider"].startswith(
        "without those that wait it is not proved: it breaks tests/test_shop.py::test_area"
    )


@pytest.mark.integration
def test_what_ships_is_proved_as_exactly_that_tree(night, cut):
    shop = night.workspace.store.read(cut.result.snapshot, "shop.py").decode()
    assert shop == SHOP.replace('"bye"', '"good bye"')
    assert night.workspace.store.snapshot(cut.result.commit) == cut.result.snapshot
    suite = run_suite(night.workspace, cut.result.snapshot)
    assert set(suite.outcomes.values()) == {"passed"}
    gates = {gate.name: gate.passed for gate in cut.result.gates}
    assert gates["tests"] is True
    assert gates["no_new_high_severity:shipment"] is True
    assert all(passed is not False for passed in gates.values())


@pytest.mark.integration
def test_its_commits_stand_on_the_base_and_keep_the_budget(night, cut):
    base = night.workspace.night.base_commit
    assert night.git("rev-list", f"{base}..{cut.result.commit}").splitlines() == [cut.result.commit]
    assert set(cut.commits.values()) == {cut.result.commit}
    assert cut.lines == 2
    assert night.git("diff", "--numstat", base, cut.result.commit).split() == ["1", "1", "shop.py"]
    assert f"Nightmend-Repair: {next(iter(cut.commits))} shop.py:14 grade=B" in night.git(
        "log", "-1", "--format=%B", cut.result.commit
    )


@pytest.mark.integration
def test_a_budget_that_nothing_fits_into_ships_nothing(night):
    shipment = night.ship(max_lines=1).shipment
    assert shipment.commits == {}
    assert shipment.result.commit == night.workspace.night.base_commit
    assert len(shipment.waits) == 5


def candidate(name, *, pattern="p", severity="low", grade="C", lines=2, speed=None, issues=1):
    edit = Edit(path="a.py", start=0, end=0, text=name)
    repair = Repair(
        id=name, agent="code_quality", pattern=pattern, safety="safe", issues=("i",) * issues,
        faults=("f",) * issues, edits=(edit,), line=1, summary=name,
    )  # fmt: skip
    judgement = Judgement(
        repair=repair, verdict="kept", reason="kept", grade=grade, evidence=Evidence(speed=speed)
    )
    return Candidate(judgement=judgement, base=repair, severity=severity, lines=lines, commit="c")


def test_the_gravest_then_the_best_proved_then_what_says_most_for_its_size():
    speed = Speed(before=2, after=1, gain=0.5, lower_bound=0.4, pairs=6)
    ordered = [
        candidate("grave", severity="high", grade="D"),
        candidate("medium", severity="medium", grade="C"),
        candidate("same program", grade="A"),
        candidate("mutant noticed", grade="B"),
        candidate("measured", grade="C", speed=speed, lines=30),
        candidate("two issues", grade="C", issues=2, lines=20),
        candidate("small", grade="C", lines=2),
        candidate("large", grade="C", lines=10),
        candidate("unreached", grade="D"),
    ]
    assert [one.id for one in choose(reversed(ordered), Budget())] == [one.id for one in ordered]


def test_no_more_patterns_than_commits_and_what_is_too_long_lets_others_pass():
    known = [
        candidate("1", pattern="a", severity="high", lines=6),
        candidate("2", pattern="b", severity="medium", lines=5),
        candidate("3", pattern="a", lines=2),
        candidate("4", pattern="c", lines=1),
        candidate("5", pattern="b", lines=1, grade="D"),
    ]
    chosen = choose(known, Budget(max_commits=2, max_lines=9))
    assert [one.id for one in chosen] == ["1", "4", "3"]
    leaning = known[0].model_copy(update={"base": None})
    assert [one.id for one in choose([leaning, *known[1:]], Budget(max_commits=1))] == ["2", "5"]


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        (b"a\nb\n", b"a\nc\n", 2),
        (b"a\n", b"a\nb\n", 1),
        (b"a\nb\n", b"b\n", 1),
        (b"a", b"a\n", 2),
        (b"a\n", b"a\n", 0),
    ],
)
def test_lines_are_counted_as_a_diff_counts_them(before, after, lines):
    assert changed_lines(before, after) == lines
