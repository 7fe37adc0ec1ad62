"""What a change makes of names: a read that may find nothing, an import whose absence is no longer told.

Neither needs to be seen by a test: the line runs, and the way on which it fails is another one.
"""

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from nightmend.patterns.scopes import Function
from nightmend.proof.around import blocks, parse_block
from nightmend.proof.syntax import read_tree
from nightmend.repairs.repair import Edit

Bound = frozenset[str] | None
"""Names that are bound on every way to a place; None where no way leads there."""
_INNER = (ast.comprehension, ast.NamedExpr)
"""What binds names within an expression."""


def unbound_reads(before: bytes, after: bytes, edits: Sequence[Edit]) -> tuple[str, ...]:
    """Return the names that more reads may find unbound than did, sorted.

    Looked at is the definition around the edits, else the whole file. Raises what parsing raises.
    """
    around = blocks(before).around(edits, definition=True)
    if around:
        trees = (parse_block(part, around.indent) for part in (around.before, around.after))
    else:
        trees = (read_tree(content) for content in (before, after))
    old, new = (Counter(_reads(tree)) for tree in trees)
    return tuple(sorted({name for _, name in new - old}))


def lost_probes(before: bytes, after: bytes) -> tuple[str, ...]:
    """Return what was imported in a `try` with handlers and is no longer imported anywhere, sorted.

    Such an import asks whether something is there, whatever is then done with it.
    """
    asked = set(_imported(node for one in _probes(read_tree(before)) for node in ast.walk(one)))
    return tuple(sorted(asked - set(_imported(ast.walk(read_tree(after))))))


def _probes(tree: ast.Module) -> Iterator[ast.stmt]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and node.handlers:
            yield from node.body


def _imported(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{'.' * node.level}{node.module or ''}.{alias.name}" for alias in node.names)


def _reads(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the scope and the name of each read that some way reaches with the name unbound."""
    functions = (node for node in ast.walk(tree) if isinstance(node, Function))
    for scope in (tree, *functions):
        name = getattr(scope, "name", "")
        yield from ((name, read) for read in _Ways(scope).unbound)


class _Ways(ast.NodeVisitor):
    """Follows all ways through the statements of a function or module, and notes what they read unbound.

    A way may leave a `try` before any of its statements, and a loop before its first turn. `bound` is what is
    bound before the statement that is visited, and then behind it.
    """

    def __init__(self, scope: ast.Module | Function) -> None:
        own = list(_own(scope.body))
        declared = {
            name for node in own if isinstance(node, ast.Global | ast.Nonlocal) for name in node.names
        }
        self._names = {name for node in own for name in _bound_by(node)} - declared
        self._breaks: list[list[Bound]] = []
        self.unbound: list[str] = []
        self.bound: Bound = None
        self._block(scope.body, frozenset(_arguments(scope)))

    def _block(self, statements: Sequence[ast.stmt], bound: Bound) -> Bound:
        self.bound = bound
        for statement in statements:
            if self.bound is not None:
                self.visit(statement)
        return self.bound

    def _read(self, node: ast.AST) -> frozenset[str]:
        """Note what an expression or a simple statement reads unbound; return what is then bound."""
        bound = self.bound or frozenset()
        parts = list(_own([node]))
        known = bound.union(*(_targets(part.target) for part in parts if isinstance(part, _INNER)))
        reads = (part for part in parts if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Store))
        self.unbound += [read.id for read in reads if read.id in self._names - known]
        return bound.union(*map(_bound_by, parts))

    def generic_visit(self, node: ast.AST) -> None:
        self.bound = self._read(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value:
            self.bound = self._read(node)

    def visit_Delete(self, node: ast.Delete) -> None:
        self.bound = self._read(node).difference(*map(_targets, node.targets))

    def _leave(self, node: ast.stmt) -> None:
        self._read(node)
        self.bound = None

    visit_Return = visit_Raise = visit_Continue = _leave  # noqa: N815 -- ast's names

    def visit_Break(self, node: ast.Break) -> None:
        self._breaks[-1].append(self.bound)
        self.bound = None

    def visit_If(self, node: ast.If) -> None:
        bound = self._read(node.test)
        self.bound = _both(self._block(node.body, bound), self._block(node.orelse, bound))

    def visit_While(self, node: ast.While) -> None:
        bound = self._read(node.test)
        endless = isinstance(node.test, ast.Constant) and bool(node.test.value)
        self._loop(node.body, bound, None if endless else self._block(node.orelse, bound))

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        bound = self._read(node.iter)
        self._loop(node.body, bound.union(_targets(node.target)), self._block(node.orelse, bound))

    visit_AsyncFor = visit_For  # noqa: N815 -- ast's names

    def _loop(self, body: Sequence[ast.stmt], bound: Bound, behind: Bound) -> None:
        self._breaks.append([])
        self._block(body, bound)
        for broken in self._breaks.pop():
            behind = _both(behind, broken)
        self.bound = behind

    def visit_With(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            self.bound = self._read(item)
        self._block(node.body, self.bound)

    visit_AsyncWith = visit_With  # noqa: N815 -- ast's names

    def visit_Try(self, node: ast.Try | ast.TryStar) -> None:
        before = self.bound or frozenset()
        behind = self._block(node.orelse, self._block(node.body, before))
        for handler in node.handlers:
            self.bound = before
            name = {handler.name} if handler.name else set[str]()
            caught = before if handler.type is None else self._read(handler.type)
            handled = self._block(handler.body, caught | name)
            behind = _both(behind, None if handled is None else handled - name)
        last = self._block(node.finalbody, before)
        self.bound = None if behind is None or last is None else behind | last

    visit_TryStar = visit_Try  # noqa: N815 -- ast's names

    def visit_Match(self, node: ast.Match) -> None:
        bound = self._read(node.subject)
        always = any(isinstance(one.pattern, ast.MatchAs) and not one.pattern.pattern for one in node.cases)
        behind: Bound = None if always else bound
        for one in node.cases:
            self.bound = bound.union(*map(_bound_by, ast.walk(one.pattern)))
            matched = self.bound if one.guard is None else self._read(one.guard)
            behind = _both(behind, self._block(one.body, matched))
        self.bound = behind


def _own(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield nodes and all below them, but for what is done, or bound, in scopes of their own."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        yield node
        match node:
            case ast.comprehension():
                waiting += [node.iter, *node.ifs]
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                waiting += [*node.decorator_list, *node.args.defaults]
            case ast.ClassDef():
                waiting += [*node.decorator_list, *node.bases]
            case ast.Lambda():
                pass
            case _:
                waiting += ast.iter_child_nodes(node)


def _arguments(scope: ast.Module | Function) -> Iterator[str]:
    if not isinstance(scope, ast.Module):
        yield from (node.arg for node in ast.walk(scope.args) if isinstance(node, ast.arg))


def _bound_by(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store()):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.MatchMapping(rest=str(name)):
            yield name
        case ast.alias(name=name, asname=asname):
            yield asname or name.split(".")[0]
        case _:
            pass


def _targets(target: ast.AST) -> Iterator[str]:
    return (node.id for node in ast.walk(target) if isinstance(node, ast.Name))


def _both(one: Bound, other: Bound) -> Bound:
    """Return what is bound where two ways meet."""
    if one is None or other is None:
        return other if one is None else one
    return one & other
