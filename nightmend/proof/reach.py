"""Which tests of the baseline run can tell of what a repair changes?"""

import ast
import re
import sys
import textwrap
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache, lru_cache

from nightmend.proof.spectrum import OUTSIDE, Spectrum
from nightmend.proof.syntax import is_python, parse, read_tree
from nightmend.repairs.repair import Edit, Repair
from nightmend.sequences import common_prefix

IMPORTS = (ast.Import, ast.ImportFrom)
_LINE_END = re.compile(rb"\r\n|\r|\n")
Statement = ast.stmt | ast.ExceptHandler | ast.match_case


class Reach:
    """Tells for each repair of one snapshot which tests could notice it."""

    def __init__(
        self, spectrum: Spectrum, contents: Mapping[str, bytes], imports_same: Collection[str] = ()
    ) -> None:
        self._spectrum = spectrum
        self._contents = contents
        self._imports_same = imports_same
        self._changed = cache(self._find)

    def tests(self, repair: Repair) -> frozenset[str] | None:
        """Return the ids of the tests that reach a repair; None where any test may.

        That is so where the change takes part in an import, unless it was shown that all modules import to
        the same names; where a shared fixture runs it; and where nothing was recorded. A test that starts
        processes reaches everything, and one that opens a file all of it.
        """
        if not self._spectrum.tests:
            return None
        found = self._spectrum.starting_processes
        for edit in repair.edits:
            reached = self._changed(edit, repair.id in self._imports_same)
            if reached is None:
                return None
            found |= reached
        return None if found & OUTSIDE else self._spectrum.named(found)

    def _find(self, edit: Edit, imports_same: bool) -> int | None:
        opening = self._spectrum.opening(edit.path)
        if not is_python(edit.path):
            return opening
        if is_import(edit) and _of_the_library(edit):
            return opening  # a name more in the module changes nothing
        first, last = changed_lines(edit, self._contents[edit.path])
        tree = read_tree(self._contents[edit.path])
        touched = _touched(tree, first, last) if imports_same else []
        if touched and all(isinstance(node, IMPORTS) for node in touched):
            return opening
        if not _inside_function(tree, first):
            return None
        return opening | self._spectrum.running(edit.path, *statement_span(tree, first, last))


def is_import(edit: Edit) -> bool:
    """Say whether an edit adds imports and nothing else."""
    return adds(edit, IMPORTS)


def adds(edit: Edit, kinds: tuple[type[ast.stmt], ...]) -> bool:
    """Say whether an edit puts in statements, all of these kinds."""
    added = statements_of(edit) if edit.start == edit.end else []
    return bool(added) and all(isinstance(statement, kinds) for statement in added)


def statements_of(edit: Edit) -> list[ast.stmt]:
    """Return the statements that an edit puts in; none where its text is something else."""
    try:
        return parse(textwrap.dedent(edit.text).strip().encode()).body
    except (SyntaxError, ValueError, RecursionError):
        return []


def changes_imports(repair: Repair, contents: Mapping[str, bytes]) -> bool:
    """Say whether a repair changes or removes import statements that run when a module is imported."""
    return any(
        isinstance(node, IMPORTS)
        for edit in repair.edits
        if is_python(edit.path)
        for node in _touched(read_tree(contents[edit.path]), *changed_lines(edit, contents[edit.path]))
    )


def _touched(tree: ast.Module, first: int, last: int) -> list[ast.AST]:
    """Return the statements on some lines, of those that run when the module is imported."""
    return [node for node in _at_import(tree.body) if _touches(node, first, last)]


def _touches(node: ast.AST, first: int, last: int) -> bool:
    """Say whether a statement has one of the lines; of one with others in it only its header counts."""
    if not isinstance(node, Statement):
        return False
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return node.lineno <= last and first <= (node.end_lineno or 0)
    start, end = header(node)
    return start <= last and first <= end


def _at_import(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield the statements of a module that run at import, those of its classes and branches too."""
    for node in body:
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            below = (
                getattr(node, field, ()) for field in ("body", "orelse", "finalbody", "handlers", "cases")
            )
            yield from _at_import(one for some in below for one in some)


def _of_the_library(edit: Edit) -> bool:
    words = re.findall(r"^\s*(?:import|from)\s+(\w+)", edit.text, re.MULTILINE)
    return bool(words) and all(word in sys.stdlib_module_names for word in words)


def changed_lines(edit: Edit, content: bytes) -> tuple[int, int]:
    """Return the first and the last line that an edit changes; what it leaves as it was does not count."""
    old, new = content[edit.start : edit.end], edit.text.encode()
    kept = common_prefix(old, new)
    kept_after = common_prefix(old[kept:][::-1], new[kept:][::-1])
    start, end = edit.start + kept, edit.end - kept_after
    if len(new) == kept + kept_after and (gone := content[start:end]).strip():
        start += len(gone) - len(gone.lstrip())  # blank lines that go along are no statement
    return line_of(content, start), line_of(content, max(end - 1, start))


def line_of(content: bytes, offset: int) -> int:
    """Return the number of the line with a byte, from 1, as Python counts them."""
    return bisect_right(_line_ends(content), offset) + 1


def lines_of(content: bytes) -> list[bytes]:
    """Return the lines of a file without their ends; behind the last end there is an empty one."""
    return _LINE_END.split(content)


@lru_cache(maxsize=64)
def _line_ends(content: bytes) -> list[int]:
    return [match.end() for match in _LINE_END.finditer(content)]


def _inside_function(tree: ast.AST, line: int) -> bool:
    """Say whether a line runs only when a function is called: a header runs where the function is made."""
    functions = (
        node for node in statements(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return any(
        node.body[0].lineno <= line <= (node.end_lineno or 0) and line > node.lineno for node in functions
    )


def statement_span(tree: ast.AST, first: int, last: int) -> tuple[int, int]:
    """Return the lines of the smallest statement around `first:last`, a compound one without its body."""
    around = [(start, end) for start, end in map(header, statements(tree)) if start <= first <= end]
    if not around:
        return first, last
    start, end = min(around, key=lambda lines: lines[1] - lines[0])
    return start, max(end, last)


@lru_cache(maxsize=64)
def statements(tree: ast.AST) -> tuple[Statement, ...]:
    """Return all statements of a tree, and the handlers and cases of them."""
    return tuple(node for node in ast.walk(tree) if isinstance(node, Statement))


def header(node: Statement) -> tuple[int, int]:
    """Return the lines of a statement, of a compound one without its body."""
    if isinstance(node, ast.match_case):
        return node.pattern.lineno, max(node.pattern.lineno, node.body[0].lineno - 1)
    body = getattr(node, "body", None)
    if isinstance(body, list) and body:
        return node.lineno, max(node.lineno, body[0].lineno - 1)
    return node.lineno, node.end_lineno or node.lineno
