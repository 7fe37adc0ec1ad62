"""What code asks of a value, and by which it fails or goes another way where the value is of another kind.

A change that asks no more passes all tests that hand on the usual values, and is another program for others.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

from nightmend.patterns.kinds import kind_of
from nightmend.patterns.source import Module
from nightmend.repairs.repair import Edit

_MAY_ASK = re.compile(rb"\bkeys\(|\bint\(")
_WHOLE = frozenset(
    {
        *(f"builtins.{name}" for name in ("hash", "id", "int", "len", "ord")),
        *(f"math.{name}" for name in ("ceil", "comb", "factorial", "floor", "gcd", "trunc")),
    }
)
"""What always returns a whole number."""
_ASKS = {
    "keys": "asks `{}` for its keys no more, and another container than a dict may have others",
    "int": "takes `{}` for a whole number without asking",
}
"""What comes of a demand that is gone, by its kind."""


def lost_demand(path: str, before: bytes, after: bytes, edits: Sequence[Edit]) -> str | None:
    """Return what a change asks no more of a value that is still there and may be of any kind, in words."""
    if not any(_MAY_ASK.search(_lines(before, edit)) for edit in edits):
        return None
    old, new = _module(path, before), _module(path, after)
    if old is None or new is None:
        return None
    still = Counter((kind, ast.dump(value)) for kind, value in _asked(new))
    for kind, value in _asked(old):
        demand = kind, ast.dump(value)
        if still[demand]:
            still[demand] -= 1
        elif not _is_known(old, kind, value) and _times(value, new) >= _times(value, old):
            return _ASKS[kind].format(ast.unparse(value))
    return None


def _lines(content: bytes, edit: Edit) -> bytes:
    """Return the whole lines that an edit changes."""
    start, end = content.rfind(b"\n", 0, edit.start) + 1, content.find(b"\n", edit.end)
    return content[start : end if end >= 0 else None]


@lru_cache(maxsize=8)
def _module(path: str, content: bytes) -> Module | None:
    return Module.parse(path, content)


def _times(value: ast.expr, module: Module) -> int:
    """Return how often a value stands in a module, in f-strings too."""
    words = ast.dump(value)
    return sum(type(node) is type(value) and ast.dump(node) == words for node in ast.walk(module.tree))


def _asked(module: Module) -> Iterator[tuple[str, ast.expr]]:
    """Yield what is asked of which value."""
    for node in ast.walk(module.tree):
        match node:
            case ast.Call(func=ast.Attribute(value=value, attr="keys"), args=[], keywords=[]):
                yield "keys", value
            case ast.Call(func=ast.Name(id="int"), args=[value], keywords=[]):
                yield "int", value


def _is_known(module: Module, kind: str, value: ast.expr) -> bool:
    """Say whether the file itself makes certain that a value passes."""
    match kind, value:
        case "keys", ast.Attribute(attr="__dict__"):
            return True
        case "keys", _:
            return kind_of(module, value) == "dict" or module.resolve(value) == "os.environ"
        case "int", ast.Constant(value=int()):
            return True
        case "int", ast.Call(func=ast.Name(id="round"), args=[_], keywords=[]):
            return True
        case "int", ast.Call(func=function):
            return module.resolve(function) in _WHOLE
        case _:
            return False
