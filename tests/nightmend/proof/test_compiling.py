"""What the changed statements say of a file is what the whole file says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightmend.proof import compiling
from nightmend.proof.compiling import change_problem
from nightmend.proof.syntax import syntax_problem
from nightmend.repairs.repair import Edit, apply_edits

SHOP = """\
import os

PRICES = {'a': 1}  # of today


class Shop:
    # opened in the morning

    def hours(self):
        count = 0

        def step():
            nonlocal count
            count += 1
        if self.early: return 7
        elif self.late:
            return step()


    async def close(self): pass

def prices():
    text = '''
  at noon
'''; return PRICES[text]
for x in PRICES:
    y = 1; z = 2
"""
LINES = (
    "pass",
    "else:",
    "return",
    "break",
    "yield x",
    "await x",
    "nonlocal count",
    "global PRICES",
    "def f(x, x): pass",
)
PIECES = (
    "", " ", "\n", "    ", "#", "'", "'''", "\\\n", ";", ":", "(", ")", "x", *(f"{line}\n" for line in LINES),
    "from __future__ import annotations\n",
)  # fmt: skip


def problem(*edits, floor=None):
    before = SHOP.encode()
    after = apply_edits(before, edits)
    told = change_problem("shop.py", before, after, edits, floor)
    assert told == syntax_problem("shop.py", after, floor)
    return told


def edit(old, new):
    start = SHOP.index(old)
    return Edit(path="shop.py", start=start, end=start + len(old), text=new)


@pytest.mark.parametrize(
    ("old", "new", "floor", "good"),
    [
        ("return 7", "return 8", None, True),
        ("return 7", "return (", None, False),
        ("count = 0", "pass", None, False),
        ("def step", "def count", None, True),
        ("def step():", "def step(count=count):", None, False),
        ("    y = 1", "    return 1", None, False),
        ("    y = 1", "    break", None, True),
        ("import os", "from __future__ import annotations", None, True),
        ("for x", "from __future__ import annotations\nfor x", None, False),
        ("for x", "global PRICES\nfor x", None, False),
        ("text =", "global PRICES\n    text =", None, True),
        ("return 7", "return (x := 7)", (3, 7), False),
        ("return 7", "return (x := 7)", (3, 8), True),
        ("# of today", "# of\n today", None, False),
    ],
)
def test_what_no_longer_compiles_is_known(old, new, floor, good):
    assert (problem(edit(old, new), floor=floor) is None) is good


@settings(max_examples=500)
@given(st.data())
def test_any_edits_are_told_as_the_whole_file_tells_them(data):
    places = sorted(data.draw(st.lists(st.integers(0, len(SHOP)), min_size=2, max_size=4, unique=True)))
    edits = []
    for start, end in zip(places[::2], places[1::2], strict=False):
        text = "".join(data.draw(st.lists(st.sampled_from(PIECES), max_size=3)))
        until = data.draw(st.sampled_from([start, min(end, start + 8), end]))
        edits.append(Edit(path="shop.py", start=start, end=until, text=text))
    problem(*edits)


def test_only_the_changed_statements_are_compiled_again(monkeypatch):
    read = []

    def noted(path, content, floor):
        read.append(content)
        return syntax_problem(path, content, floor)

    monkeypatch.setattr(compiling, "syntax_problem", noted)
    compiling._compiles.cache_clear()
    for number in range(3):
        problem(edit("'a'", f"'{number}'"))
    assert read[0] == SHOP.encode()
    assert read[1:] == [b"PRICES = {'%d': 1}  # of today\n" % number for number in range(3)]
