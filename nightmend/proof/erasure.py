"""Equal but for docstrings and annotations of functions, where nothing reads those at run time.

Unsound wherever something does: a word that reads them anywhere in the target, a decorator on the function,
or its name handed on as a value leaves the repair to the other rungs.
"""

import ast
import builtins
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from nightmend.proof.around import blocks, parse_block
from nightmend.proof.syntax import is_python, parse
from nightmend.repairs.repair import Edit

_LIBRARIES = (
    rb"|\b(?:from|import)\s+(?:fastapi|typer|fire|plac|cyclopts|injector|strawberry|nameko|torch\.jit|numba|mcp"
    rb"|langchain\w*|pydantic_ai|litestar|punq|lagom|dishka|fastmcp|robyn|ninja|beanie|dramatiq|jsonargparse)\b"
)
"""Libraries that look at the docstrings and annotations of a function that they are handed."""
_DOCSTRING_READERS = re.compile(rb"__doc__|getdoc|docopt|getsource" + _LIBRARIES)
_ANNOTATION_READERS = re.compile(
    rb"__annotations__|get_type_hints|get_annotations|return_annotation|signature|getfullargspec|getsource"
    rb"|typeguard|beartype|singledispatch|validate_call|validate_arguments|get_overloads" + _LIBRARIES
)
_SOURCE_READERS = re.compile(rb"getsource|\b(?:from|import)\s+ast\b|torch\.jit")
_VALUE = re.compile(rb"\b[A-Za-z_]\w*\b(?!\s*\()")
_BUILTINS = frozenset(dir(builtins))
_INERT = frozenset({"staticmethod", "classmethod", "property"})
Definition = ast.FunctionDef | ast.AsyncFunctionDef
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Erasure:
    """What the sources of a target read of themselves."""

    def __init__(self, sources: Iterable[bytes]) -> None:
        self._values: set[bytes] = set()
        self._reads_docstrings = self._reads_annotations = self.reads_sources = False
        for source in sources:
            self._reads_docstrings = self._reads_docstrings or bool(_DOCSTRING_READERS.search(source))
            self._reads_annotations = self._reads_annotations or bool(_ANNOTATION_READERS.search(source))
            self.reads_sources = self.reads_sources or bool(_SOURCE_READERS.search(source))
            self._values.update(_VALUE.findall(source))

    def same(self, path: str, before: bytes, after: bytes, edits: Sequence[Edit] = ()) -> bool:
        """Say whether only docstrings and annotations of functions differ, and nothing can tell.

        With the `edits` that lead from one to the other, only the definition around them is read.
        """
        if not is_python(path) or (self._reads_docstrings and self._reads_annotations):
            return False
        try:
            whole = _erased(before)
            old, new = _around(before, edits) or (whole, _erased(after))
        except (SyntaxError, ValueError, RecursionError):
            return False
        if old.rest != new.rest:
            return False
        pairs = zip(old.words, new.words, strict=True)
        return whole.evaluates(new) and all(
            one == other or self._is_unread(one, other) for one, other in pairs
        )

    def _is_unread(self, before: "_Words", after: "_Words") -> bool:
        """Nobody can come by the function but by calling it, nor reads its words, and they are no doctest."""
        by_value = before.name.encode() in self._values and not before.is_property
        if by_value or not before.inert or not after.inert:
            return False
        if before.annotations != after.annotations and self._reads_annotations:
            return False
        if before.docstring == after.docstring:
            return True
        told = (before.docstring or "", after.docstring or "")
        return not (self._reads_docstrings or after.docstring is None or any(">>>" in one for one in told))


@dataclass(frozen=True)
class _Words:
    """What is erased of one definition."""

    name: str
    docstring: str | None
    annotations: tuple[str, ...]
    is_property: bool
    inert: bool

    @classmethod
    def of(cls, node: Definition | ast.ClassDef | ast.Module) -> "_Words":
        names = [one.id if isinstance(one, ast.Name) else "" for one in getattr(node, "decorator_list", ())]
        return cls(
            name="" if isinstance(node, ast.Module) else node.name,
            docstring=ast.get_docstring(node, clean=False),
            annotations=tuple(ast.dump(one) for one in _annotations(node)),
            is_property="property" in names,
            inert=set(names) <= _INERT,
        )


class _Erased:
    def __init__(self, tree: ast.Module) -> None:
        kinds = (*_DEFINITIONS, ast.ClassDef, ast.Module)
        nodes = [node for node in ast.walk(tree) if isinstance(node, kinds)]
        self.words = [_Words.of(node) for node in nodes]
        self._bound = frozenset(_bound_names(tree))
        self._annotations = {ast.dump(one): one for node in nodes for one in _annotations(node)}
        for node in nodes:
            _erase(node)
        self.rest = hashlib.sha256(ast.dump(tree).encode("utf-8", "surrogatepass")).digest()

    def evaluates(self, after: "_Erased") -> bool:
        """Say whether each annotation that is new in `after` is a text, a constant or Python's own name.

        What is bound is the same before and after, where nothing but words differs.
        """
        fresh = (one for text, one in after._annotations.items() if text not in self._annotations)
        return all(
            isinstance(one, ast.Constant)
            or (isinstance(one, ast.Name) and one.id in _BUILTINS and one.id not in self._bound)
            for one in fresh
        )


@lru_cache(maxsize=256)
def _erased(content: bytes) -> _Erased:
    return _Erased(parse(content))


@lru_cache(maxsize=1024)
def _erased_block(text: bytes, indent: bytes) -> _Erased:
    return _Erased(parse_block(text, indent))


def _around(content: bytes, edits: Sequence[Edit]) -> tuple[_Erased, _Erased] | None:
    """Erase the definition around edits, before and after; None where it cannot be read alone."""
    found = blocks(content).around(edits, definition=True)
    if found is None:
        return None
    try:
        return _erased_block(found.before, found.indent), _Erased(parse_block(found.after, found.indent))
    except (SyntaxError, ValueError, RecursionError):
        return None


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
    """Take the words out; the docstring of a class or module stays one, since it makes a name there."""
    has_docstring = ast.get_docstring(node, clean=False) is not None
    if isinstance(node, _DEFINITIONS):
        node.returns = None
        for argument in _arguments(node):
            argument.annotation = None
        del node.body[: int(has_docstring)]
    elif has_docstring:
        node.body[0] = ast.Expr(ast.Constant(""))
