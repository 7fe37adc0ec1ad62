"""A repair of a later snapshot on the base: the same bytes at other places, or nothing where they meet."""

from contextlib import suppress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nightmend.repairs.repair import Edit, Repair, apply_edits
from nightmend.review.rebase import back, on_base

BASE = b"zero\none\ntwo\nthree\n"
EDITS = st.builds(
    lambda start, size, text: Edit(path="a", start=start, end=min(start + size, len(BASE)), text=text),
    st.integers(0, len(BASE)), st.integers(0, 4), st.sampled_from(["", "x", "\u00e9\u00e9", "long text\n"]),
)  # fmt: skip


def edit(start, end, text):
    return Edit(path="a", start=start, end=end, text=text)


def repair(*edits):
    return Repair(
        id="r", agent="code_quality", pattern="p", safety="safe", issues=(), faults=(), edits=edits, line=1,
        summary="",
    )  # fmt: skip


@given(made=st.lists(EDITS, max_size=4), later=EDITS)
def test_on_the_base_it_does_what_it_did_behind_the_others(made, later):
    try:
        between = apply_edits(BASE, made)
        after = apply_edits(between, [later])
    except ValueError:
        assume(False)
    moved = back(later, set(made))
    assume(moved is not None)
    assert BASE[moved.start : moved.end] == between[later.start : later.end]
    with suppress(ValueError):  # of two insertions at one place the first stands, and the other waits
        assert apply_edits(BASE, [*made, moved]) == after


def test_through_several_steps():
    first, second = repair(edit(0, 4, "nothing")), repair(edit(8, 11, ""))
    assert apply_edits(apply_edits(BASE, first.edits), second.edits) == b"nothing\n\ntwo\nthree\n"
    last = repair(edit(9, 12, "TWO"))
    [moved] = on_base(last, [[first], [second]]).edits
    assert BASE[moved.start : moved.end] == b"two"
    assert on_base(last, []) == last


@pytest.mark.parametrize(
    "later",
    [edit(0, 3, "x"), edit(3, 3, "x"), edit(5, 9, "x"), edit(2, 5, "")],
    ids=["replaces", "inserts", "reaches in", "spans"],
)
def test_what_changes_what_another_wrote_is_not_put_on_the_base(later):
    assert on_base(repair(later), [[repair(edit(0, 4, "nothing"))]]) is None


def test_an_edit_of_another_file_moves_nothing():
    other = Edit(path="b", start=0, end=0, text="x" * 50)
    assert on_base(repair(edit(5, 8, "ONE")), [[repair(other)]]).edits == (edit(5, 8, "ONE"),)
