"""Did the baseline run of the tests execute what a repair changes?"""

import ast
from collections.abc import Collection

from nightmend.proof.syntax import is_python, parse
from nightmend.repairs.repair import Edit, Repair

_IMPORT = ("import ", "from ")


def reached(repair: Repair, contents: dict[str, bytes], lines: dict[str, tuple[int, ...]]) -> bool:
    """Say whether every changed statement was executed.

    `lines` holds, for each path, the lines that ran. A statement counts as run when any of its lines did;
    of a compound statement only the header counts. An import that a repair adds proves nothing.
    """
    edits = [edit for edit in repair.edits if is_python(edit.path)]
    telling = [edit for edit in edits if not is_import(edit)] or edits
    return bool(telling) and all(
        _ran(edit, contents[edit.path], lines.get(edit.path, ())) for edit in telling
    )


def is_import(edit: Edit) -> bool:
    """Say whether an edit adds an import and nothing else."""
    return edit.start == edit.end and edit.text.lstrip().startswith(_IMPORT)


def _ran(edit: Edit, content: bytes, lines: Collection[int]) -> bool:
    first = content.count(b"\n", 0, edit.start) + 1
    last = content.count(b"\n", 0, max(edit.end - 1, edit.start)) + 1
    first, last = statement_span(parse(content), first, last)
    return any(first <= line <= last for line in lines)


def statement_span(tree: ast.AST, first: int, last: int) -> tuple[int, int]:
    """Return the lines of the smallest statement around `first:last`, a compound one without its body."""
    best = (first, last)
    size = None
    for node in ast.walk(tree):
        if not isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
            continue
        start, end = _header(node)
        if start <= first <= end and (size is None or end - start < size):
            best, size = (start, max(end, last)), end - start
    return best


def _header(node: ast.stmt | ast.ExceptHandler | ast.match_case) -> tuple[int, int]:
    if isinstance(node, ast.match_case):
        return node.pattern.lineno, max(node.pattern.lineno, node.body[0].lineno - 1)
    body = getattr(node, "body", None)
    if isinstance(body, list) and body:
        return node.lineno, max(node.lineno, body[0].lineno - 1)
    return node.lineno, node.end_lineno or node.lineno
