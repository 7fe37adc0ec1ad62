"""A file without the statements that a change leaves as they are, for tools that read one by one.

What such a tool says of a statement rests on that statement, those beside it, the definitions around it and
the imports of the file. So both contents of a changed file may lose the same other statements: what became
more, and what less, is the same as in the whole file.
"""

import ast
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby

from nightmend.frozen import Frozen
from nightmend.proof.around import Blocks, Statement, blocks, parse_block
from nightmend.proof.syntax import read_tree
from nightmend.repairs.repair import Edit, apply_edits

BY_STATEMENT = frozenset({"bandit", "pycodestyle"})
"""Detectors that read so; all others look at every file as a whole."""
_READ_WHOLE = re.compile(rb"^ *\t|mark_safe|\xe2\x80[\xaa-\xae\x8f]|\xe2\x81[\xa6-\xa9]", re.MULTILINE)
"""Pycodestyle holds a file to its first indent; bandit tells of the direction of writing once in a file, and
looks far for what goes into `mark_safe`."""
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IMPORTS = (ast.Import, ast.ImportFrom)


Span = tuple[int, int]
"""Whole lines of a file, from a byte to one behind the last."""


class Excerpt(Frozen):
    """What is left of a content, and where that stood."""

    content: bytes
    gaps: tuple[tuple[int, int], ...] = ()
    """Pairs of a line of the excerpt, and how many were left out in front of the line behind it, in all."""

    def line(self, number: int) -> int:
        """Return the line of the whole content that a line of the excerpt is."""
        place = bisect_left(self.gaps, (number, 0))
        return number + (self.gaps[place - 1][1] if place else 0)


def excerpts(path: str, content: bytes, edits: Sequence[Edit]) -> tuple[Excerpt, Excerpt]:
    """Return what there is to read of a file before and after some edits of it."""
    without = left_out(path, content, edits)
    return _cut(content, (), without), _cut(content, edits, without)


def left_out(path: str, content: bytes, edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """Return the removals of the statements that need not be read; none where all of the file must be."""
    texts = (content, *(edit.text.encode() for edit in edits))
    if not edits or not path.endswith(".py") or any(map(_READ_WHOLE.search, texts)):
        return ()
    try:
        file = blocks(content)
        imports = _imports(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    if not file.body or any(_changes_imports(content, edit, imports) for edit in edits):
        return ()
    unread = _unread(file, file.body, sorted(set(edits), key=lambda edit: (edit.start, edit.end)), 0)
    top = max((one.end for one in file.places(file.body) if isinstance(one.node, _IMPORTS)), default=0)
    first = 0 if edits and min(edit.start for edit in edits) >= top else top
    return tuple(
        Edit(path=path, start=start, end=end, text="")
        for start, end in unread or ()
        if first <= start < end and not _any_between(imports, start, end)
    )


def _unread(file: Blocks, block: Sequence[ast.stmt], edits: Sequence[Edit], start: int) -> list[Span] | None:
    """Return the statements of a block that are beside no change, each with what stands in front of it.

    `start` is where the lines in front of the first one begin. None where it cannot be said.
    """
    places = file.places(block)
    groups = [(span, list(group)) for span, group in groupby(edits, lambda edit: _touched(places, edit))]
    edited = {first for (first, behind), _ in groups if first < behind}
    near = {number for (first, behind), _ in groups for number in (first - 1, first, behind)}
    found: list[Span] = []
    for (first, behind), inside in groups:
        within = _unread_within(file, places[first:behind], inside)
        if within is None:
            return None
        found += within
    for number, place in enumerate(places):
        if number not in near and place.alone:
            found.append((start, place.end))
        elif number in near - edited:
            found += _before_last(file, place)
        start = place.end
    return found


def _unread_within(file: Blocks, touched: Sequence[Statement], edits: Sequence[Edit]) -> list[Span] | None:
    """Return what need not be read of a statement with all of these edits, or of none; None as above."""
    if len(touched) > 1:
        return None
    body = _body(file, touched[0]) if touched else ()
    if body and edits[0].start >= body[0].start:
        return _unread(file, touched[0].node.body, edits, body[0].start)  # type: ignore[attr-defined]
    if not _stands_alone(file, edits):
        return None
    in_head = body and edits[-1].end < body[0].start
    return [(body[0].end, body[-1].start)] if in_head and body[-1].alone else []


def _before_last(file: Blocks, place: Statement) -> list[Span]:
    """Return what a definition has in front of its last statement, and so within that."""
    body = _body(file, place)
    if not body or not body[-1].alone:
        return []
    return [(body[0].start, body[-1].start), *_before_last(file, body[-1])]


def _body(file: Blocks, place: Statement) -> Sequence[Statement]:
    """Return the statements of a definition, where they begin on a line of their own."""
    body = file.places(place.node.body) if isinstance(place.node, _DEFINITIONS) else ()
    return body if body and body[0].alone else ()


def _touched(places: Sequence[Statement], edit: Edit) -> tuple[int, int]:
    """Return the first statement that an edit touches, and the first behind it; both are one between two.

    What is put in where a statement begins belongs to that statement.
    """
    first = bisect_left(places, True, key=lambda place: place.end > edit.start)
    behind = bisect_left(places, True, key=lambda place: place.start >= max(edit.end, edit.start + 1))
    return first, behind


def _any_between(places: Sequence[Span], start: int, end: int) -> bool:
    found = bisect_left(places, (start, 0))
    return found < len(places) and places[found][0] < end


def _stands_alone(file: Blocks, edits: Sequence[Edit]) -> bool:
    """Say whether what the edits make of their statements reaches no further than these."""
    around = file.around(edits)
    if around is None:
        return False
    try:
        parse_block(around.after, around.indent)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _changes_imports(content: bytes, edit: Edit, imports: Iterable[Span]) -> bool:
    """Say whether an edit may have a part in an import: bandit knows what calls mean by all in front."""
    start = content.rfind(b"\n", 0, edit.start) + 1
    end = content.find(b"\n", edit.end)
    touched = content[start : end if end >= 0 else len(content)]
    if b"import" in touched or "import" in edit.text:
        return True
    return any(first <= edit.end and edit.start <= last for first, last in imports)


@lru_cache(maxsize=256)
def _imports(content: bytes) -> tuple[Span, ...]:
    """Return where each import begins and ends, whole lines, in their order."""
    lines = [0, *(match.end() for match in re.finditer(rb"\n", content)), len(content)]
    found = (node for node in ast.walk(read_tree(content)) if isinstance(node, _IMPORTS))
    return tuple(sorted((lines[node.lineno - 1], lines[node.end_lineno or node.lineno]) for node in found))


def _cut(content: bytes, edits: Sequence[Edit], without: Sequence[Edit]) -> Excerpt:
    """Do the edits and take out what is not read, and note where lines are missing."""
    return Excerpt(
        content=apply_edits(content, (*edits, *without)), gaps=tuple(_gaps(content, edits, without))
    )


def _gaps(content: bytes, edits: Sequence[Edit], without: Sequence[Edit]) -> Iterator[tuple[int, int]]:
    line = lost = position = 0
    removals = set(without)
    for edit in sorted({*edits, *without}, key=lambda edit: (edit.start, edit.end)):
        line += content.count(b"\n", position, edit.start) + edit.text.count("\n")
        position = edit.end
        if edit in removals:
            lost += content.count(b"\n", edit.start, edit.end)
            yield line, lost
