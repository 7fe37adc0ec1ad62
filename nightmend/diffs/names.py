"""Which names an edit brings, takes away and uses: by them edits depend on each other."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from typing import Literal

from nightmend.diffs.chunks import Piece, Span, tree_of
from nightmend.frozen import Frozen
from nightmend.patterns.imports import local_name

Kind = Literal["import", "definition", "name", "use"]
Scope = tuple[str, ...]
"""The classes and functions around a place, from the outside in."""


class Name(Frozen):
    """A name in a line: bound there, by an import, a definition or else, or used; `.x` is an attribute."""

    text: str
    kind: Kind
    scope: Scope
    signature: str = ""
    """How a definition is called."""


class Names(Frozen):
    """What an edit does to the names of its file."""

    before: frozenset[Name]
    after: frozenset[Name]

    def bound(self, *, new: bool) -> set[Name]:
        """Return the names that it binds and that were not bound there, or the other way round."""
        return {name for name in self._only(new=new) if name.kind != "use"}

    @property
    def rebound(self) -> set[Name]:
        """Names within functions that get a value where they did not, or no more: a parameter, say."""
        return {
            name
            for new in (True, False)
            for name in self.bound(new=new)
            if name.kind == "name" and name.scope
        }

    def used(self, *, new: bool) -> set[Name]:
        """Return the names that it uses and that were not used there, or the other way round."""
        return {name for name in self._only(new=new) if name.kind == "use"}

    def _only(self, *, new: bool) -> frozenset[Name]:
        here, there = (self.after, self.before) if new else (self.before, self.after)
        known = {(name.text, name.kind == "use") for name in there}
        return frozenset(name for name in here if (name.text, name.kind == "use") not in known)

    @property
    def called_otherwise(self) -> set[str]:
        """The functions that stay and must be called in another way."""
        ways = [
            {name.text: name.signature for name in names if name.kind == "definition"}
            for names in (self.before, self.after)
        ]
        return {name for name in ways[0].keys() & ways[1].keys() if ways[0][name] != ways[1][name]}

    @property
    def only_imports(self) -> bool:
        """Whether it does nothing but add imports."""
        added = self.bound(new=True)
        gone = self.bound(new=False) | self.used(new=False) | self.used(new=True)
        return bool(added) and not gone and all(name.kind == "import" for name in added)


def names_of(before: bytes, after: bytes, pieces: tuple[Piece, ...]) -> list[Names]:
    """Return what each piece does to the names of its file; nothing where either side does not parse."""
    path = pieces[0].edit.path if pieces else ""
    trees = tree_of(path, before), tree_of(path, after)
    if trees[0] is None or trees[1] is None:
        return [Names(before=frozenset(), after=frozenset()) for _ in pieces]
    lines = _by_line(trees[0]), _by_line(trees[1])
    return [
        Names(before=_within(lines[0], piece.old), after=_within(lines[1], piece.new)) for piece in pieces
    ]


def _within(lines: dict[int, set[Name]], span: Span) -> frozenset[Name]:
    return frozenset(name for line in range(span[0] + 1, span[1] + 1) for name in lines.get(line, ()))


def _by_line(tree: ast.AST) -> dict[int, set[Name]]:
    found: dict[int, set[Name]] = defaultdict(set)
    waiting: list[tuple[ast.AST, Scope]] = [(tree, ())]
    while waiting:
        node, scope = waiting.pop()
        for line, name in _named(node, scope):
            found[line].add(name)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            scope = (*scope, node.name)
        waiting += [(child, scope) for child in ast.iter_child_nodes(node)]
    return found


def _named(node: ast.AST, scope: Scope) -> Iterator[tuple[int, Name]]:
    match node:
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            for alias in names:
                yield alias.lineno, Name(text=local_name(alias), kind="import", scope=scope)
                if isinstance(node, ast.ImportFrom):
                    yield alias.lineno, Name(text=f".{alias.name}", kind="use", scope=scope)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            way = _signature(node)
            yield node.lineno, Name(text=node.name, kind="definition", scope=scope, signature=way)
        case ast.Name(id=text, ctx=ast.Load()) | ast.Name(id=text, ctx=ast.Del()):
            yield node.lineno, Name(text=text, kind="use", scope=scope)
        case ast.Name(id=text) | ast.arg(arg=text) | ast.ExceptHandler(name=str(text)):
            yield node.lineno, Name(text=text, kind="name", scope=scope)
        case ast.Attribute(attr=text, ctx=ctx):
            kind: Kind = "use" if isinstance(ctx, ast.Load) else "name"
            yield node.end_lineno or node.lineno, Name(text=f".{text}", kind=kind, scope=())
        case ast.Constant(value=str(text)) if text.isidentifier():
            yield node.lineno, Name(text=text, kind="use", scope=())


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> str:
    if isinstance(node, ast.ClassDef):
        return "class"
    arguments = node.args
    listed = [
        [one.arg for one in group] for group in (arguments.posonlyargs, arguments.args, arguments.kwonlyargs)
    ]
    rest = [one.arg if one else "" for one in (arguments.vararg, arguments.kwarg)]
    defaults = len(arguments.defaults), [one is None for one in arguments.kw_defaults]
    return repr((type(node).__name__, listed, rest, defaults))
