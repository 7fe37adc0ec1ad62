"""The smallest whole statements around some edits, before and after: all else in the file stays as it was.

Two contents have the same syntax tree where these have, and are read in their place. So what a repair does is
compared at the cost of a few statements, however long the file is.
"""

import ast
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from nightmend.proof.syntax import Version, parse, read_tree
from nightmend.repairs.repair import Edit, apply_edits

_BARE = re.compile(rb"[ \t]*(#[^\n]*)?\n?")
_ODD = re.compile(
    rb"[\r\f]|\A\xef\xbb\xbf|^[ \t]*#.*?coding[:=][ \t]*(?!utf-?8\b)[-\w.]", re.MULTILINE | re.IGNORECASE
)
"""What ends lines, resets indentation or names an encoding: where it stands, a file is read whole."""
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_LISTS = ("body", "orelse", "finalbody")
_CLAUSES = ("handlers", "cases")


class Around(NamedTuple):
    """Statements of one block, before and after."""

    before: bytes
    after: bytes
    indent: bytes


class Statement(NamedTuple):
    """A statement by its whole lines."""

    start: int
    """Where its first line begins, of a decorator too."""
    end: int
    """Where its last line ends."""
    alone: bool
    """Whether no other statement has a part of its lines."""
    node: ast.stmt

    def has(self, first: int, last: int) -> bool:
        """Say whether a place, or what is put in there, has a part of its lines."""
        return (
            self.start == first or (self.start < last and first < self.end) or self.start < first < self.end
        )


class Blocks:
    """The statements of one file, found by their place."""

    def __init__(self, content: bytes) -> None:
        readable = not _ODD.search(content) and _is_utf8(content)
        self._content = content
        self._lines = [0, *(match.end() for match in re.finditer(rb"\n", content)), len(content)]
        self.body = read_tree(content).body if readable else []
        """Empty where a file must be read whole."""
        self._placed: dict[int, list[Statement]] = {}

    def around(self, edits: Sequence[Edit], *, definition: bool = False) -> Around | None:
        """Return the smallest statements with all of the edits, or the `definition` with them.

        None where there are none, and the whole file must be read. What is found can be read alone: it is
        made of whole lines, and so is what takes its place.
        """
        if not self.body or not edits:
            return None
        first, last = min(edit.start for edit in edits), max(edit.end for edit in edits)
        span = self._span(first, last, definition=definition)
        if span is None:
            return None
        return self._cut(*span, edits)

    def _cut(self, start: int, end: int, edits: Sequence[Edit]) -> Around | None:
        """Return whole lines before and after; None where they would not be whole lines of one indent."""
        shifted = (
            edit.model_copy(update={"start": edit.start - start, "end": edit.end - start}) for edit in edits
        )
        before = self._content[start:end]
        after = apply_edits(before, shifted)
        indent, indent_after = _indent(before), _indent(after)
        whole = end == len(self._content) or after.endswith(b"\n") or not after
        if not whole or after.endswith(b"\\\n") or _ODD.search(after) or indent_after not in {indent, None}:
            return None
        return Around(before, after, indent or b"")

    def outermost(self, edits: Sequence[Edit]) -> bytes | None:
        """Return what the edits make of the module's own statements around them; None as above."""
        if not self.body or not edits:
            return None
        first, last = min(edit.start for edit in edits), max(edit.end for edit in edits)
        touched = [one for one in self.places(self.body) if one.has(first, last)]
        start, end = (touched[0].start, touched[-1].end) if touched else self._between(first, last)
        if not all(one.alone for one in touched) or not start <= first <= last <= end:
            return None
        around = self._cut(start, end, edits)
        return around and around.after

    def without_others(self, edits: Sequence[Edit]) -> tuple[bytes, bytes] | None:
        """Return the file without the definitions that the edits leave alone, before and after.

        None where an edit touches anything else than a function or class of the module.
        """
        kept = [one for one in self.places(self.body) if any(one.has(edit.start, edit.end) for edit in edits)]
        if not kept or not all(one.alone and isinstance(one.node, _DEFINITIONS) for one in kept):
            return None
        if not all(any(one.start <= edit.start and edit.end <= one.end for one in kept) for edit in edits):
            return None
        removals = [
            Edit(path=edits[0].path, start=one.start, end=one.end, text="")
            for one in self.places(self.body)
            if one not in kept and one.alone and isinstance(one.node, _DEFINITIONS)
        ]
        return apply_edits(self._content, removals), apply_edits(self._content, (*removals, *edits))

    def _span(self, first: int, last: int, *, definition: bool) -> tuple[int, int] | None:
        """Descend from the module to the innermost statements of one block that have all of `first:last`."""
        found = None
        block: Sequence[ast.stmt] = self.body
        while block:
            touched = [one for one in self.places(block) if one.has(first, last)]
            if not touched and not definition:
                return self._between(first, last)
            if not touched or not all(one.alone for one in touched):
                break
            start, end = touched[0].start, touched[-1].end
            if not start <= first <= last <= end:
                break
            node = touched[0].node
            if not definition or (len(touched) == 1 and isinstance(node, _DEFINITIONS)):
                found = start, end
            block = self._inner(node, first, last) if len(touched) == 1 else ()
        return found

    def _between(self, first: int, last: int) -> tuple[int, int]:
        """Return the lines of a place between statements: nothing but comments and blanks is there."""
        return (
            self._lines[bisect_right(self._lines, first) - 1] if first < len(self._content) else first,
            self._lines[bisect_left(self._lines, last)],
        )

    def _inner(self, node: ast.stmt, first: int, last: int) -> Sequence[ast.stmt]:
        """Return the block of a statement that has all of a place; none where its own words have a part."""
        for block in _blocks(node):
            places = self.places(block)
            if places[0].start <= first and last <= places[-1].end:
                return block
        return ()

    def places(self, block: Sequence[ast.stmt]) -> list[Statement]:
        """Return where each statement of a block of this file stands."""
        if id(block) not in self._placed:
            self._placed[id(block)] = [self._place(node) for node in block]
        return self._placed[id(block)]

    def _place(self, node: ast.stmt) -> Statement:
        decorators: list[ast.expr] = getattr(node, "decorator_list", [])
        last = node.end_lineno or node.lineno
        start, end = (
            self._lines[min([node.lineno, *(one.lineno for one in decorators)]) - 1],
            self._lines[last],
        )
        begins = start + len(_leading(self._content, start))
        alone = bool(decorators) or begins == start + node.col_offset
        alone = alone and not self._content.startswith(b"elif", begins)
        behind = self._content[self._lines[last - 1] + (node.end_col_offset or 0) : end]
        return Statement(start, end, alone and _BARE.fullmatch(behind) is not None, node)


@lru_cache(maxsize=256)
def blocks(content: bytes) -> Blocks:
    """Return the statements of a file, found once; raises SyntaxError or ValueError."""
    return Blocks(content)


def parse_block(text: bytes, indent: bytes, floor: Version | None = None) -> ast.Module:
    """Parse statements that are indented alike; raises SyntaxError or ValueError."""
    if not indent:
        return parse(text, floor)
    match parse(b"if 1:\n" + text, floor).body:
        case [ast.If(body=body, orelse=[])]:
            return ast.Module(body=body, type_ignores=[])
    raise SyntaxError("it ends the block in which it stands")


def heading(node: ast.stmt) -> str | None:
    """Return all of a function or class but its body, as a dump; None of anything else."""
    if not isinstance(node, _DEFINITIONS):
        return None
    fields = {name: value for name, value in ast.iter_fields(node) if name != "body"}
    return ast.dump(type(node)(**fields, body=[]))


def _blocks(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    clauses: Iterable[ast.AST] = [one for name in _CLAUSES for one in getattr(node, name, ())]
    for part in (node, *clauses):
        yield from (block for name in _LISTS if (block := getattr(part, name, None)))


def _indent(text: bytes) -> bytes | None:
    """Return the white space before the first line of code; None where there is no code."""
    for line in text.split(b"\n"):
        if not _BARE.fullmatch(line):
            return _leading(line, 0)
    return None


def _leading(text: bytes, start: int) -> bytes:
    match = re.compile(rb"[ \t]*").match(text, start)
    return match[0] if match else b""


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
