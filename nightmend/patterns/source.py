import ast
import builtins
import io
import re
import tokenize
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar, cast

from nightmend.parsing import parse_source
from nightmend.patterns.scopes import FUNCTIONS, Function, Index, Scope
from nightmend.repairs.repair import Edit, Safety

N = TypeVar("N", bound=ast.AST)
UNDECLARED_FLOOR = (3, 9)
"""The Python that is assumed where a project declares none."""
UNDECLARED_LINE = 79
"""Characters of a line where a project declares none, by PEP 8."""
BOM = b"\xef\xbb\xbf"
_BUILTINS = frozenset(dir(builtins))


@dataclass(frozen=True)
class Fault:
    """A place where a pattern fired. `safety` overrides the pattern's where this place is known better."""

    node: ast.AST
    message: str
    safety: Safety | None = None
    parts: tuple[ast.AST, ...] = ()
    """Further nodes that the rewrite needs."""
    places: tuple[ast.AST, ...] = ()
    """Further places of the same fault; the repair resolves an issue there as well."""

    def node_as(self, kind: type[N]) -> N:
        """The place, as the type of node that the pattern looks for."""
        return _checked(self.node, kind)

    def part(self, kind: type[N], number: int = 0) -> N:
        """A further node, as the type of node that the pattern put there."""
        return _checked(self.parts[number], kind)


class Module:
    """One Python file of a snapshot: its bytes, its tree, and what names mean in it. Offsets count bytes."""

    def __init__(
        self,
        path: str,
        content: bytes,
        tree: ast.Module,
        *,
        python: tuple[int, int] | None = None,
        files: Sequence[str] | frozenset[str] = (),
        elsewhere: Callable[[], frozenset[str]] = frozenset,
        line_length: int = UNDECLARED_LINE,
    ) -> None:
        self.path = path
        self.content = content
        self.tree = tree
        self.floor = python or UNDECLARED_FLOOR
        self.files = files if isinstance(files, frozenset) else frozenset(files)
        self.elsewhere = elsewhere
        self.line_length = line_length
        self._names: dict[ast.AST, frozenset[str]] = {}
        self._places: dict[ast.AST, list[ast.Name]] = {}

    @classmethod
    def parse(
        cls,
        path: str,
        content: bytes,
        *,
        python: tuple[int, int] | None = None,
        files: Sequence[str] | frozenset[str] = (),
        elsewhere: Callable[[], frozenset[str]] = frozenset,
        line_length: int = UNDECLARED_LINE,
    ) -> "Module | None":
        """Return the module, or None for what is not Python 3 in UTF-8: such a file has no faults for us.

        `python` is the least Python that the project declares, `files` the paths of the whole snapshot,
        `line_length` the project's; `elsewhere` is asked for the names that the rest of the project takes
        (`names_taken`), where that matters.
        """
        if not _is_utf8(content):
            return None
        try:
            tree = parse_source(content)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        return cls(
            path, content, tree, python=python, files=files, elsewhere=elsewhere, line_length=line_length
        )

    def with_content(self, content: bytes) -> "Module | None":
        """The same file with another content; None where that cannot be read."""
        return Module.parse(
            self.path,
            content,
            python=self.floor,
            files=self.files,
            elsewhere=self.elsewhere,
            line_length=self.line_length,
        )

    @cached_property
    def index(self) -> Index:
        """The one walk over the tree that all patterns share."""
        return Index(self.tree)

    # -- structure

    def nodes(self, kind: type[N]) -> list[N]:
        """All nodes of a type in source order, without those inside f-strings."""
        return cast(list[N], self.index.by_type.get(kind, []))

    def parent(self, node: ast.AST) -> ast.AST:
        """The node above; the module's own parent is itself."""
        return self.index.parents.get(node, self.tree)

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes above, nearest first."""
        while node in self.index.parents:
            node = self.index.parents[node]
            yield node

    def statement(self, node: ast.AST) -> ast.stmt:
        """The statement that a node belongs to."""
        for candidate in (node, *self.ancestors(node)):
            if isinstance(candidate, ast.stmt):
                return candidate
        raise ValueError("a module is not part of a statement")

    def block(self, statement: ast.stmt) -> list[ast.stmt]:
        """The statements among which one stands, itself included."""
        parent = self.parent(statement)
        for field in ("body", "orelse", "finalbody"):
            block = getattr(parent, field, None)
            if isinstance(block, list) and statement in block:
                return block
        return [statement]

    def function(self, node: ast.AST) -> Function | ast.Lambda | None:
        """The nearest function in whose body the node runs."""
        scope = self.index.scopes[node]
        while not isinstance(scope, (*FUNCTIONS, ast.Module)):
            scope = self.index.scopes[scope]
        return None if isinstance(scope, ast.Module) else cast(Function, scope)

    def enclosing_class(self, node: ast.AST) -> ast.ClassDef | None:
        """The nearest class around the node."""
        return next((above for above in self.ancestors(node) if isinstance(above, ast.ClassDef)), None)

    def result_is_used(self, call: ast.expr) -> bool:
        """Say whether the value of an expression goes anywhere."""
        return not isinstance(self.parent(call), ast.Expr)

    # -- names

    def bindings(self, name: str, node: ast.AST) -> tuple[Scope, list[ast.AST]] | None:
        """The scope that a name means, seen from a node, and what binds it there; None when nothing does."""
        scope = self.index.scopes[node]
        first = True
        while True:
            if first or not isinstance(scope, ast.ClassDef):
                found = self.index.bindings[scope].get(name)
                if found:
                    return scope, found
            if isinstance(scope, ast.Module):
                return None
            first, scope = False, self.index.scopes[scope]

    def resolve(self, node: ast.AST) -> str | None:
        """The qualified name of an expression like `np.float`: `numpy.float`; None where not certain.

        Builtins resolve to `builtins.<name>`; relative imports keep their dots in front.
        """
        attributes: list[str] = []
        while isinstance(node, ast.Attribute):
            attributes.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return None
        origin = self._origin(node.id, node)
        return None if origin is None else ".".join([origin, *reversed(attributes)])

    def _origin(self, name: str, node: ast.AST) -> str | None:
        found = self.bindings(name, node)
        if found is None:
            certain = name in _BUILTINS and (not self.index.stars or _is_exception(name))
            return f"builtins.{name}" if certain else None
        origins = {self.imported(one) for one in found[1] if not self._is_fallback(one)}
        return origins.pop() if len(origins) == 1 else None

    def imported(self, binding: ast.AST) -> str | None:
        """The qualified name that an import binds; None for any other binding."""
        if not isinstance(binding, ast.alias):
            return None
        statement = self.parent(binding)
        if isinstance(statement, ast.ImportFrom):
            return f"{'.' * statement.level}{statement.module or ''}.{binding.name}"
        return binding.name if binding.asname else binding.name.split(".")[0]

    def _is_fallback(self, binding: ast.AST) -> bool:
        """`np = None` after a failed import takes nothing away from what `np` means."""
        statement = self.parent(binding)
        return isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant)

    def identifiers(self, node: ast.AST) -> frozenset[str]:
        """Every name that is bound or read in the subtree."""
        known = self._names.get(node)
        if known is None:
            known = self._names[node] = frozenset(_identifiers(node))
        return known

    def names(self, node: ast.AST) -> list[ast.Name]:
        """Every place in the subtree where a name stands, the outer ones first."""
        known = self._places.get(node)
        if known is None:
            known = self._places[node] = [one for one in ast.walk(node) if isinstance(one, ast.Name)]
        return known

    def fresh_name(self, node: ast.AST, wishes: Sequence[str]) -> str | None:
        """The first wished name that nothing around the node uses; None when all are taken."""
        function = self.function(node)
        taken = self.identifiers(self.tree if function is None else function)
        if taken & {"locals", "vars", "eval", "exec", "dir"}:
            return None
        return next((name for name in wishes if name not in taken), None)

    def is_builtin(self, name: str, node: ast.AST) -> bool:
        """Say whether a name, seen from a node, is Python's own."""
        return self._origin(name, node) == f"builtins.{name}"

    # -- bytes

    @cached_property
    def _line_starts(self) -> list[int]:
        first = len(BOM) if self.content.startswith(BOM) else 0
        return [first, *(match.end() for match in re.finditer(rb"\r\n|\r|\n", self.content))]

    def start(self, node: ast.AST) -> int:
        """Offset of a node's first byte."""
        return self._line_starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined, no-any-return]

    def end(self, node: ast.AST) -> int:
        """Offset behind a node's last byte."""
        return self._line_starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined, no-any-return]

    def text(self, node: ast.AST) -> str:
        """The source of a node as it is written."""
        return self.between(self.start(node), self.end(node))

    def is_located(self, node: ast.expr) -> bool:
        """Say whether the offsets of a node can be trusted: older Pythons guess them inside of f-strings."""
        around = [above for above in self.ancestors(node) if isinstance(above, ast.JoinedStr)]
        written = ast.unparse(node)
        return not around or (self.text(node) == written and self.text(around[-1]).count(written) == 1)

    def between(self, start: int, end: int) -> str:
        """The source between two offsets."""
        return self.content[start:end].decode()

    def line_start(self, line: int) -> int:
        """Offset of the first byte of a line; one past the last line is the end of the file."""
        return self._line_starts[line - 1] if line <= len(self._line_starts) else len(self.content)

    def line_of(self, offset: int) -> int:
        """The number of the line that an offset lies in."""
        return bisect_right(self._line_starts, offset)

    def line(self, number: int) -> str:
        """A line's text, without its line ending."""
        return self.between(self.line_start(number), self.line_start(number + 1)).rstrip("\r\n")

    def is_blank(self, number: int) -> bool:
        """Say whether a line of the file holds nothing; what lies behind its end is no line."""
        return self.line_start(number) < len(self.content) and not self.line(number).strip()

    def indent(self, node: ast.AST) -> str | None:
        """White space in front of a statement; None where the line holds something else before it."""
        before = self.between(self.line_start(node.lineno), self.start(node))  # type: ignore[attr-defined]
        return before if not before.strip() else None

    @cached_property
    def newline(self) -> str:
        """The file's own line ending."""
        ending = re.search(rb"\r\n|\r|\n", self.content)
        return ending.group().decode() if ending else "\n"

    @cached_property
    def indent_unit(self) -> str:
        """What one level of indentation is in this file."""
        for node in self.nodes(ast.FunctionDef) + self.nodes(ast.If) + self.nodes(ast.ClassDef):
            outer, inner = self.indent(node), self.indent(node.body[0])
            if outer is not None and inner is not None and inner.startswith(outer) and inner != outer:
                return inner[len(outer) :]
        return "    "

    @cached_property
    def quote(self) -> str:
        """The quote that the file prefers."""
        return "'" if self.content.count(b"'") > self.content.count(b'"') else '"'

    def place(self, start: int, end: int) -> ast.Constant:
        """A stretch of one line that is no node of the tree, as the node that a fault needs."""
        line = self.line_of(start)
        first = self.line_start(line)
        return ast.Constant(
            value=self.between(start, end),
            lineno=line,
            col_offset=start - first,
            end_lineno=line,
            end_col_offset=end - first,
        )

    # -- edits

    def edit(self, start: int, end: int, text: str) -> Edit:
        """Replace the bytes `start:end` of this file."""
        return Edit(path=self.path, start=start, end=end, text=text)

    def insert(self, offset: int, text: str) -> Edit:
        """Put text at an offset."""
        return self.edit(offset, offset, text)

    def replace(self, node: ast.AST, text: str) -> Edit:
        """Write something else for a node."""
        return self.edit(self.start(node), self.end(node), text)


def _checked(node: ast.AST, kind: type[N]) -> N:
    if not isinstance(node, kind):
        raise TypeError(f"a fault holds a {type(node).__name__} where its pattern expects a {kind.__name__}")
    return node


def _is_utf8(content: bytes) -> bool:
    if b"\0" in content:
        return False
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        content.decode("utf-8")
    except (SyntaxError, UnicodeDecodeError):
        return False
    return encoding in {"utf-8", "utf-8-sig"} or content.isascii()


def _is_exception(name: str) -> bool:
    value = getattr(builtins, name)
    return isinstance(value, type) and issubclass(value, BaseException)


def _identifiers(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case (
                ast.ExceptHandler(name=str(name))
                | ast.MatchAs(name=str(name))
                | ast.MatchStar(name=str(name))
            ):
                yield name
            case ast.MatchMapping(rest=str(name)):
                yield name
            case ast.alias(name=name, asname=asname):
                yield asname or name.split(".")[0]
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                yield from names
            case _:
                pass
