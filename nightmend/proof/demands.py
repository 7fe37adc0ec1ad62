"""What code asks of a value, and by which it fails or goes another way where the value is of another kind.

A change that asks no more passes all tests that hand on the usual values, and is another program for others.
"""

import ast
import re
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from functools import lru_cache

from nightmend.patterns.kinds import kind_of
from nightmend.patterns.source import Module
from nightmend.repairs.repair import Edit

_MAY_ASK = re.compile(rb"\bkeys\(|\bint\(")
_DICTS = frozenset({"os.environ", "sys.modules"})
_MAKE_DICTS = frozenset({"builtins.globals", "builtins.locals", "builtins.vars"})
_WHOLE = frozenset(
    {
        *(f"builtins.{name}" for name in ("hash", "id", "int", "len", "ord")),
        *(f"math.{name}" for name in ("ceil", "comb", "factorial", "floor", "gcd", "isqrt", "lcm", "trunc")),
    }
)
"""What always returns a whole number."""
_ASKS = {
    "keys": "goes over `{}` itself in place of its keys, which are the same only of a dict",
    "int": "takes `{}` as it is in place of a whole number",
}
"""What comes of a demand that is gone, by its kind."""
Place = tuple[type[ast.AST], str, str]
"""The kind of a node, the field of it, and the dump of the value that stands there."""


def lost_demand(path: str, before: bytes, after: bytes, edits: Sequence[Edit]) -> str | None:
    """Return, in words, what is asked no more of a value that may be of any kind and stands bare now."""
    if not any(_MAY_ASK.search(_lines(before, edit)) for edit in edits):
        return None
    old, new = _module(path, before), _module(path, after)
    if old is None or new is None:
        return None
    asked = list(_asked(old))
    types = frozenset(type(value) for _, _, value in asked)
    bare = Counter(_places(new, types)) - Counter(_places(old, types))
    for kind, call, value in asked:
        if bare[_place(old, call, value)] and not _is_known(old, kind, value):
            return _ASKS[kind].format(ast.unparse(value))
    return None


def _lines(content: bytes, edit: Edit) -> bytes:
    """Return the whole lines that an edit changes."""
    start, end = content.rfind(b"\n", 0, edit.start) + 1, content.find(b"\n", edit.end)
    return content[start : end if end >= 0 else None]


@lru_cache(maxsize=8)
def _module(path: str, content: bytes) -> Module | None:
    return Module.parse(path, content)


def _asked(module: Module) -> Iterator[tuple[str, ast.Call, ast.expr]]:
    """Yield what is asked, the call that does, and the value."""
    for node in ast.walk(module.tree):
        match node:
            case ast.Call(func=ast.Attribute(value=value, attr="keys"), args=[], keywords=[]):
                yield "keys", node, value
            case ast.Call(func=ast.Name(id="int"), args=[value], keywords=[]):
                yield "int", node, value


def _places(module: Module, types: Container[type[ast.expr]]) -> Iterator[Place]:
    """Yield where each value of some types stands."""
    for node in ast.walk(module.tree):
        for field, value in ast.iter_fields(node):
            for one in value if isinstance(value, list) else (value,):
                if type(one) in types:
                    yield type(node), field, ast.dump(one)


def _place(module: Module, call: ast.Call, value: ast.expr) -> Place:
    """Return where a value stands once it takes the place of the call that asked."""
    parent = module.parent(call)
    inside = (
        field
        for field, found in ast.iter_fields(parent)
        if found is call or (isinstance(found, list) and any(one is call for one in found))
    )
    return type(parent), next(inside), ast.dump(value)


def _is_known(module: Module, kind: str, value: ast.expr) -> bool:
    """Say whether the file itself makes certain that a value passes."""
    return _is_dict(module, value) if kind == "keys" else _is_whole(module, value)


def _is_dict(module: Module, value: ast.expr) -> bool:
    match value:
        case ast.Attribute(attr="__dict__"):
            return True
        case ast.Name() if _is_keyword_arguments(module, value):
            return True
        case ast.Call(func=function) if module.resolve(function) in _MAKE_DICTS:
            return True
        case _:
            return kind_of(module, value) == "dict" or module.resolve(value) in _DICTS


def _is_keyword_arguments(module: Module, name: ast.Name) -> bool:
    """Say whether a name stands for the `**` parameter of its function, and nothing else is bound to it."""
    function = module.function(name)
    bound = module.bindings(name.id, name)
    return function is not None and bound is not None and bound[1] == [function.args.kwarg]


def _is_whole(module: Module, value: ast.expr) -> bool:
    match value:
        case ast.Constant(value=int() as number):
            return not isinstance(number, bool)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Invert(), operand=operand):
            return _is_whole(module, operand)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.FloorDiv(), right=right):
            return _is_whole(module, left) and _is_whole(module, right)
        case ast.Call(func=function, args=[_] | [_, ast.Constant(value=None)], keywords=[]) if (
            module.resolve(function) == "builtins.round"
        ):
            return True
        case ast.Call(func=function):
            return module.resolve(function) in _WHOLE
        case _:
            return False
