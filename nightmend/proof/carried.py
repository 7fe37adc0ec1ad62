"""What tests reach behind repairs: what they reached before, carried along to where the lines stand now."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from nightmend.proof.ran import beside, column_of, puts_in_lines
from nightmend.proof.reach import changed_lines, line_of, statement_span
from nightmend.proof.spectrum import LinesRun, Spectrum
from nightmend.proof.syntax import is_python, read_tree
from nightmend.repairs.repair import Edit


def carried(spectrum: Spectrum, edits: Iterable[Edit], contents: Mapping[str, bytes]) -> Spectrum:
    """Return the spectrum of a tree with edits made; `contents` holds their files as they were before.

    Lines in the place of as many others are reached by who ran those, line by line. Others are reached by
    whoever ran any of those, the statement that they change, or the one beside which they are put in.
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
        lines=spectrum.lines | moved,
        opened=spectrum.opened,
        spawning=spectrum.spawning,
    )


class _Piece(NamedTuple):
    """Lines from `first` up to `end`, without it, and how many stand in their place."""

    first: int
    end: int
    number: int
    edits: tuple[Edit, ...]


def _moved(spectrum: Spectrum, content: bytes, edits: Sequence[Edit]) -> tuple[LinesRun, ...]:
    path = edits[0].path
    before = [spectrum.running(path, line, line) for line in range(line_of(content, len(content)) + 1)]
    after: list[int] = []
    done = 0
    for piece in _pieces(content, edits):
        after += before[done : piece.first]
        if piece.number == piece.end - piece.first:
            after += before[piece.first : piece.end]
        else:
            tests = spectrum.running(path, piece.first, piece.end - 1)
            after += [tests | _reaching(spectrum, content, piece.edits)] * piece.number
        done = piece.end
    groups: dict[int, list[int]] = defaultdict(list)
    for line, tests in enumerate([*after, *before[done:]]):
        groups[tests].append(line)
    return tuple((hex(tests), tuple(lines)) for tests, lines in groups.items() if tests)


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
    """Return the lines of one edit, up to its last one; that is left out where none of it is touched."""
    text = edit.text.encode()
    first, end = line_of(content, edit.start), line_of(content, edit.end)
    number = line_of(text, len(text)) - 1
    ahead = text[-1:] or content[edit.start - 1 : edit.start]
    if not (_begins_a_line(ahead) and _begins_a_line(content[edit.end - 1 : edit.end])):
        end, number = end + 1, number + 1
    return _Piece(first, end, number, (edit,))


def _begins_a_line(ahead: bytes) -> bool:
    """Say whether a line begins behind a byte, or behind none."""
    return ahead in (b"", b"\n", b"\r")


def _reaching(spectrum: Spectrum, content: bytes, edits: Iterable[Edit]) -> int:
    """Return who runs what edits write."""
    found = 0
    tree = read_tree(content)
    for edit in edits:
        first, last = changed_lines(edit, content)
        around: tuple[int, int] | None = statement_span(tree, first, last)
        if puts_in_lines(edit, content):
            around = beside(tree, content, first, column_of(edit.text) or 0)
        found |= spectrum.running(edit.path, *around) if around else 0
    return found
