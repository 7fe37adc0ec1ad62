"""What tests reach behind repairs: what they reached before, carried along to where the lines stand now."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from nightmend.proof.ran import beside, column_of, puts_in_lines
from nightmend.proof.reach import changed_lines, header, line_of, lines_of, statement_span, statements
from nightmend.proof.spectrum import LinesRun, Spectrum
from nightmend.proof.syntax import is_python, read_tree
from nightmend.repairs.repair import Edit, apply_edits


def carried(spectrum: Spectrum, edits: Iterable[Edit], contents: Mapping[str, bytes]) -> Spectrum:
    """Return the spectrum of a tree with edits made; `contents` holds their files as they were before.

    A line that is still there keeps its tests, and so does one in the place of one. For others stands a
    guess, and they are noted as `written`: who ran what they replace, or the statement beside them.
    """
    by_path: dict[str, set[Edit]] = defaultdict(set)
    for edit in edits:
        by_path[edit.path].add(edit)
    moved = {
        path: _moved(spectrum, contents[path], sorted(some, key=lambda edit: (edit.start, edit.end)))
        for path, some in by_path.items()
        if path in spectrum.lines and is_python(path)
    }
    return Spectrum(  # a copy of the other would have its cached lines
        tests=spectrum.tests,
        lines=spectrum.lines | {path: lines for path, (lines, _) in moved.items()},
        written=spectrum.written | {path: written for path, (_, written) in moved.items()},
        opened=spectrum.opened,
        spawning=spectrum.spawning,
    )


class _Piece(NamedTuple):
    """Lines from `first` up to `end`, without it, and how many stand in their place."""

    first: int
    end: int
    number: int
    edits: tuple[Edit, ...]


class _Line(NamedTuple):
    """Who runs a line, and whether that is a guess."""

    tests: int
    guessed: bool = False


def _moved(
    spectrum: Spectrum, content: bytes, edits: Sequence[Edit]
) -> tuple[tuple[LinesRun, ...], tuple[int, ...]]:
    """Return who runs which lines of a file with edits made, and which of these lines are guesses."""
    path = edits[0].path
    old, new = ([b"", *lines_of(one)] for one in (content, apply_edits(content, edits)))
    pieces = _pieces(content, edits)
    if len(old) + sum(one.number - (one.end - one.first) for one in pieces) != len(new):
        # an edit parts the two bytes of a line's end
        pieces = [_Piece(1, len(old), len(new) - 1, tuple(edits))]
    guesses = frozenset(spectrum.written.get(path, ()))
    before = [_Line(spectrum.running(path, line, line), line in guesses) for line in range(len(old))]
    after: list[_Line] = []
    done = 0
    for piece in pieces:
        after += before[done : piece.first]
        lines = new[len(after) : len(after) + piece.number]
        guess = spectrum.running(path, piece.first, piece.end - 1) | _beside(spectrum, content, piece.edits)
        after += _written(old[piece.first : piece.end], before[piece.first : piece.end], lines, guess)
        done = piece.end
    after += before[done:]
    groups: dict[int, list[int]] = defaultdict(list)
    for line, one in enumerate(after):
        groups[one.tests].append(line)
    return (
        tuple((hex(tests), tuple(lines)) for tests, lines in groups.items() if tests),
        tuple(line for line, one in enumerate(after) if one.guessed),
    )


def _written(old: Sequence[bytes], known: Sequence[_Line], new: Sequence[bytes], guess: int) -> list[_Line]:
    """Return who runs new lines: of those that are still there, or one for one, that is known."""
    guessed = _Line(guess, guessed=True)
    if len(old) == len(new) == 1:
        return [known[0] if known[0].tests or not guess else guessed]
    lines = [guessed] * len(new)
    for match in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks():
        lines[match.b : match.b + match.size] = known[match.a : match.a + match.size]
    return lines


def _pieces(content: bytes, edits: Iterable[Edit]) -> list[_Piece]:
    """Return the lines that edits change, those of one line together; `edits` are in their order."""
    pieces: list[_Piece] = []
    for edit in edits:
        one = _piece(content, edit)
        if pieces and one.first < pieces[-1].end:
            last = pieces.pop()
            end = max(last.end, one.end)
            more = last.number + one.number - (last.end - last.first) - (one.end - one.first)
            one = _Piece(last.first, end, end - last.first + more, (*last.edits, edit))
        pieces.append(one)
    return pieces


def _piece(content: bytes, edit: Edit) -> _Piece:
    """Return the lines of one edit, without the last one where that stays whole."""
    text = edit.text.encode()
    first, end = line_of(content, edit.start), line_of(content, edit.end)
    number = line_of(text, len(text)) - 1
    ahead = text[-1:] or content[edit.start - 1 : edit.start]
    if not all(one in (b"", b"\n", b"\r") for one in (ahead, content[edit.end - 1 : edit.end])):
        end, number = end + 1, number + 1
    return _Piece(first, end, number, (edit,))


def _beside(spectrum: Spectrum, content: bytes, edits: Iterable[Edit]) -> int:
    """Return who runs the statements that edits change, or beside which they put others, or those around."""
    found = 0
    tree = read_tree(content)
    for edit in edits:
        first, last = changed_lines(edit, content)
        span: tuple[int, int] | None = statement_span(tree, first, last)
        if puts_in_lines(edit, content):
            span = beside(tree, content, first, column_of(edit.text) or 0)
        here = spectrum.running(edit.path, *span) if span else 0
        found |= here or spectrum.running(edit.path, *_around(tree, first))
    return found


def _around(tree: ast.Module, line: int) -> tuple[int, int]:
    """Return the lines that run when the statement does that has a line in it: those of its heading."""
    inside = [
        node
        for node in statements(tree)
        if isinstance(node, ast.stmt) and node.lineno < line <= (node.end_lineno or 0)
    ]
    if not inside:
        return line, line
    node = max(inside, key=lambda node: node.lineno)
    return header(node.body[0] if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else node)
