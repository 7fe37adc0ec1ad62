"""Did the baseline run of the tests execute what a repair changes?"""

import ast
from collections.abc import Collection

from nightmend.proof.reach import (
    IMPORTS,
    adds,
    changed_lines,
    header,
    is_import,
    statement_span,
    statements,
    statements_of,
)
from nightmend.proof.syntax import is_python, read_tree
from nightmend.repairs.repair import Edit, Repair

_LEAVING = (ast.Return, ast.Raise, ast.Break, ast.Continue)
_SILENT = (*IMPORTS, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
"""What does nothing by itself."""


def reached(repair: Repair, contents: dict[str, bytes], lines: dict[str, tuple[int, ...]]) -> bool:
    """Say whether every changed statement was executed.

    `lines` holds, for each path, the lines that ran. A statement counts as run when any of its lines did;
    of a compound statement only the header counts. An import or a definition that a repair adds proves
    nothing: what uses it does.
    """
    edits = [edit for edit in repair.edits if is_python(edit.path)]
    telling = [edit for edit in edits if not adds(edit, _SILENT)]
    if not telling and not all(map(is_import, edits)):
        return False
    return bool(edits) and all(
        _ran(edit, contents[edit.path], lines.get(edit.path, ()), each=repair.foreign)
        for edit in telling or edits
    )


def _ran(edit: Edit, content: bytes, lines: Collection[int], *, each: bool) -> bool:
    """Say whether the statements that an edit changes ran: `each` of them, else any."""
    tree = read_tree(content)
    first, last = changed_lines(edit, content)
    if _puts_in_lines(edit, content):
        return _ran_beside(tree, content, first, _column(edit.text) or 0, lines)
    spans = [statement_span(tree, first, last)]
    if each:
        spans = [statement_span(tree, first, first), *_headers(tree, first + 1, last)]
    return all(any(start <= line <= end for line in lines) for start, end in spans)


def _headers(tree: ast.AST, first: int, last: int) -> list[tuple[int, int]]:
    """Return the lines of the statements that begin in `first:last`, but of plain text."""
    return [
        header(node)
        for node in statements(tree)
        if isinstance(node, ast.stmt) and first <= node.lineno <= last and not _is_text(node)
    ]


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _puts_in_lines(edit: Edit, content: bytes) -> bool:
    begins = edit.start == 0 or content[edit.start - 1 : edit.start] == b"\n"
    return edit.start == edit.end and begins and edit.text.endswith("\n") and bool(statements_of(edit))


def _column(text: str) -> int | None:
    """Return how far the first line of code is indented; None where there is no code."""
    code = (line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    return next((len(line) - len(line.lstrip()) for line in code), None)


def _ran_beside(tree: ast.AST, content: bytes, line: int, column: int, lines: Collection[int]) -> bool:
    """Say whether what is put in before a line runs: the next statement of its block did, or the last one."""
    texts = content.decode(errors="replace").split("\n")
    nodes = [node for node in statements(tree) if isinstance(node, ast.stmt) and node.col_offset == column]

    def one_block(first: int, last: int) -> bool:
        depths = (_column(text) for text in texts[first - 1 : last])
        return all(depth is None or depth >= column for depth in depths)

    behind = min((node for node in nodes if node.lineno >= line), key=_line, default=None)
    if behind is not None and one_block(line, behind.lineno):
        start, end = header(behind)
        return any(start <= number <= end for number in lines)
    ahead = max((node for node in nodes if node.lineno < line), key=_line, default=None)
    if ahead is None or not one_block(ahead.lineno, line - 1):
        return False
    start, end = header(ahead)
    leaves = any(isinstance(node, _LEAVING) for node in ast.walk(ahead))
    return not leaves and any(start <= number <= end for number in lines)


def _line(node: ast.stmt) -> int:
    return node.lineno
