"""One repair is taken out of the published files, and nothing of the others with it."""

import random

import pytest

from nightmend.repairs.repair import Edit, Repair, apply_repairs, overlap
from nightmend.report.undoing import EntangledError, Step, Undoing


def repair(name: str, *edits: tuple[int, int, str], path: str = "x.py") -> Repair:
    return Repair(
        id=name,
        agent="code_quality",
        pattern="some",
        safety="safe",
        issues=(),
        faults=(),
        edits=tuple(Edit(path=path, start=start, end=end, text=text) for start, end, text in edits),
        line=1,
        summary="",
    )


def night(content: bytes, *phases: tuple[Repair, ...]) -> Undoing:
    steps = []
    files = {"x.py": content}
    for kept in phases:
        steps.append(Step(before=dict(files), kept=kept))
        files |= apply_repairs(kept, files)
    return Undoing(steps, files)


def test_a_repair_beside_others_goes_alone():
    one, two = repair("one", (0, 3, "ONE")), repair("two", (4, 7, "TWOTWO"))
    undoing = night(b"one two three", (one, two))
    assert undoing.without(0, one) == {"x.py": b"one TWOTWO three"}
    assert undoing.without(0, two) == {"x.py": b"ONE two three"}


def test_later_phases_move_it_and_stay():
    one = repair("one", (4, 7, "TWO"))
    before, behind = repair("before", (0, 4, "")), repair("behind", (8, 13, "3"))
    undoing = night(b"one two three", (one,), (before, behind))
    assert undoing.without(0, one) == {"x.py": b"two 3"}
    assert undoing.without(1, before) == {"x.py": b"one TWO 3"}


def test_what_another_repair_needs_too_stays():
    shared = (0, 0, "import os\n")
    one, two = repair("one", shared, (0, 3, "ONE")), repair("two", shared, (4, 7, "TWO"))
    undoing = night(b"one two", (one, two))
    assert undoing.without(0, one) == {"x.py": b"import os\none TWO"}
    twin = repair("twin", (0, 3, "ONE"))
    with pytest.raises(EntangledError, match="other repairs need the same change"):
        night(b"one two", (repair("one", (0, 3, "ONE")), twin)).without(0, twin)


def test_a_later_repair_of_the_same_place_holds_it():
    one = repair("one", (0, 3, "ONE"))
    undoing = night(b"one two", (one,), (repair("later", (1, 2, "n")),))
    with pytest.raises(EntangledError, match="a later repair changed the same place"):
        undoing.without(0, one)


def test_a_file_that_was_published_otherwise_is_left():
    one = repair("one", (0, 3, "ONE"))
    undoing = Undoing([Step(before={"x.py": b"one two"}, kept=(one,))], {"x.py": b"one TWO"})
    with pytest.raises(EntangledError, match="in another state"):
        undoing.without(0, one)


def test_bytes_are_counted_and_come_back_as_they_were():
    one = repair("one", (1, 3, "é"))
    undoing = night(b"x\xff\xfey", (one, repair("two", (0, 1, "ß"))))
    assert undoing.without(0, one) == {"x.py": "ß".encode() + b"\xff\xfey"}


@pytest.mark.parametrize("seed", range(30))
def test_taking_one_out_is_never_having_had_it(seed):
    chance = random.Random(seed)
    content = bytes(chance.choices(b"abcdef\n", k=60))
    first = _phase(chance, len(content), "first")
    middle = apply_repairs(first, {"x.py": content}).get("x.py", content)
    second = _phase(chance, len(middle), "second")
    undoing = night(content, first, second)
    for one in second:
        rest = [other for other in second if other is not one]
        expected = apply_repairs(rest, {"x.py": middle}).get("x.py", middle)
        assert undoing.without(1, one) == {"x.py": expected}


def _phase(chance: random.Random, length: int, name: str) -> tuple[Repair, ...]:
    kept: list[Repair] = []
    for number in range(8):
        start = chance.randrange(length)
        end = min(length, start + chance.randrange(6))
        new = repair(f"{name}{number}", (start, end, chance.choice(["", "X", "YY", "ZZZZZZZ"])))
        if not any(overlap(new.edits[0], old.edits[0]) or new.edits == old.edits for old in kept):
            kept.append(new)
    return tuple(kept)
