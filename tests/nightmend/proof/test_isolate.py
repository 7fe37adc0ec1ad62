"""Guilty repairs are found, alone or together, and no innocent one is accused."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from nightmend.proof.isolate import isolate
from nightmend.repairs.repair import Edit, Repair


def repair(number: int) -> Repair:
    edit = Edit(path=f"m{number}.py", start=0, end=0, text="x")
    return Repair(
        id=str(number),
        agent="agent_framework_repair",
        pattern="p",
        safety="safe",
        issues=(),
        faults=(),
        edits=(edit,),
        line=1,
        summary="",
    )


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Repair], list[frozenset[str]]]:
    """A batch, and the sets of repairs that each break a test of their own when all of them are applied."""
    count = draw(st.integers(1, 12))
    names = st.sampled_from([str(n) for n in range(count)])
    causes = draw(st.lists(st.frozensets(names, min_size=1, max_size=2), min_size=1, max_size=4))
    return [repair(n) for n in range(count)], causes


@given(worlds())
def test_what_is_left_is_green_and_every_accused_takes_part_in_a_break(
    world: tuple[list[Repair], list[frozenset[str]]],
) -> None:
    batch, causes = world

    def broken(subset: Sequence[Repair]) -> frozenset[str]:
        applied = {one.id for one in subset}
        return frozenset(f"test_{index}" for index, cause in enumerate(causes) if cause <= applied)

    accused: set[str] = set()
    rest = batch
    while tests := broken(rest):
        accusations = isolate(rest, broken, tests)
        assert accusations
        accused |= {one.repair for one in accusations}
        rest = [one for one in rest if one.id not in accused]
    guilty_alone = {next(iter(cause)) for cause in causes if len(cause) == 1}
    assert guilty_alone <= accused
    assert accused <= set().union(*causes)


def test_one_guilty_of_sixty_four_costs_a_dozen_runs_not_sixty_four() -> None:
    batch = [repair(n) for n in range(64)]
    runs = 0

    def broken(subset: Sequence[Repair]) -> frozenset[str]:
        nonlocal runs
        runs += 1
        return frozenset({"test"} if any(one.id == "41" for one in subset) else ())

    assert [one.repair for one in isolate(batch, broken, frozenset({"test"}))] == ["41"]
    assert runs <= 12


def test_an_interaction_names_its_partner() -> None:
    batch = [repair(n) for n in range(8)]

    def broken(subset: Sequence[Repair]) -> frozenset[str]:
        return frozenset({"test"} if {"1", "6"} <= {one.id for one in subset} else ())

    (accusation,) = isolate(batch, broken, frozenset({"test"}))
    assert accusation.repair == "6"
    assert "1" in accusation.together_with
