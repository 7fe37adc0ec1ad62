from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightmend.repairs.repair import Edit, Repair, apply_edits, apply_repairs, clash, overlap, repair_id


def edit(start: int, end: int, text: str = "", path: str = "a.py") -> Edit:
    return Edit(path=path, start=start, end=end, text=text)


def repair(*edits: Edit, name: str = "r") -> Repair:
    return Repair(
        id=name, agent="code_quality", pattern="p", safety="safe", issues=("i",), faults=("p",),
        edits=edits, line=1, summary="",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(edit(0, 4), edit(2, 6), id="they share bytes"),
        pytest.param(edit(0, 9), edit(2, 3), id="one is inside the other"),
        pytest.param(edit(0, 4), edit(2, 2, "x"), id="an insertion inside a replacement"),
        pytest.param(edit(2, 2, "x"), edit(2, 2, "y"), id="different insertions at one place"),
        pytest.param(edit(2, 4, "x"), edit(2, 4, "y"), id="different texts for the same bytes"),
    ],
)
def test_edits_that_cannot_both_be_done_overlap(first: Edit, second: Edit) -> None:
    assert overlap(first, second)
    assert overlap(second, first)
    assert clash(repair(first), repair(edit(50, 51), second))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(edit(0, 4), edit(4, 6), id="one ends where the other starts"),
        pytest.param(edit(0, 4), edit(4, 4, "x"), id="an insertion behind a replacement"),
        pytest.param(edit(0, 4, path="a.py"), edit(0, 4, path="b.py"), id="different files"),
        pytest.param(edit(2, 2, "x"), edit(2, 2, "x"), id="the same insertion"),
        pytest.param(edit(2, 4, "x"), edit(2, 4, "x"), id="the same replacement"),
        pytest.param(edit(2, 2, "x"), edit(2, 4), id="an insertion before a replacement"),
    ],
)
def test_edits_that_can_both_be_done_do_not_overlap(first: Edit, second: Edit) -> None:
    assert not overlap(first, second)
    assert not overlap(second, first)
    assert not clash(repair(first), repair(second))


def test_equal_insertions_count_once() -> None:
    line = edit(0, 0, "import os\n")
    assert apply_edits(b"x = 1\n", [line, line]) == b"import os\nx = 1\n"
    both = [repair(line, edit(4, 5, "2")), repair(line, edit(6, 6, "y = 1\n"), name="s")]
    assert apply_repairs(both, {"a.py": b"x = 1\n", "b.py": b""}) == {"a.py": b"import os\nx = 2\ny = 1\n"}


def test_offsets_count_bytes() -> None:
    content = "é = 'ü'\n".encode()
    assert apply_edits(content, [edit(0, 2, "è"), edit(6, 8, "ö")]) == "è = 'ö'\n".encode()


def test_each_file_gets_its_own_edits() -> None:
    two = repair(edit(0, 1, "y", "b.py"), edit(0, 1, "z", "a.py"))
    assert two.paths == ("a.py", "b.py")
    assert apply_repairs([two], {"a.py": b"x", "b.py": b"x"}) == {"a.py": b"z", "b.py": b"y"}


@pytest.mark.parametrize(
    "edits",
    [
        pytest.param([edit(0, 4), edit(2, 6)], id="overlap"),
        pytest.param([edit(0, 7)], id="behind the end"),
        pytest.param([edit(7, 7, "x")], id="insertion behind the end"),
        pytest.param([edit(3, 2)], id="backwards"),
        pytest.param([edit(-1, 2)], id="before the start"),
        pytest.param([edit(2, 2, "x"), edit(2, 2, "y")], id="two insertions at one place"),
        pytest.param([edit(0, 1, "x"), edit(1, 2, "y", "b.py")], id="two files"),
    ],
)
def test_what_cannot_be_applied_is_refused(edits: list[Edit]) -> None:
    with pytest.raises(ValueError, match="cannot be applied"):
        apply_edits(b"123456", edits)


def test_a_repair_is_named_by_what_it_does() -> None:
    one, two = edit(0, 1, "x"), edit(2, 3, "y")
    assert repair_id("p", [one, two]) == repair_id("p", [two, one])
    others = [
        repair_id("p", [one]), repair_id("q", [one, two]), repair_id("p", [one, edit(2, 4, "y")]),
        repair_id("p", [one, edit(2, 3, "z")]), repair_id("p", [edit(0, 1, "x\0a.py\0002\0003\0y")]),
    ]  # fmt: skip
    assert len({repair_id("p", [one, two]), *others}) == 6


@st.composite
def content_and_disjoint_edits(draw: st.DrawFn) -> tuple[bytes, list[Edit]]:
    content = draw(st.binary(max_size=60))
    places = sorted(draw(st.lists(st.integers(0, len(content)), max_size=12)))
    pairs = list(zip(places[0::2], places[1::2], strict=False))
    texts = st.text("ab\u00e9\n", max_size=5)
    return content, [edit(start, end, draw(texts)) for start, end in dict.fromkeys(pairs)]


def one_after_the_other(content: bytes, edits: Sequence[Edit]) -> bytes:
    """Do the edits one by one, from the last place to the first, so that no offset moves."""
    for each in sorted(edits, key=lambda each: (each.start, each.end), reverse=True):
        content = content[: each.start] + each.text.encode() + content[each.end :]
    return content


@given(case=content_and_disjoint_edits(), data=st.data())
def test_disjoint_edits_in_any_order_equal_one_after_the_other(
    case: tuple[bytes, list[Edit]], data: st.DataObject
) -> None:
    content, edits = case
    shuffled = data.draw(st.permutations(edits))
    assert not any(overlap(one, other) for one in edits for other in edits if one is not other)
    assert apply_edits(content, shuffled) == one_after_the_other(content, edits)


EDITS = st.builds(edit, st.integers(0, 8), st.integers(0, 8), st.sampled_from(["", "a", "b"])).filter(
    lambda each: each.start <= each.end
)


@given(edits=st.lists(EDITS, max_size=5))
def test_what_does_not_overlap_applies_and_what_overlaps_is_refused(edits: list[Edit]) -> None:
    pairs = [(one, other) for i, one in enumerate(edits) for other in edits[i + 1 :]]
    if any(overlap(one, other) for one, other in pairs):
        with pytest.raises(ValueError, match="cannot be applied"):
            apply_edits(b"12345678", edits)
    else:
        assert apply_edits(b"12345678", edits) == one_after_the_other(b"12345678", list(set(edits)))


@given(first=EDITS, second=EDITS)
def test_overlap_is_symmetric(first: Edit, second: Edit) -> None:
    assert overlap(first, second) == overlap(second, first)
