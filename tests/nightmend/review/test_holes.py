"""Without some repairs, later ones stand where they stood, or are known to build on what is gone."""

from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from nightmend.repairs.repair import Edit, apply_edits, overlap
from nightmend.review.holes import moved, through

SIGNS = [chr(number) for number in range(0x30, 0x3000) if chr(number).isprintable()]
"""A text of these has each sign once, so that it can be told from where each one came."""


@st.composite
def steps(draw):
    """Draw a file and steps of edits on it, each with whether it is taken out."""
    signs = count()
    first = content = "".join(SIGNS[next(signs)] for _ in range(draw(st.integers(0, 12)))).encode()
    drawn = []
    for _ in range(draw(st.integers(1, 4))):
        edits = []
        places = [len(content[:at].decode(errors="ignore").encode()) for at in range(len(content) + 1)]
        for _ in range(draw(st.integers(0, 4))):
            start, end = sorted(draw(st.sampled_from(places)) for _ in range(2))
            text = "".join(SIGNS[next(signs)] for _ in range(draw(st.integers(0, 2))))
            edit = Edit(path="a", start=start, end=end, text=text)
            if not any(overlap(edit, one) for one, _ in edits) and (text or end > start):
                edits.append((edit, draw(st.booleans())))
        drawn.append((content, edits))
        content = apply_edits(content, [edit for edit, _ in edits])
    return first, drawn


@given(steps())
@settings(max_examples=300, deadline=None)
def test_the_file_without_them_is_what_they_did_not_do(drawn):
    first, known = drawn
    alone, holes = first, ()
    taken, put = set(), set()
    for content, edits in known:
        stays, gone = [], []
        places = moved([edit for edit, out in edits if not out], holes)
        for edit, out in edits:
            there = places.get(edit)
            if there is not None and not out:
                assert alone[there.start : there.end] == content[edit.start : edit.end]
                stays.append((edit, there))
                taken |= set(content[edit.start : edit.end].decode())
                put |= set(edit.text)
            else:
                gone.append(edit)
        kept = [edit for edit, _ in stays]
        holes = through(holes, kept, [edit for edit in gone if edit not in kept])  # equal ones are one
        alone = apply_edits(alone, [there for _, there in stays])
        assert set(alone.decode()) == (set(first.decode()) | put) - taken
    last = apply_edits(known[-1][0], [edit for edit, _ in known[-1][1]]).decode()
    both = set(last) & set(alone.decode())
    assert [sign for sign in last if sign in both] == [sign for sign in alone.decode() if sign in both]


def test_what_was_built_on_another_has_no_place_without_it():
    first = Edit(path="a", start=2, end=4, text="xyz")
    (hole,) = through((), [], [first])
    assert (hole.start, hole.end, hole.size) == (2, 5, 2)
    inside, behind = (Edit(path="a", start=at, end=at + 1, text="!") for at in (3, 5))
    elsewhere = inside.model_copy(update={"path": "b"})
    places = {behind: Edit(path="a", start=4, end=5, text="!"), elsewhere: elsewhere}
    assert moved([inside, behind, elsewhere], [hole]) == places


def test_of_two_that_only_what_is_gone_kept_apart_one_stays():
    (hole,) = through((), [], [Edit(path="a", start=2, end=2, text="x")])
    before, behind = (Edit(path="a", start=at, end=at, text="!") for at in (2, 3))
    assert moved([before, behind], [hole]) == {before: before}
