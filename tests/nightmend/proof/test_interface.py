"""What of a public interface a repair takes away, and what only looks as if it did."""

import pytest

from nightmend.proof import interface as interfaces
from nightmend.proof.bench import Bench
from nightmend.proof.interface import Interface
from nightmend.proof.packages import packages_of
from nightmend.proof.rungs import interface_rung
from nightmend.repairs.repair import Edit, apply_edits

FILES = (
    "shop/__init__.py", "shop/cart.py", "shop/prices.py", "shop/_inner.py", "shop/tests/test.py", "setup.py",
)  # fmt: skip
CART = "shop/cart.py"
SOURCES = (
    b"from shop.cart import total, prices, _total, loads\n",
    b"import shop.cart\nshop.cart.sum_up([1])\n",
)
"""What others, a test of the target say, take from there."""


@pytest.fixture(scope="module")
def interface():
    return Interface(packages_of(FILES), SOURCES)


BREAKS = [
    ("a function is gone", "def f(): pass", "", "shop.cart.f: public object was removed"),
    ("a parameter is gone", "def f(a, b): pass", "def f(a): pass", "shop.cart.f(b): parameter was removed"),
    (
        "a parameter has another name",
        "def f(a=1): pass",
        "def f(b=1): pass",
        "shop.cart.f(a): parameter was removed",
    ),
    (
        "a parameter is needed now",
        "def f(a=1): pass",
        "def f(a): pass",
        "shop.cart.f(a): parameter is now required",
    ),
    (
        "parameters change their places",
        "def f(a, b): pass",
        "def f(b, a): pass",
        "shop.cart.f(a): positional parameter was moved",
    ),
    (
        "a parameter can only be named now",
        "def f(a, b): pass",
        "def f(a, *, b): pass",
        "shop.cart.f(b): parameter kind was changed",
    ),
    (
        "a default is another value",
        "def f(a=1): pass",
        "def f(a=2): pass",
        "shop.cart.f(a): parameter default was changed",
    ),
    (
        "a method lacks a parameter",
        "class A:\n    def f(self, a): pass",
        "class A:\n    def f(self): pass",
        "shop.cart.A.f(a): parameter was removed",
    ),
    (
        "an attribute of instances is gone",
        "class A:\n    def __init__(self):\n        self.a = 1",
        "class A:\n    def __init__(self):\n        pass",
        "shop.cart.A.a: public object was removed",
    ),
    (
        "a field of a dataclass moves",
        "from dataclasses import dataclass\n@dataclass\nclass A:\n    a: int\n    b: int",
        "from dataclasses import dataclass\n@dataclass\nclass A:\n    b: int\n    a: int",
        "shop.cart.A.__init__(a): positional parameter was moved",
    ),
    (
        "a base is gone",
        "class A(ValueError, Base): pass",
        "class A(ValueError): pass",
        "shop.cart.A: base class was removed",
    ),
    (
        "a property becomes a method",
        "class A:\n    @property\n    def p(self): pass",
        "class A:\n    def p(self): pass",
        "shop.cart.A.p: public object points to a different kind of object",
    ),
    (
        "an attribute becomes a property that nobody can set",
        "class A:\n    p = 1",
        "class A:\n    @property\n    def p(self): return 1",
        "shop.cart.A.p: it can no longer be set",
    ),
    (
        "a static method needs an instance",
        "class A:\n    @staticmethod\n    def f(): pass",
        "class A:\n    def f(self): pass",
        "shop.cart.A.f: it can no longer be called on the class",
    ),
    ("a function has to be awaited", "def f(): pass", "async def f(): pass", "shop.cart.f: it is now async"),
    (
        "a name leaves __all__",
        "__all__ = ['f', 'g']\ndef f(): pass\ndef g(): pass",
        "__all__ = ['f']\ndef f(): pass\ndef g(): pass",
        "shop.cart.g is left out of a star import",
    ),
    (
        "__all__ comes without all",
        "def f(): pass\ndef g(): pass",
        "__all__ = ['f']\ndef f(): pass\ndef g(): pass",
        "shop.cart.g is left out of a star import",
    ),
    (
        "an own name that others take from here",
        "from .prices import total\nX = 1",
        "X = 1",
        "shop.cart.total can no longer be imported",
    ),
    (
        "an own name where a module only hands on",
        '"""All of it."""\nfrom .prices import tax\n__version__ = "1"',
        '"""All of it."""\n__version__ = "1"',
        "shop.cart.tax can no longer be imported",
    ),
    (
        "an own name that is named once more for others",
        "from .prices import tax as tax\nX = 1",
        "X = 1",
        "shop.cart.tax can no longer be imported",
    ),
    (
        "an own name that others take by the module",
        "from shop.prices import total as sum_up\nX = 1",
        "X = 1",
        "shop.cart.sum_up can no longer be imported",
    ),
    (
        "a star import is gone",
        "from .prices import *\nX = 1",
        "X = 1",
        "shop.cart.* of shop.prices can no longer be imported",
    ),
    (
        "__all__ hands a library's name on",
        "from json import loads\n__all__ = ['loads']",
        "__all__ = []",
        "shop.cart.loads: public object was removed",
    ),
]


@pytest.mark.parametrize(
    ("before", "after", "told"), [one[1:] for one in BREAKS], ids=[one[0] for one in BREAKS]
)
def test_what_breaks_is_named(interface, before, after, told):
    found = interface.breaks(CART, before.encode(), after.encode())
    assert told in found


def test_a_package_hands_its_modules_on(interface):
    before = b"from . import prices\nfrom json import loads\nX = 1\n"
    after = b"X = 1\n"
    assert interface.breaks("shop/__init__.py", before, after) == ("shop.prices can no longer be imported",)


def test_a_package_hands_its_names_on_though_nobody_takes_them_yet(interface):
    told = "shop.tax can no longer be imported"
    assert interface.breaks("shop/__init__.py", b"from .prices import tax\nX = 1\n", b"X = 1\n") == (told,)


HARMLESS = [
    ("a parameter more", "def f(a): pass", "def f(a, b=1): pass"),
    ("a default that was made anew", "def f(a=[]): pass", "def f(a=None): pass"),
    ("`object` is a base anyway", "class A(object): pass", "class A: pass"),
    (
        "type parameters stand for the base",
        "from typing import Generic\nclass A(Generic[T]): pass",
        "class A[T]: pass",
    ),
    ("a lambda gets a name", "f = lambda a: a", "def f(a): return a"),
    ("the instance has another name", "class A:\n    def f(this): pass", "class A:\n    def f(self): pass"),
    (
        "a method that needs no instance",
        "class A:\n    def f(self, a): pass",
        "class A:\n    @staticmethod\n    def f(a): pass",
    ),
    ("an import of a library", "import os\nfrom json import loads\nX = 1", "X = 1"),
    ("an import of a module of its own", "from . import prices\nimport shop.prices\nX = 1", "X = 1"),
    ("an import for annotations", "if TYPE_CHECKING:\n    from .prices import T", "X = 1"),
    ("an own name that nobody takes from here", "from .prices import tax\nX = 1", "X = 1"),
    ("a name that stays, from elsewhere", "from .prices import dumps", "from json import dumps"),
    ("a private name", "from .prices import _total\ndef _f(): pass\nX = 1", "X = 1"),
    (
        "what __all__ leaves out",
        "__all__ = ['f']\ndef f(): pass\ndef g(): pass",
        "__all__ = ['f']\ndef f(): pass",
    ),
    (
        "an entry of __all__ for nothing",
        "__all__ = ['f', 'g']\ndef f(): pass",
        "__all__ = ['f']\ndef f(): pass",
    ),
    ("the body of a function", "def f(a):\n    return a", "def f(a):\n    return a + 0"),
    ("no Python before", "def f(:", "def f(): pass"),
]


@pytest.mark.parametrize(("before", "after"), [one[1:] for one in HARMLESS], ids=[one[0] for one in HARMLESS])
def test_what_takes_nothing_from_others_is_no_break(interface, before, after):
    assert interface.breaks(CART, before.encode(), after.encode()) == ()


AROUND = (
    "import functools\nfrom dataclasses import dataclass, field\n\n\ndef earlier(a):\n    return a\n\n\n",
    "\n\n\nclass Later:\n    def f(self):\n        return 1\n\n\nLAST = earlier\n",
)
ONLY_IN_THEIR_FILE = [
    (
        "a dataclass gets a field that is needed",
        "@dataclass\nclass C:\n    a: int",
        "@dataclass\nclass C:\n    a: int\n    b: int",
    ),
    (
        "a property is a method now",
        "class C:\n    @functools.cached_property\n    def f(self): pass",
        "class C:\n    def f(self): pass",
    ),
]  # fmt: skip
"""What a definition offers by names that its file imports."""


@pytest.mark.parametrize(
    ("before", "after"),
    [one[1:3] for one in (*BREAKS, *HARMLESS, *ONLY_IN_THEIR_FILE)],
    ids=[one[0] for one in (*BREAKS, *HARMLESS, *ONLY_IN_THEIR_FILE)],
)
def test_with_the_edits_less_is_read_and_the_same_is_told(interface, before, after):
    head, tail = AROUND
    whole, changed = (f"{head}{middle}{tail}".encode() for middle in (before, after))
    edit = Edit(path=CART, start=len(head.encode()), end=len(f"{head}{before}".encode()), text=after)
    told = interface.breaks(CART, whole, changed)
    assert interface.breaks(CART, whole, changed, [edit]) == told
    assert told or (before, after) not in [one[1:] for one in ONLY_IN_THEIR_FILE]


WITHIN = """\
class Cart:
    @property
    def total(self):
        return self.count

    def __init__(self, size=3):
        self.count = 0
        self.size: int = size
        if size > 2:
            self.big = True

        def inner(a):
            return a


def f(a):
    return a
"""


@pytest.mark.parametrize(
    ("old", "new", "breaks"),
    [
        ("return self.count", "return self.count or 0", False),
        ("self.count = 0", "pass", True),
        ("self.count = 0", "self.count = 1", False),
        ("            self.big = True", "            pass", True),
        ("        self.count = 0\n", "        def later():\n            self.count = 0\n", True),
        ("size=3", "size", True),
        ("    @property\n", "", True),
        ("inner(a)", "inner(b)", False),
        ("inner(a)", "inner(a", False),
        ("def f(a):", "def f(b):", True),
        ("def f", "async def f", True),
        ("    return a\n", "", False),
    ],
)
def test_within_a_function_the_same_is_told_as_of_the_whole_file(interface, old, new, breaks):
    start = WITHIN.rindex(old)
    edit = Edit(path=CART, start=start, end=start + len(old), text=new)
    whole, changed = WITHIN.encode(), apply_edits(WITHIN.encode(), [edit])
    told = interface.breaks(CART, whole, changed)
    assert bool(told) is breaks
    assert interface.breaks(CART, whole, changed, [edit]) == told


def test_what_stays_in_a_body_needs_no_look_at_the_module(interface, monkeypatch):
    monkeypatch.setattr(interfaces, "_read", None)
    start = WITHIN.rindex("return a")
    edit = Edit(path=CART, start=start, end=start + len("return a"), text="return [a]")
    changed = apply_edits(WITHIN.encode(), [edit])
    assert interface.breaks(CART, WITHIN.encode(), changed, [edit]) == ()


@pytest.mark.parametrize("put", ["__all__ = ['f']\n\n\n", "f = None\n", "def f(): pass\n", "class f: pass\n"])
def test_what_is_put_between_definitions_is_read_with_the_whole_file(interface, put):
    head, tail = AROUND
    source = f"{head}def f(a):\n    return a{tail}"
    start = source.index("class Later")
    edit = Edit(path=CART, start=start, end=start, text=put)
    whole, changed = source.encode(), f"{source[:start]}{put}{source[start:]}".encode()
    told = interface.breaks(CART, whole, changed)
    assert told
    assert interface.breaks(CART, whole, changed, [edit]) == told


@pytest.mark.parametrize(
    ("reader", "after", "told"),
    [
        (b"for name in cart.__slots__: pass\n", "('b', 'a')", True),
        (b"getattr(cart, '__slots__')\n", "['b', 'a']", True),
        (b"class C:\n    __slots__ = ()\n", "('b', 'a')", False),
        (b"for name in cart.__slots__: pass\n", "('a', 'b', 'c')", False),
    ],
)
def test_the_order_of_slots_is_for_those_who_read_them(reader, after, told):
    interface = Interface(packages_of(FILES), (reader,))
    source = "class Cart:\n    __slots__ = ('a', 'b')\n"
    start = source.index("('a'")
    edit = Edit(path=CART, start=start, end=len(source) - 1, text=after)
    new = source.replace("('a', 'b')", after).encode()
    sentence = "shop.cart.Cart.__slots__: the order is another one, and somebody reads it"
    for edits in ((), [edit]):
        assert (sentence in interface.breaks(CART, source.encode(), new, edits)) is told


@pytest.mark.parametrize("path", ["shop/_inner.py", "shop/tests/test.py", "setup.py", "README.md"])
def test_what_is_not_for_others_may_change(interface, path):
    assert interface.breaks(path, b"def f(a): pass\n", b"") == ()


@pytest.fixture(scope="module")
def workspace(shared_workspace_of):
    return shared_workspace_of({"shop.py": "def total(prices, tax=0):\n    return sum(prices) + tax\n"})


@pytest.mark.parametrize(("allowed", "verdict"), [(False, "refused"), (True, "kept")])
def test_only_a_person_lets_the_interface_break(workspace, repair_in, allowed, verdict):
    workspace = type(workspace)(workspace.night.model_copy(update={"allow_breaking": allowed}))
    bench = Bench(workspace, workspace.night.base, [repair_in(workspace, "shop.py", ", tax=0", "")])
    interface_rung(bench)
    [one] = bench.judgements()
    told = "shop.total(tax): parameter was removed"
    assert (one.verdict, one.evidence.interface_breaks) == (verdict, (told,))
    assert told in one.reason


def test_the_same_program_needs_no_look(workspace, repair_in):
    repair = repair_in(workspace, "shop.py", ", tax=0", "")
    bench = Bench(workspace, workspace.night.base, [repair])
    bench.grades[repair.id] = "A"
    interface_rung(bench)
    assert bench.open
