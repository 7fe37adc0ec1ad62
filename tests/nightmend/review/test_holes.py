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
        for edit, out in edits:
            there = moved(edit, holes)
            if there is not None and not out:
                assert alone[there.start : there.end] == content[edit.start : edit.end]
                stays.append((edit, there))
                taken |= set(content[edit.start : edit.end].decode())
                put |= set(edit.text)
            else:
                gone.append(edit)
        holes = through(holes, [edit for edit, _ in stays], gone)
        alone = apply_edits(alone, [there for _, there in stays])
        assert set(alone.decode()) == (set(first.decode()) | put) - taken
    last = apply_edits(known[-1][0], [edit for edit, _ in known[-1][1]]).decode()
    both = set(last) & set(alone.decode())
    assert [sign for sign in last if sign in both] == [sign for sign in alone.decode() if sign in both]


def test_what_was_built_on_another_has_no_place_without_it():
    first = Edit(path="a", start=2, end=4, text="xyz")
    (hole,) = through((), [], [first])
    assert (hole.start, hole.end, hole.size) == (2, 5, 2)
    assert moved(Edit(path="a", start=3, end=4, text="!"), [hole]) is None
    assert moved(Edit(path="a", start=5, end=6, text="!"), [hole]) == Edit(path="a", start=4, end=5, text="!")
    assert moved(Edit(path="b", start=3, end=4, text="!"), [hole]) is not None
