"""What a removal leaves blank."""

import pytest

from nightmend.diffs.tidying import tidied
from nightmend.repairs.repair import Edit, apply_edits


def without(source, gone, others=()):
    start = source.index(gone)
    edit = Edit(path="a.py", start=start, end=start + len(gone), text="")
    unit = tidied(source.encode(), [edit], [edit, *others])
    return apply_edits(source.encode(), unit).decode()


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ("def f():\n    a\n\n    return\n\n\ndef g():\n", "def f():\n    a\n\n\ndef g():\n"),
        ("def f():\n    a\n    return\n\n\ndef g():\n", "def f():\n    a\n\n\ndef g():\n"),
        ("def f():\n    a\n\n    return\n    b\n", "def f():\n    a\n\n    b\n"),
        ("def f():\n    a\n\n\n    return\n\n    b\n", "def f():\n    a\n\n\n    b\n"),
        ("def f():\n    a\n\n    return\n", "def f():\n    a\n"),
        ("def f():\n    a\n \t\n    return\n\n", "def f():\n    a\n\n"),
        ("    return\n\n\ndef g():\n", "\n\ndef g():\n"),
        ("def f():\r\n    a\r\n\r\n    return\n\r\n\r\nb\r\n", "def f():\r\n    a\r\n\r\n\r\nb\r\n"),
    ],
)
def test_the_larger_number_of_blank_lines_stays_and_none_at_the_end(source, left):
    assert without(source, "    return\n") == left


@pytest.mark.parametrize("gone", ["return", "    return", "\n    return\n"])
def test_what_is_no_whole_line_or_has_its_blank_line_with_it_goes_as_it_is(gone):
    source = "def f():\n    a\n\n    return\n\n\ndef g():\n"
    assert without(source, gone) == source.replace(gone, "", 1)


def test_what_another_edit_touches_is_left_to_it():
    source = "def f():\n    a\n\n    return\n\n\ndef g():\n"
    at = source.index("\n\n    return") + 1
    beside = Edit(path="a.py", start=at, end=at + 1, text="")
    assert without(source, "    return\n", [beside]) == source.replace("    return\n", "")
    away = Edit(path="a.py", start=0, end=3, text="async def")
    assert without(source, "    return\n", [away]) == "def f():\n    a\n\n\ndef g():\n"
