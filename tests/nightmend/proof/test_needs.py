"""What a repair would need of newer Pythons: found where it brings it, and only there."""

import pytest

from nightmend.proof.needs import new_needs
from nightmend.repairs.repair import Edit, apply_edits

BEFORE = '''\
import math
import pathlib


def kept(name, numbers):
    """Do nothing new."""
    found = {}
    if name:
        pass
    return name[2:]


LIMIT = 3
'''
POSTPONED = "from __future__ import annotations\n" + BEFORE


def brought(old, new, floor, before=BEFORE):
    start = before.encode().index(old.encode())
    edit = Edit(path="shop.py", start=start, end=start + len(old), text=new)
    after = apply_edits(before.encode(), [edit])
    return new_needs(before.encode(), after, [edit], floor)


NEWER = {
    "a walrus": ("if name:", "if (short := name):", (3, 8)),
    "a match": (
        "    if name:\n        pass\n",
        "    match name:\n        case _:\n            pass\n",
        (3, 10),
    ),
    "a with in parentheses": (
        "        pass",
        "        with (open(name) as one, open(name) as two):\n            pass",
        (3, 9),
    ),
    "removeprefix of anything": ("name[2:]", 'name.removeprefix("a")', (3, 9)),
    "bits of anything": ("name[2:]", "name.bit_count()", (3, 10)),
    "a path inside another": ("name[2:]", "name.is_relative_to(numbers)", (3, 9)),
    "a union of dicts": ("name[2:]", "{} | {'a': 1}", (3, 9)),
    "a union of known dicts": ("name[2:]", "found | {'a': 1}", (3, 9)),
    "a union of dicts, one unknown": ("name[2:]", "numbers | dict(name)", (3, 9)),
    "a union of types": ("name[2:]", "isinstance(name, int | str)", (3, 10)),
    "an alias": ("LIMIT = 3", "LIMIT = int | None", (3, 10)),
    "an alias of a collection": ("LIMIT = 3", "LIMIT = list[int]", (3, 9)),
    "an annotation": ("kept(name,", "kept(name: int | None,", (3, 10)),
    "an annotation of a collection": ("kept(name,", "kept(name: list[int],", (3, 9)),
    "a builtin": ("name[2:]", "aiter(name)", (3, 10)),
    "an argument of a builtin": ("name[2:]", "zip(name, numbers, strict=True)", (3, 10)),
    "a function of the library": ("name[2:]", "math.prod(numbers)", (3, 8)),
    "a module": ("import math\n", "import math\nimport tomllib\n", (3, 11)),
    "a star in an index": ("name[2:]", "name[*numbers]", (3, 11)),
    "a parameter by place only": ("kept(name,", "kept(name, /,", (3, 8)),
}


@pytest.mark.parametrize(("old", "new", "since"), NEWER.values(), ids=NEWER)
def test_what_came_later_is_found_with_its_version(old, new, since):
    assert max(one.version for one in brought(old, new, (3, 6))) == since
    assert brought(old, new, since) == []


HARMLESS = {
    "arithmetic of unknown values": ("name[2:]", "name | numbers"),
    "flags": ("name[2:]", "name.FIRST | name.SECOND"),
    "a plain name": ("name[2:]", "name.parser"),
    "an old method": ("name[2:]", "name.replace('a', 'b')"),
    "an f-string": ("name[2:]", 'f"{name}"'),
    "a comment": ("name[2:]", "name[2:]  # removeprefix"),
}


@pytest.mark.parametrize(("old", "new"), HARMLESS.values(), ids=HARMLESS)
def test_what_every_declared_python_has_is_nothing(old, new):
    assert brought(old, new, (3, 6)) == []


def test_annotations_that_nobody_evaluates_may_have_any_type():
    assert brought("kept(name,", "kept(name: list[int] | None,", (3, 7), POSTPONED) == []
    assert brought("name[2:]", "int | None", (3, 7), POSTPONED)


def test_what_was_there_before_is_not_brought():
    before = BEFORE.replace("name[2:]", 'name.removeprefix("a")')
    assert brought('"a"', '"b"', (3, 6), before) == []


def test_a_comment_of_the_target_excuses_nothing():
    assert brought("name[2:]", "math.prod(numbers)  # novermin", (3, 6))


@pytest.mark.parametrize(
    ("before", "old", "new", "found"),
    [
        ("def broken(:\n    pass\n", "broken(:", "mended():", []),
        ("def broken(:\n    pass\n", "broken(:", "mended(name, /):", [(3, 8)]),
        ("def last(name):\n    return name", "return name", "return name.removeprefix('a')", [(3, 9)]),
        ("\r\nx = 1\r\n", "x = 1", "x = (y := 1)", [(3, 8)]),
    ],
)
def test_a_file_that_cannot_be_read_in_parts_is_read_whole(before, old, new, found):
    assert [one.version for one in brought(old, new, (3, 6), before)] == found


def test_words_of_python_2_beside_those_of_python_3_end_nothing():
    before = BEFORE.replace("name[2:]", "f'{name}', 'a'.decode('utf-8')")
    assert brought("f'{name}'", "f'{name!r}'", (3, 7), before) == []
