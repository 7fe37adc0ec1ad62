"""Reads that nothing may have bound before them, and imports that ask whether something is there."""

import ast
import textwrap

import pytest

from nightmend.proof.bench import Bench
from nightmend.proof.binding import _reads, lost_probes, unbound_reads
from nightmend.proof.rungs import names_rung
from nightmend.repairs.repair import Edit

SEGMENT = """\
def segment(current, part):
    try:
        return current[part]
    except TypeError as error:
        try:
            part = int(part)
        except ValueError:
            if not hasattr(current, "__iter__"):
                error = TypeError("no items")
            raise LookupError(error)
        return current[part]
"""
READLINE = """\
try:
    import readline
    HAS_READLINE = True
except ImportError:
    HAS_READLINE = False
"""


def parts(text):
    """Return sources by the names in the comments above them."""
    return dict(part.split("\n", 1) for part in text.split("# ")[1:])


BOUND = parts("""\
# a parameter
def f(a, *b, c=1, **d):
    a = a, b, c, d
# in both branches
def f(a):
    if a:
        b = 1
    else:
        b = 2
    return b
# the other branch leaves
def f(a):
    if a:
        b = 1
    else:
        raise E
    return b
# in a handler by its name
def f():
    try:
        g()
    except E as e:
        h(e)
    except F as e:
        h(e)
# in a try whose handlers leave
def f():
    try:
        b = 1
    except E:
        return
    return b
# in a try and its handler
def f():
    try:
        b = g()
    except E:
        b = 1
    return b
# in the last block of a try
def f():
    try:
        g()
    finally:
        b = 1
    return b
# by a loop in its body
def f(a):
    for b in a:
        g(b)
# before an endless loop breaks
def f():
    while True:
        b = g()
        if b:
            break
    return b
# by else of a loop and before break
def f(a):
    for _ in a:
        b = 1
        break
    else:
        b = 2
    return b
# by with
def f():
    with open(a) as b, c(b) as d:
        return b, d
# by a walrus
def f(a):
    if (b := a) and b.c:
        return b
# in a comprehension
def f(a):
    return [b for b in a if b], {b: c for b, c in a}
# by a pattern
def f(a):
    match a:
        case [b, *c] if b:
            return b, c
        case d:
            return d
# by an import
def f():
    import a.b
    from c import d as e
    return a, e
# by a definition
def f():
    def g(): pass
    class C: pass
    return g, C
# nowhere here
def f():
    global a
    if b:
        a = 1
    return a, b
# of a module
import a
b = a

def f():
    return later

later = 1
""")
UNBOUND = parts("""\
# in one branch: b
def f(a):
    if a:
        b = 1
    return b
# in a loop that may not turn: b
def f(a):
    for b in a:
        pass
    return b
# in a try that may be left before: b
def f():
    try:
        b = g()
    except E:
        pass
    return b
# behind its handler: e
def f():
    try:
        g()
    except E as e:
        pass
    return e
# in the last block of a try: b
def f():
    try:
        b = 1
    finally:
        g(b)
# after del: a
def f(a):
    del a
    a = a
# only declared: b
def f():
    b: int
    return b
# by one of the patterns: b
def f(a):
    match a:
        case [b]:
            pass
    return b
# in a handler's head: e
def f():
    try:
        e = g()
    except e:
        pass
# of a module: b
if a:
    b = 1
c = b
""")
"""Behind the colon stands what is unbound."""


@pytest.mark.parametrize("source", BOUND.values(), ids=BOUND.keys())
def test_what_every_way_binds_can_be_read(source):
    assert list(_reads(ast.parse(source))) == []


@pytest.mark.parametrize("told", UNBOUND)
def test_what_a_way_leaves_unbound_is_named(told):
    assert {read for _, read in _reads(ast.parse(UNBOUND[told]))} == {told.split(": ")[1]}


def changed(source, old, new):
    start = source.index(old)
    edit = Edit(path="a.py", start=start, end=start + len(old), text=new)
    return source.encode(), source.replace(old, new, 1).encode(), [edit]


@pytest.mark.parametrize("depth", [0, 1])
def test_a_handler_that_loses_a_name_that_is_read_later_in_it_is_noticed(depth):
    source = ("class C:\n" if depth else "") + textwrap.indent(SEGMENT, "    " * depth)
    assert unbound_reads(*changed(source, " as error", "")) == ("error",)


def test_what_was_unbound_before_is_nobodys_fault():
    source = "def f(a):\n    if a:\n        b = 1\n    c = 2\n    return b\n"
    assert unbound_reads(*changed(source, "    c = 2\n", "")) == ()
    assert unbound_reads(*changed(source, "        b = 1\n", "        pass\n")) == ()


@pytest.mark.parametrize(
    ("after", "lost"),
    [
        (READLINE.replace("import readline", "pass"), ("readline",)),
        (READLINE.replace("import readline", "import readline as line"), ()),
        ("import readline\nHAS_READLINE = True\n", ()),
        ("HAS_READLINE = True\n", ("readline",)),
    ],
)
def test_an_import_that_asks_whether_something_is_there_is_not_taken_out(after, lost):
    assert lost_probes(READLINE.encode(), after.encode()) == lost


def test_only_a_handler_asks():
    source = "import a\ntry:\n    import b\nfinally:\n    import c\n"
    assert lost_probes(source.encode(), b"d = 1\n") == ()


def test_the_rung_says_why(workspace_of, repair_in):
    workspace = workspace_of({"a.py": SEGMENT, "b.py": READLINE, "c.md": "try\n"})
    repairs = [
        repair_in(workspace, "a.py", " as error", ""),
        repair_in(workspace, "b.py", "import readline", "pass"),
        repair_in(workspace, "a.py", "no items", "nothing"),
        repair_in(workspace, "c.md", "try", "tried"),
    ]
    bench = Bench(workspace, workspace.night.base, repairs)
    names_rung(bench)
    assert bench.open == repairs[2:]
    assert [one.reason for one in bench.judgements()[:2]] == [
        "a way leads to where error is read and nothing has bound it",
        "it takes the import of readline out of a `try` that asks whether it is there",
    ]
