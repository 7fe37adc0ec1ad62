"""What the statements around an edit say of it is what the whole file says."""

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightmend.proof import equality
from nightmend.proof.around import blocks
from nightmend.proof.equality import same_tree
from nightmend.proof.syntax import same_program
from nightmend.repairs.repair import Edit, apply_edits

SHOP = '''\
"""A shop."""
import os, sys

PRICES = {'a': 1,
          'b': 2}


class Shop(object):
    # opened in the morning

    @property
    def hours(self):
        """When it is open."""
        if self.early: return 7
        elif self.late:
            return (9 +
                    1)
        else:
            text = """
  at noon
"""; return text


    def close(self): pass

try:
    import fast
except ImportError as error:  # slow
    fast = None
with open(os.devnull) as file:
    x = 1; y = 2
match x:
    case 1:
        y = 3
'''
PIECES = (
    "",
    " ",
    "\n",
    "    ",
    "#",
    "'",
    '"""',
    "\\\n",
    ";",
    ":",
    "(",
    ")",
    "x",
    "pass\n",
    "else:\n",
    "if x:\n",
    "x = 1\n",
)


def edit(old, new, content=SHOP):
    start = content.index(old)
    return Edit(path="shop.py", start=start, end=start + len(old), text=new)


def told(*edits, content=SHOP):
    before = content.encode()
    after = apply_edits(before, edits)
    alone = same_tree("shop.py", before, after, edits)
    assert alone == same_program("shop.py", before, after)
    return alone


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("'a'", '"a"', True),
        ("'b'", '"c"', False),
        ("            return (9 +\n                    1)\n", "            return 9 + 1\n", True),
        ("\n\n    def close", "\n    def close", True),
        ("# opened", "# closed", True),
        ("    # opened in the morning\n", "    pass\n", False),
        ("  # slow", "", True),
        ("  at noon", "    at noon", False),
        ("return 7", "return 8", False),
        ("elif self.late", "elif (self.late)", True),
        ("def close(self): pass", "def close(self):\n        pass", True),
        ("        else:\n", "        else :\n", True),
        ("import os, sys\n", "import os\nimport sys\n", False),
        ("import os, sys\n", "import os,sys  # coding=latin-1\n", True),
        ('"""A shop."""\n', '# coding: latin-1\n"""A shop."""\n', True),
        ("    case 1:\n        y = 3\n", "    case 1: y = 3\n", True),
        ("x = 1; y = 2", "x = 1\n    y = 2", True),
        ("        y = 3\n", "        y = 3", True),
        ("\n\nclass", "\n\n\n\\\nclass", True),
    ],
)
def test_statements_say_what_the_file_says(old, new, same):
    assert told(edit(old, new)) is same


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_any_edit_is_told_as_the_whole_file_tells_it(data):
    start = data.draw(st.integers(0, len(SHOP)))
    end = min(len(SHOP), start + data.draw(st.integers(0, 12)))
    text = "".join(data.draw(st.lists(st.sampled_from(PIECES), max_size=4)))
    one = Edit(path="shop.py", start=start, end=end, text=text)
    try:
        ast.parse(apply_edits(SHOP.encode(), [one]))
    except SyntaxError:
        return  # the rung of syntax has refused it by then
    told(one)


def test_only_the_statement_is_read(monkeypatch):
    monkeypatch.setattr(equality, "same_program", None)  # nothing may ask for the whole file
    before = SHOP.encode() + b"spare = 1\n" * 5000
    for one in (
        edit("'a'", '"a"'),
        edit("\n\n    def close", "\n    def close"),
        edit("return 7", "return 8"),
    ):
        same_tree("shop.py", before, apply_edits(before, [one]), [one])
    assert blocks(before).around([edit("return 7", "return 8")]).before.startswith(b"        if self.early")


def test_edits_far_apart_are_read_together():
    assert told(edit("'a'", '"a"'), edit("# slow", "# so slow"))
    assert not told(edit("'a'", '"a"'), edit("return 7", "return 8"))


@pytest.mark.parametrize("ending", ["\r\n", "\r", "\f\n"])
def test_odd_lines_are_read_with_their_file(ending):
    content = SHOP.replace("\n\n", "\n" + ending, 1)
    assert blocks(content.encode()).around([edit("'a'", '"a"', content)]) is None
    assert told(edit("'a'", '"a"', content), content=content)
