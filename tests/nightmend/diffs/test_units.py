"""A diff falls into edits that can each stand alone, and that together are the diff."""

import ast
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightmend.diffs.chunks import pieces
from nightmend.diffs.reading import Change
from nightmend.diffs.units import units
from nightmend.repairs.repair import apply_edits, overlap

STATEMENTS = (
    "import os\n", "import re\n", "from typing import List\n", "x = 1\n", "x = os.sep\n",
    "y = re.escape('a')\n",
    "# a comment\nz = 2\n", "def f(a):\n    b = a\n    return b\n", "def f(a, c=None):\n    return a\n",
    "if x:\n    y = 1\nelse:\n    y = 2\n", "y = f(1)\n", "\n", "text = '''\n# no comment\n'''\n",
    "try:\n    x = 3\nexcept KeyError:\n    pass\n",
    "class C:\n    def m(self):\n        return self.n\n\n    n = 1\n",
    "print(x, é)\n", "call(\n    1,\n    2,\n)\n", "with open('a') as g:\n    x = g\n", "x = 1; y = 2\n",
    "if x:\n    pass\nelif y:\n    x = 4\n", "if x: y = 3\n", "else_ = [\n    x,\n    y,\n]\n",
)  # fmt: skip
PROGRAMS = st.lists(st.sampled_from(STATEMENTS), max_size=9).map("".join)


def joined(before, found):
    return apply_edits(before, [edit for unit in found for edit in unit])


@given(before=PROGRAMS, after=PROGRAMS)
@settings(max_examples=100, deadline=None)
def test_all_edits_together_are_the_diff_and_each_stands_alone(before, after):
    before, after = before.encode(), after.encode()
    change = Change(path="a.py", before=before, after=after)
    found = units([change])
    assert joined(before, found) == after
    assert units([change]) == found
    for unit in found:
        ast.parse(apply_edits(before, unit))
    for one, other in combinations([edit for unit in found for edit in unit], 2):
        assert not overlap(one, other)


@given(before=st.text("ab=\n\r\x0c #", max_size=20), after=st.text("ab=\n\r\x0c #", max_size=20))
@settings(max_examples=100, deadline=None)
def test_any_end_of_line_in_python(before, after):
    change = Change(path="a.py", before=before.encode(), after=after.encode())
    assert joined(change.before, units([change])) == change.after


@given(before=st.text("ab\n\r\x0c é", max_size=40), after=st.text("ab\n\r\x0c é", max_size=40))
@settings(max_examples=100, deadline=None)
def test_text_that_is_no_python_falls_into_blocks(before, after):
    before, after = before.encode(), after.encode()
    edits = [piece.edit for piece in pieces("a.txt", before, after)]
    assert apply_edits(before, edits) == after
    found = units([Change(path="a.txt", before=before, after=after)])
    assert joined(before, found) == after


def split(before, after, path="a.py"):
    """Return what each unit of a change puts in and takes away, for people."""
    content = before.encode()
    found = units([Change(path=path, before=content, after=after.encode())])
    return [[(content[edit.start : edit.end].decode(), edit.text) for edit in unit] for unit in found]


def test_statements_of_one_block_are_edits_of_their_own():
    assert split("import a\nimport b\nimport c\nx = 1\n", "x = 1\n") == [
        [("import a\n", "")], [("import b\n", "")], [("import c\n", "")]
    ]  # fmt: skip
    assert split("first = one\nsecond = two\n", "first = once\nsecond = twice\n") == [
        [("first = one\n", "first = once\n")], [("second = two\n", "second = twice\n")]
    ]  # fmt: skip


def test_a_comment_goes_with_the_statement_below():
    assert split("a = 1\n# about b\nb = 2\nend()\n", "end()\n") == [
        [("a = 1\n", "")], [("# about b\nb = 2\n", "")]
    ]  # fmt: skip


def test_what_only_parses_together_is_one():
    before = "if x:\n    one()\n    two()\nend()\n"
    assert (
        split(before, "one()\ntwo()\nend()\n")
        == [[("if x:\n", ""), ("    one()\n", "one()\n"), ("    two()\n", "two()\n")]]
        or len(split(before, "one()\ntwo()\nend()\n")) == 1
    )
    far = "x = (\n" + "    1,\n" * 12 + ")\n"
    assert len(split(far, far.replace("(", "[").replace(")", "]"))) == 1


def test_a_file_that_will_not_parse_stays_in_its_pieces():
    assert len(split("a = 1\n\nb = 2\n", "a = (\n\nb = 3\n")) == 2


def test_each_use_takes_the_import_that_it_needs_along():
    keep = "def f():\n    pass\n\n\n"
    before = keep + "one = x\n\n" + keep + "two = y\n"
    after = "import re\n" + keep + "one = re.x\n\n" + keep + "two = re.y\n"
    assert split(before, after) == [
        [("", "import re\n"), ("one = x\n", "one = re.x\n")],
        [("", "import re\n"), ("two = y\n", "two = re.y\n")],
    ]


def test_an_import_goes_with_its_last_uses():
    before = "import os\nimport re\n\nkeep()\na = os.sep\nkeep()\nb = os.name\n"
    after = "import re\n\nkeep()\na = '/'\nkeep()\nb = 'posix'\n"
    assert len(split(before, after)) == 1


def test_an_import_that_moves_is_one_edit():
    assert len(split("import os\nkeep()\nx = 1\n", "keep()\nx = 1\nimport os\n")) == 1


def test_a_definition_and_its_uses_are_one():
    body = "\n\n\ndef g():\n    return helper()\n"
    assert (
        len(split("x = 1\n\n\ndef g():\n    return 1\n", "def helper():\n    return 1\n\n\nx = 1" + body))
        == 1
    )
    before = "def f(a):\n    return a\n\n\nkeep()\nf(1)\n"
    assert len(split(before, before.replace("f(a)", "f(a, b)").replace("f(1)", "f(1, 2)"))) == 1


def test_a_new_annotation_binds_no_callers():
    before = "def f(a):\n    return a\n\n\nkeep()\nf(1)\n"
    assert len(split(before, before.replace("f(a)", "f(a: int)").replace("f(1)", "f(2)"))) == 2


DEFAULTS = """\
def f(a, found={}):
    b = a
    c = b
    d = c
    return [one for one in d if one in found]


def g(found={}):
    return found
"""


def test_a_default_and_the_guard_that_makes_up_for_it_are_one():
    after = DEFAULTS.replace("f(a, found={})", "f(a, found=None)")
    after = after.replace("    b = a\n", "    if found is None:\n        found = {}\n    b = a\n")
    [unit] = units([Change(path="a.py", before=DEFAULTS.encode(), after=after.encode())])
    assert [edit.text for edit in unit if "None" in edit.text] == [edit.text for edit in unit]
    other = after.replace("g(found={})", "g(found=())")
    assert len(units([Change(path="a.py", before=DEFAULTS.encode(), after=other.encode())])) == 2


def test_names_of_two_functions_are_two_things():
    before = "def f():\n    return 1\n\n\ndef g(value):\n    return 2\n"
    after = "def f():\n    value = 1\n    return value\n\n\ndef g(value):\n    return value\n"
    assert len(split(before, after)) == 2


@pytest.mark.parametrize(("user", "number"), [("b.py", 1), ("tests/test_b.py", 2)])
def test_a_definition_is_one_with_its_uses_in_other_files_but_in_no_test(user, number):
    changes = [
        Change(path="a.py", before=b"def old():\n    pass\n", after=b"def fresh():\n    pass\n"),
        Change(path=user, before=b"import a\n\na.old()\n", after=b"import a\n\na.fresh()\n"),
    ]
    assert len(units(changes)) == number


def test_an_import_says_nothing_of_other_files():
    changes = [
        Change(path=f"{name}.py", before=b"import os\n\nx = os.sep\n", after=b"\nx = '/'\n") for name in "ab"
    ]
    assert len(units(changes)) == 2


def test_bytes_that_are_no_utf_8_may_stay_but_not_come():
    change = Change(path="a.py", before=b"a = 1\nb = '\xff'\n", after=b"a = 2\nb = '\xff'\n")
    assert joined(change.before, units([change])) == change.after
    with pytest.raises(UnicodeDecodeError):
        units([Change(path="a.py", before=b"a = 1\n", after=b"a = '\xff'\n")])
