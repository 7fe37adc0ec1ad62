"""What a module knows of itself: offsets that hold, and names that mean what they say."""

import ast
import textwrap

import pytest

from nightmend.patterns.source import Module


def module(source: str | bytes, **settings: object) -> Module:
    content = source if isinstance(source, bytes) else textwrap.dedent(source).encode()
    made = Module.parse("example.py", content, **settings)  # type: ignore[arg-type]
    assert made is not None
    return made


def meaning(source: str) -> str | None:
    """The qualified name of the last expression in the source."""
    made = module(source)
    last = [node for node in ast.walk(made.tree) if isinstance(node, ast.Expr)][-1]
    return made.resolve(last.value)


@pytest.mark.parametrize(
    "content",
    [
        b"def broken(:\n",
        b"x = '\xff'\n",
        b"x = 1\0\n",
        "# coding: latin-1\nx = 'é'\n".encode(),
        b"# coding: nonsense\n",
        b"print 'Python 2'\n",
        b"(" * 2000 + b")" * 2000,
    ],
)
def test_what_is_no_python_3_in_utf_8_has_no_module(content: bytes) -> None:
    assert Module.parse("example.py", content) is None


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_offsets_count_bytes_of_the_file(ending: str, bom: bytes) -> None:
    lines = ["é = 'ü'; first(1)", "\tif x:\f second('€', 2)".strip("\t"), "", "def f():", "\treturn third(é)"]
    made = module(bom + ending.join(lines).encode())
    assert [made.text(call) for call in made.nodes(ast.Call)] == ["first(1)", "second('€', 2)", "third(é)"]
    assert made.newline == ending
    assert made.line(1) == lines[0]
    assert [made.line_of(made.start(call)) for call in made.nodes(ast.Call)] == [1, 2, 5]
    assert made.indent_unit == "\t"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import numpy as np\nnp.float", "numpy.float"),
        ("from numpy import float as f\nf", "numpy.float"),
        ("import os.path\nos.path.join", "os.path.join"),
        ("import os.path as osp\nosp.join", "os.path.join"),
        ("from . import near\nnear.it", "..near.it"),
        ("open", "builtins.open"),
        ("try:\n    import numpy as np\nexcept ImportError:\n    np = None\nnp.float", "numpy.float"),
        ("import time\ndef f():\n    time.sleep", "time.sleep"),
        ("class A:\n    import time\n    time.sleep", "time.sleep"),
        ("from module import *\nValueError", "builtins.ValueError"),
    ],
)
def test_a_name_resolves_through_its_import(source: str, expected: str) -> None:
    assert meaning(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("import numpy as np\nnp = other()\nnp.float", id="bound to something else"),
        pytest.param("import numpy as np\ndef f(np):\n    np.float", id="a parameter"),
        pytest.param("def f():\n    open = 1\n    def g():\n        open", id="of the function around"),
        pytest.param(
            "try:\n    import json\nexcept ImportError:\n    import simplejson as json\njson.load",
            id="one of two",
        ),
        pytest.param("from module import *\nopen", id="the star may bring it"),
        pytest.param("def f():\n    global open\n    open = 1\nopen", id="made global elsewhere"),
        pytest.param("[open for open in x][0]\ndef f():\n    (open := 1)\n    open", id="a walrus"),
        pytest.param("match x:\n    case open:\n        open", id="captured by a match"),
        pytest.param("with x as (a, *open):\n    open", id="a target of with"),
        pytest.param("unknown", id="bound nowhere"),
        pytest.param("f().x", id="no name at all"),
    ],
)
def test_a_name_that_may_mean_something_else_does_not_resolve(source: str) -> None:
    assert meaning(source) is None


def test_a_class_is_no_scope_for_its_methods() -> None:
    assert meaning("class A:\n    open = 1\n    def f(self):\n        open") == "builtins.open"


def test_a_comprehension_keeps_its_names() -> None:
    assert meaning("[open for open in x]\nopen") == "builtins.open"


def test_defaults_and_decorators_run_outside_of_the_function() -> None:
    made = module("@a()\ndef f(x=b(), *, y: c() = d()) -> e():\n    g()\n")
    outside = {made.text(call) for call in made.nodes(ast.Call) if made.function(call) is None}
    assert outside == {"a()", "b()", "c()", "d()", "e()"}


def test_nodes_in_f_strings_are_left_out() -> None:
    made = module('x = f"{call(1)}" + str(call(2))\n')
    assert [made.text(call) for call in made.nodes(ast.Call)] == ["str(call(2))", "call(2)"]


def test_a_fresh_name_is_used_nowhere_around() -> None:
    made = module(
        "def f(a):\n    def g():\n        global b\n    try:\n        pass\n    except E as c:\n        x()\n"
    )
    call = made.nodes(ast.Call)[0]
    assert made.fresh_name(call, ["a", "b", "c", "g", "x", "d"]) == "d"
    assert made.fresh_name(call, ["a"]) is None


def test_no_name_is_fresh_beside_locals() -> None:
    made = module("def f():\n    return locals(), x()\n")
    assert made.fresh_name(made.nodes(ast.Call)[1], ["d"]) is None


def test_indentation_is_only_white_space() -> None:
    made = module("def f():\n\tone(); two()\n")
    assert [made.indent(made.statement(call)) for call in made.nodes(ast.Call)] == ["\t", None]
