"""What compiles to the same instructions is the same program; what only looks alike is not."""

import subprocess
import sys
from pathlib import Path

import pytest

from nightmend.diffs.reading import Change
from nightmend.diffs.units import units
from nightmend.proof.bytecode import compiled, same_code
from nightmend.repairs.repair import Edit, apply_edits

ROOT = Path(__file__).parents[3]

HEAD = "import os\n\n\n"


def same(before: str, after: str, head: str = HEAD) -> bool:
    """Ask of one edit of a whole text."""
    old, new = (head + before).encode(), (head + after).encode()
    assert old != new
    edit = Edit(path="a.py", start=len(head), end=len(old), text=after)
    return same_code("a.py", old, new, [edit])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f(a):\n    g(a)\n    return\n", "def f(a):\n    g(a)\n"),
        (
            "def f(a):\n    if a:\n        return 1\n    else:\n        return 2\n",
            "def f(a):\n    if a:\n        return 1\n    return 2\n",
        ),
        (
            "def f(a):\n    if a:\n        raise KeyError\n    elif g:\n        b()\n",
            "def f(a):\n    if a:\n        raise KeyError\n    if g:\n        b()\n",
        ),
        (
            "def f(a, b):\n    if a:\n        if b:\n            g()\n",
            "def f(a, b):\n    if a and b:\n        g()\n",
        ),
        ("def f(a):\n    return not a in g\n", "def f(a):\n    return a not in g\n"),
        ("def f(a):\n    return a in [1, 2]\n", "def f(a):\n    return a in (1, 2)\n"),
        (
            "def f():\n    a: List[int] = g()\n    return a\n",
            "def f():\n    a: list[int] = g()\n    return a\n",
        ),
        ("def f():\n    pass\n    g()\n", "def f():\n    g()\n"),
        ("class C:\n    def f(self):\n        return\n", "class C:\n    def f(self):\n        pass\n"),
        ("WAIT = 60 * 60\n", "WAIT = 3600\n"),
    ],
)
def test_the_same_instructions_are_the_same_program(before, after):
    assert same(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f(a):\n    return not a == g\n", "def f(a):\n    return a != g\n"),
        ("def f(a):\n    return a == 0\n", "def f(a):\n    return a == False\n"),
        ("def f(a):\n    return a + 0.0\n", "def f(a):\n    return a + -0.0\n"),
        ("def f(a):\n    return (a, 1)\n", "def f(a):\n    return (a, 1.0)\n"),
        ("def f(a):\n    return a in {0}\n", "def f(a):\n    return a in {False}\n"),
        ("def f(a=1):\n    return a\n", "def f(a=2):\n    return a\n"),
        ("def f(a):\n    'It.'\n    return a\n", "def f(a):\n    'This.'\n    return a\n"),
        ("def f(a: int):\n    return a\n", "def f(a: str):\n    return a\n"),
        ("def f(a):\n    if __debug__:\n        g()\n", "def f(a):\n    g()\n"),
        ("def f(a, b):\n    if a:\n        assert b\n", "def f(a, b):\n    assert not a or b\n"),
        ("def f():\n    if False:\n        yield\n", "def f():\n    pass\n"),
        ("def f():\n    x: int\n    return lambda: x\n", "def f():\n    return lambda: x\n"),
        (
            "def f():\n    x = 1\n    def g():\n        global x\n        return x\n    return g\n",
            "def f():\n    x = 1\n    def g():\n        return x\n    return g\n",
        ),
        (
            "def f(a):\n    try:\n        g()\n        h()\n    except KeyError:\n        pass\n",
            "def f(a):\n    try:\n        g()\n    except KeyError:\n        pass\n    h()\n",
        ),
        ("def f(a):\n    for b in a:\n        g(b)\n", "def f(a):\n    for c in a:\n        g(c)\n"),
        ("def f(a):\n    return g(a)\n", "def f(a):\n    return g(a\n"),
    ],
)
def test_other_instructions_are_not(before, after):
    assert not same(before, after)


def test_an_inner_function_that_names_an_outer_one_is_not_told_by_itself():
    head = "def f():\n    x = 1\n    def g():\n"
    before, after = "        global x\n        return x\n", "        return x\n"
    old, new = (head + before + "    return g\n").encode(), (head + after + "    return g\n").encode()
    edit = Edit(path="a.py", start=len(head), end=len(head) + len(before), text=after)
    assert not same_code("a.py", old, new, [edit])


def test_annotations_that_are_kept_as_text_are_compared_as_text():
    before, after = "def f(a: not b in c):\n    pass\n", "def f(a: b not in c):\n    pass\n"
    assert same(before, after)
    assert not same(before, after, head="from __future__ import annotations\n\n\n")


def test_what_is_no_python_has_no_instructions():
    assert not same_code("a.md", b"x = 1\n", b"x=1\n", [Edit(path="a.md", start=0, end=6, text="x=1\n")])


def test_what_is_told_of_a_definition_alone_is_so_for_its_whole_file(tmp_path):
    sources = {path: path.read_bytes() for path in sorted((ROOT / "examples").rglob("*.py"))}
    told = []
    for path, before in sources.items():
        copy = tmp_path / path.name
        copy.write_bytes(before)
        command = [
            "-m",
            "ruff",
            "check",
            "--isolated",
            "--no-cache",
            "--select=ALL",
            "--fix",
            "--unsafe-fixes",
        ]
        subprocess.run([sys.executable, *command, "--quiet", "--exit-zero", copy], check=True)
        for unit in units([Change(path="a.py", before=before, after=copy.read_bytes())]):
            after = apply_edits(before, unit)
            if same_code("a.py", before, after, unit):
                told.append(unit)
                assert compiled(before, b"", 0, 0) == compiled(after, b"", 0, 0)
    assert len(told) > 20
