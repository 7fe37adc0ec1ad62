"""What a change asks no more of a value, of the shapes that a linter rewrites; and what is certain anyway."""

import pytest

from nightmend.proof.demands import lost_demand
from nightmend.repairs.repair import Edit

FRAME = """\
import math
import os


def work(given: {annotation}, other, **more):
    try:
        {line}
    except ValueError:
        pass
"""
LOST = {
    "keys of anything": ("return 1 in other.keys()", "return 1 in other"),
    "keys of a loop": ("for key in other.keys(): print(key)", "for key in other: print(key)"),
    "keys of a parameter without a kind": ("return list(given.keys())", "return list(given)"),
    "int of anything": ("return int(other)", "return other"),
    "keys beside another word of it": ("return other and 1 in other.keys()", "return 1 in other"),
    "int of a truth": ("return int(True)", "return True"),
    "int of a rounded one": ("return int(round(other, 2))", "return round(other, 2)"),
}
KEPT = {
    "it is asked elsewhere in the line": ("return 1 in other.keys()", "return 1 not in other.keys()"),
    "the value is gone": ("return 1 in other.keys()", "return False"),
    "another way to ask": ("return 1 in other.keys()", "return 1 in (other or {}).keys()"),
    "what makes the number": ("return int(other)", "return int(other.strip())"),
    "a number of another kind": ("return int(other)", "return float(other)"),
    "keyword arguments": ("return list(more.keys())", "return list(more)"),
    "names of the module": ("return 1 in globals().keys()", "return 1 in globals()"),
    "int of arithmetic": ("return int(-1 + 2)", "return -1 + 2"),
    "a dict": ("made = {}; return 1 in made.keys()", "made = {}; return 1 in made"),
    "the environment": ("return 1 in os.environ.keys()", "return 1 in os.environ"),
    "a namespace": ("return 1 in other.__dict__.keys()", "return 1 in other.__dict__"),
    "int of a ceiling": ("return int(math.ceil(other))", "return math.ceil(other)"),
    "int of round": ("return int(round(other))", "return round(other)"),
    "int of a number": ("return int(2)", "return 2"),
    "int of a length": ("return int(len(other))", "return len(other)"),
}


def lost(old, new, annotation="object"):
    before = FRAME.format(annotation=annotation, line=old)
    after = FRAME.format(annotation=annotation, line=new)
    start = before.index(old)
    edit = Edit(path="a.py", start=start, end=start + len(old), text=new)
    return lost_demand("a.py", before.encode(), after.encode(), [edit])


@pytest.mark.parametrize("name", LOST)
def test_what_is_asked_no_more_is_told(name):
    assert lost(*LOST[name])


@pytest.mark.parametrize("name", KEPT)
def test_what_is_certain_or_gone_is_let_pass(name):
    assert lost(*KEPT[name]) is None


def test_an_annotation_makes_certain():
    keys = ("return 1 in given.keys()", "return 1 in given")
    assert lost(*keys)
    assert lost(*keys, annotation="dict[str, int]") is None


def test_the_reason_names_the_value():
    told = lost("return 1 in other.keys()", "return 1 in other")
    assert told == "goes over `other` itself in place of its keys, which are the same only of a dict"


def test_what_does_not_parse_says_nothing():
    edit = Edit(path="a.py", start=0, end=1, text="")
    assert lost_demand("a.py", b"x.keys(", b"", [edit]) is None
