"""Split the difference of two texts into edits of whole lines, in Python a statement each."""

import ast
import difflib
import re
import textwrap
from collections.abc import Iterable, Iterator
from itertools import pairwise

from nightmend.frozen import Frozen
from nightmend.parsing import parse_source
from nightmend.proof.syntax import is_python
from nightmend.repairs.repair import Edit
from nightmend.sequences import common_prefix

LIKE = 0.5
"""How much of two statements must be the same for one to be the other, changed."""
_MOST_PAIRS = 4000
"""Statements of a block times those that take their place; beyond that it stays one edit."""
_OLD_ENDING = re.compile(rb"\r(?!\n)")
_STATEMENTS = ast.stmt | ast.ExceptHandler | ast.match_case
Span = tuple[int, int]
"""Lines from and to, counted from 0."""


class Piece(Frozen):
    """An edit of whole lines, with the lines that it takes away and those that it puts in."""

    edit: Edit
    old: Span
    new: Span
    block: int
    """Number of the block of changed lines that it is of."""


def pieces(path: str, before: bytes, after: bytes) -> tuple[Piece, ...]:
    """Return the smallest edits that together make `after` of `before`, in the order of their places.

    Raises UnicodeDecodeError where they would put in bytes that are no UTF-8.
    """
    old, new = _split(before), _split(after)
    cuts = _starts(path, before), _starts(path, after)
    starts = [0]
    for line in old:
        starts.append(starts[-1] + len(line))
    made = []
    for block, (one, other) in _spans(old, new, cuts):
        text = b"".join(new[slice(*other)])
        if b"".join(old[slice(*one)]) != text:
            edit = Edit(path=path, start=starts[one[0]], end=starts[one[1]], text=text.decode())
            made.append(Piece(edit=edit, old=one, new=other, block=block))
    return tuple(made)


def tree_of(path: str, content: bytes) -> ast.Module | None:
    """Return the syntax tree of a Python file; None of any other, and of one that cannot be read by lines.

    Such is one that does not parse, and one in which a carriage return alone ends a line.
    """
    if not is_python(path) or _OLD_ENDING.search(content):
        return None
    try:
        return parse_source(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def certain(before: bytes, tree: ast.Module, found: Iterable[Piece]) -> set[Piece]:
    """Return the edits of a Python file that put whole statements in the place of whole statements.

    After each of them alone the file parses, for certain.
    """
    lines = _split(before)
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    starts = {first_line(node): node.col_offset for node in nodes}
    ends = {(node.end_lineno, node.col_offset) for node in nodes}
    return {piece for piece in found if _is_certain(piece, lines, starts, ends)}


def _is_certain(
    piece: Piece, lines: list[bytes], starts: dict[int, int], ends: set[tuple[int | None, int]]
) -> bool:
    old = [line.decode("latin-1") for line in lines[slice(*piece.old)]]
    code = [number for number, line in enumerate(old, piece.old[0] + 1) if _is_code(line)]
    new = next((line for line in piece.edit.text.splitlines() if _is_code(line)), None)
    if not code or new is None:
        return False
    column = starts.get(code[0])
    if (
        column is None
        or (code[-1], column) not in ends
        or _indent(new) != _indent(old[code[0] - piece.old[0] - 1])
    ):
        return False
    return all(_is_whole(text) for text in ("".join(old), piece.edit.text))


def _is_code(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _is_whole(text: str) -> bool:
    try:
        return bool(parse_source(textwrap.dedent(text)).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _split(content: bytes) -> list[bytes]:
    """Split at newlines only, as Python and git count lines."""
    lines = content.split(b"\n")
    return [line + b"\n" for line in lines[:-1]] + lines[-1:] * bool(lines[-1])


def _spans(
    old: list[bytes], new: list[bytes], cuts: tuple[frozenset[int], frozenset[int]]
) -> Iterator[tuple[int, tuple[Span, Span]]]:
    """Yield the old and the new lines of each edit, with the number of its block."""
    same = common_prefix(old, new)
    end = common_prefix(old[same:][::-1], new[same:][::-1])
    middle = old[same : len(old) - end], new[same : len(new) - end]
    codes = difflib.SequenceMatcher(None, *middle, autojunk=False).get_opcodes()
    for block, (tag, a, b, c, d) in enumerate(codes):
        if tag != "equal":
            one, other = (a + same, b + same), (c + same, d + same)
            for spans in _aligned(old, new, _chunks(one, cuts[0]), _chunks(other, cuts[1])):
                yield block, spans


def _chunks(span: Span, cuts: Iterable[int]) -> list[Span]:
    """Cut a block where statements begin."""
    first, last = span
    places = [first, *sorted(cut for cut in cuts if first < cut < last), last]
    return list(pairwise(places)) if first < last else [span]


def _starts(path: str, content: bytes) -> frozenset[int]:
    """Return the lines at which statements begin, with the comments above them."""
    tree = tree_of(path, content)
    if tree is None:
        return frozenset()
    lines, inside = _split(content), _inside(tree)
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, _STATEMENTS):
            start = first_line(node) - 1
            while start and start - 1 not in inside and lines[start - 1].lstrip().startswith(b"#"):
                start -= 1
            found.add(start)
    return frozenset(found)


def first_line(node: ast.stmt | ast.ExceptHandler | ast.match_case) -> int:
    """Return where a statement begins, its decorators included; counted from 1."""
    if isinstance(node, ast.match_case):
        return node.pattern.lineno
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _inside(tree: ast.AST) -> frozenset[int]:
    """Return the lines behind the first of each expression: what looks like a comment there may be text."""
    spans = (
        (node.lineno, node.end_lineno or node.lineno) for node in ast.walk(tree) if isinstance(node, ast.expr)
    )
    return frozenset(line for first, last in spans for line in range(first, last))


def _aligned(
    old: list[bytes], new: list[bytes], taken: list[Span], put: list[Span]
) -> Iterator[tuple[Span, Span]]:
    """Pair the statements of a block with those that take their place; what lies between is one edit."""
    first, other = taken[0][0], put[0][0]
    for one, two in [*_pairs(old, new, taken, put), (len(taken), len(put))]:
        to = taken[one] if one < len(taken) else (taken[-1][1],) * 2
        into = put[two] if two < len(put) else (put[-1][1],) * 2
        yield from _between(taken, (first, to[0]), (other, into[0]))
        if one < len(taken):
            yield to, into
        first, other = to[1], into[1]


def _between(taken: list[Span], old: Span, new: Span) -> Iterator[tuple[Span, Span]]:
    """Yield what has no partner: statements that only go are an edit each."""
    if new[0] == new[1]:
        yield from ((span, new) for span in taken if old[0] <= span[0] < old[1])
    else:
        yield old, new


def _pairs(old: list[bytes], new: list[bytes], taken: list[Span], put: list[Span]) -> list[tuple[int, int]]:
    """Return which statements became which, in their order: the pairing that keeps the most."""
    if not 1 < len(taken) * len(put) <= _MOST_PAIRS:
        return []
    texts = [[b"".join(lines[slice(*span)]).strip() for span in spans]
             for lines, spans in ((old, taken), (new, put))]  # fmt: skip
    best: dict[Span, tuple[float, tuple[tuple[int, int], ...]]] = {}
    for i in range(len(taken), -1, -1):
        for j in range(len(put), -1, -1):
            if i == len(taken) or j == len(put):
                best[i, j] = (0.0, ())
                continue
            options = [best[i + 1, j], best[i, j + 1]]
            like = _likeness(texts[0][i], texts[1][j])
            if like >= LIKE:
                rest = best[i + 1, j + 1]
                options.append((like + rest[0], ((i, j), *rest[1])))
            best[i, j] = max(options, key=lambda option: option[0])
    return list(best[0, 0][1])


def _likeness(one: bytes, other: bytes) -> float:
    """Return how much of two texts is the same, from 0 to 1."""
    if one == other or not one or not other:
        return float(one == other != b"")
    matcher = difflib.SequenceMatcher(None, one.decode("latin-1"), other.decode("latin-1"), autojunk=False)
    if matcher.real_quick_ratio() < LIKE or matcher.quick_ratio() < LIKE:
        return 0.0
    return matcher.ratio()
