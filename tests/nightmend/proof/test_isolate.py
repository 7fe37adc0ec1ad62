"""Guilty repairs are found, alone or together; checked against trying every set of them."""

from collections.abc import Sequence
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from nightmend.proof.isolate import Told, isolate
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


class World:
    """A batch, what each test reaches, and the sets of repairs that each break a test."""

    def __init__(self, count: int, causes: Sequence[frozenset[int]], reach: Sequence[frozenset[int]]) -> None:
        self.batch = [repair(n) for n in range(count)]
        self.causes = {f"test_{at}": frozenset(map(str, cause)) for at, cause in enumerate(causes)}
        self.reach = {
            test: cause | {str(n) for n in reached}
            for (test, cause), reached in zip(self.causes.items(), reach, strict=True)
        }
        self.runs = 0
        self.crashing: frozenset[str] = frozenset()

    def broken(self, subset: Sequence[Repair], tests: Sequence[str]) -> frozenset[str]:
        self.runs += 1
        applied = {one.id for one in subset}
        return frozenset(test for test in tests if self.causes[test] <= applied)

    def run(self, subset: Sequence[Repair], tests: Sequence[str]) -> Told:
        """Run the tests in order; one that crashes takes those behind it along."""
        red = self.broken(subset, tests)
        crash = next((at for at, test in enumerate(sorted(tests)) if test in red & self.crashing), None)
        heard = frozenset(tests if crash is None else sorted(tests)[: crash + 1])
        return Told(red & heard, heard - red)

    def suspects(self, batch: Sequence[Repair]) -> dict[str, list[Repair]]:
        red = self.broken(batch, list(self.causes))
        return {test: [one for one in batch if one.id in self.reach[test]] for test in red}

    def accused(self) -> tuple[set[str], list[Repair]]:
        """Remove the guilty until all is green."""
        accused: set[str] = set()
        rest = self.batch
        while suspects := self.suspects(rest):
            accusations = isolate(suspects, self.run)
            assert accusations
            accused |= {one.repair for one in accusations}
            rest = [one for one in rest if one.id not in accused]
        return accused, rest


@st.composite
def worlds(draw: st.DrawFn) -> World:
    count = draw(st.integers(1, 12))
    some = st.frozensets(st.integers(0, count - 1), max_size=count)
    causes = draw(
        st.lists(st.frozensets(st.integers(0, count - 1), min_size=1, max_size=3), min_size=1, max_size=6)
    )
    world = World(count, causes, [draw(some) for _ in causes])
    world.crashing = draw(st.frozensets(st.sampled_from(sorted(world.causes))))
    return world


@settings(max_examples=300)
@given(worlds())
def test_what_is_left_is_green_and_whoever_was_removed_would_break_it(world: World) -> None:
    accused, rest = world.accused()
    alone = {next(iter(cause)) for cause in world.causes.values() if len(cause) == 1}
    assert alone <= accused
    assert accused <= set().union(*world.causes.values())
    assert world.broken(rest, list(world.causes)) == frozenset()


@settings(max_examples=300)
@given(worlds())
def test_of_the_sets_that_are_green_none_is_thrown_away_for_want_of_a_partner(world: World) -> None:
    """Where each break has one cause alone, the largest set that is green stays."""
    world.causes = {test: frozenset(sorted(cause)[:1]) for test, cause in world.causes.items()}
    _, rest = world.accused()
    green = (
        size
        for size in range(len(world.batch), -1, -1)
        for subset in combinations(world.batch, size)
        if not world.broken(subset, list(world.causes))
    )
    assert len(rest) == next(green)


@given(worlds())
def test_the_same_world_gives_the_same_answer(world: World) -> None:
    assert world.accused() == world.accused()


def test_one_guilty_of_sixty_four_costs_seven_runs() -> None:
    world = World(64, [frozenset({41})], [frozenset(range(64))])
    assert [one.repair for one in isolate(world.suspects(world.batch), world.run)] == ["41"]
    assert world.runs <= 1 + 6 + 1


def test_the_guilty_of_many_tests_are_found_at_once() -> None:
    """Sixteen tests with eight suspects each: the runs are those of one test, not of sixteen."""
    causes = [frozenset({8 * at + at % 8}) for at in range(16)]
    world = World(128, causes, [frozenset(range(8 * at, 8 * at + 8)) for at in range(16)])
    found = isolate(world.suspects(world.batch), world.run)
    assert {one.repair for one in found} == {str(8 * at + at % 8) for at in range(16)}
    assert world.runs <= 1 + 3 + 1


def test_only_suspects_are_tried() -> None:
    world = World(64, [frozenset({3})], [frozenset()])
    (accusation,) = isolate(world.suspects(world.batch), world.run)
    assert (accusation.repair, accusation.together_with, world.runs) == ("3", (), 2)


def test_an_interaction_names_its_partner() -> None:
    world = World(8, [frozenset({1, 6})], [frozenset(range(8))])
    (accusation,) = isolate(world.suspects(world.batch), world.run)
    assert accusation.repair == "6"
    assert "1" in accusation.together_with


def test_who_breaks_one_test_alone_needs_no_partner_for_another() -> None:
    world = World(4, [frozenset({3}), frozenset({0, 3})], [frozenset(range(4)), frozenset(range(4))])
    (accusation,) = isolate(world.suspects(world.batch), world.run)
    assert (accusation.repair, accusation.together_with) == ("3", ())


def test_nobody_is_accused_of_a_test_that_the_suspects_do_not_break() -> None:
    """What was recorded can lack a repair that a test reaches by a way of its own."""
    world = World(8, [frozenset({7})], [frozenset()])
    for some in (range(1), range(2), range(6)):
        assert isolate({"test_0": world.batch[: len(some)]}, world.run) == []
