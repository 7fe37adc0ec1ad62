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
    if puts_in_lines(edit, content):
        span = beside(tree, content, first, column_of(edit.text) or 0)
        return span is not None and any(span[0] <= line <= span[1] for line in lines)
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


def puts_in_lines(edit: Edit, content: bytes) -> bool:
    """Say whether an edit puts in whole lines that are statements, and takes nothing out."""
    begins = edit.start == 0 or content[edit.start - 1 : edit.start] == b"\n"
    return edit.start == edit.end and begins and edit.text.endswith("\n") and bool(statements_of(edit))


def column_of(text: str) -> int | None:
    """Return how far the first line of code is indented; None where there is no code."""
    code = (line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    return next((len(line) - len(line.lstrip()) for line in code), None)


def beside(tree: ast.AST, content: bytes, line: int, column: int) -> tuple[int, int] | None:
    """Return the lines of a statement that runs when one does that is put in before `line`, at `column`.

    That is the next statement of its block, or else the last one, where that cannot leave the block.
    """
    texts = content.decode(errors="replace").split("\n")
    nodes = [node for node in statements(tree) if isinstance(node, ast.stmt) and node.col_offset == column]

    def one_block(first: int, last: int) -> bool:
        depths = (column_of(text) for text in texts[first - 1 : last])
        return all(depth is None or depth >= column for depth in depths)

    behind = min((node for node in nodes if node.lineno >= line), key=_line, default=None)
    if behind is not None and one_block(line, behind.lineno):
        return header(behind)
    ahead = max((node for node in nodes if node.lineno < line), key=_line, default=None)
    if ahead is None or not one_block(ahead.lineno, line - 1):
        return None
    leaves = any(isinstance(node, _LEAVING) for node in ast.walk(ahead))
    return None if leaves else header(ahead)


def _line(node: ast.stmt) -> int:
    return node.lineno
