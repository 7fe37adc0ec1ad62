"""Equal but for docstrings and annotations of functions, where nothing reads those at run time.

Unsound wherever something does: a word that reads them anywhere in the target, a decorator on the function,
or its name handed on as a value leaves the repair to the other rungs.
"""

import ast
import builtins
import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from nightmend.proof.syntax import is_python, parse

_READERS = re.compile(
    rb"__doc__|getdoc|docopt|getsource|__annotations__|get_type_hints|get_annotations|return_annotation"
    rb"|signature|getfullargspec|typeguard|beartype|singledispatch|validate_call|validate_arguments|get_overloads"
    rb"|\b(?:from|import)\s+(?:fastapi|typer|fire|plac|cyclopts|injector|strawberry|nameko|torch\.jit|numba|mcp"
    rb"|langchain\w*|pydantic_ai|litestar|punq|lagom|dishka|fastmcp|robyn|ninja|beanie|dramatiq|jsonargparse)\b"
)
"""Code that looks at docstrings or annotations, and libraries that do when they are handed a function."""
_VALUE = re.compile(rb"\b[A-Za-z_]\w*\b(?!\s*\()")
_BUILTINS = frozenset(dir(builtins))
_INERT = frozenset({"staticmethod", "classmethod", "property"})
Definition = ast.FunctionDef | ast.AsyncFunctionDef
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Erasure:
    """What the sources of a target read of themselves."""

    def __init__(self, sources: Iterable[bytes]) -> None:
        self._values: set[bytes] = set()
        self.sound = True
        for source in sources:
            self.sound = self.sound and not _READERS.search(source)
            self._values.update(_VALUE.findall(source))

    def same(self, path: str, before: bytes, after: bytes) -> bool:
        """Say whether only docstrings and annotations of functions differ, and nothing can tell."""
        if not self.sound or not is_python(path):
            return False
        try:
            old, new = _erased(before), _erased(after)
        except (SyntaxError, ValueError, RecursionError):
            return False
        if old.rest != new.rest:
            return False
        changed = [one for one, other in zip(old.words, new.words, strict=True) if one != other]
        return new.evaluates(old) and all(self._is_unread(word) for word in changed)

    def _is_unread(self, word: "_Words") -> bool:
        """Nobody can come by the function but by calling it, and no doctest stands in its docstring."""
        by_value = word.name.encode() in self._values and not word.is_property
        return word.inert and not by_value and ">>>" not in word.docstring


class _Words:
    """What is erased of one definition."""

    def __init__(self, node: Definition | ast.ClassDef | ast.Module) -> None:
        self.name = "" if isinstance(node, ast.Module) else node.name
        self.docstring = ast.get_docstring(node, clean=False) or ""
        self.annotations = [ast.dump(one) for one in _annotations(node)]
        names = [one.id if isinstance(one, ast.Name) else "" for one in getattr(node, "decorator_list", ())]
        self.is_property = "property" in names
        self.inert = set(names) <= _INERT

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Words) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]


class _Erased:
    def __init__(self, content: bytes) -> None:
        tree = parse(content)
        kinds = (*_DEFINITIONS, ast.ClassDef, ast.Module)
        nodes = [node for node in ast.walk(tree) if isinstance(node, kinds)]
        self.words = [_Words(node) for node in nodes]
        self._bound = frozenset(_bound_names(tree))
        self._annotations = {ast.dump(one): one for node in nodes for one in _annotations(node)}
        for node in nodes:
            _erase(node)
        self.rest = hashlib.sha256(ast.dump(tree).encode("utf-8", "surrogatepass")).digest()

    def evaluates(self, before: "_Erased") -> bool:
        """Say whether each annotation that is new here is a text, a constant or Python's own name."""
        fresh = (one for text, one in self._annotations.items() if text not in before._annotations)
        return all(
            isinstance(one, ast.Constant)
            or (isinstance(one, ast.Name) and one.id in _BUILTINS and one.id not in self._bound)
            for one in fresh
        )


@lru_cache(maxsize=64)
def _erased(content: bytes) -> _Erased:
    return _Erased(content)


def _bound_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.alias(name=name, asname=asname):
                yield asname or name
            case _:
                pass


def _annotations(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, _DEFINITIONS):
        yield from (argument.annotation for argument in _arguments(node) if argument.annotation)
        if node.returns:
            yield node.returns


def _arguments(node: Definition) -> list[ast.arg]:
    given = node.args
    rest = [one for one in (given.vararg, given.kwarg) if one]
    return [*given.posonlyargs, *given.args, *given.kwonlyargs, *rest]


def _erase(node: Definition | ast.ClassDef | ast.Module) -> None:
    """Take the words out; a docstring stays one, since its presence counts."""
    if isinstance(node, _DEFINITIONS):
        node.returns = None
        for argument in _arguments(node):
            argument.annotation = None
    if ast.get_docstring(node, clean=False) is not None:
        node.body[0] = ast.Expr(ast.Constant(""))
