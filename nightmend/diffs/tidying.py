"""A removal takes the blank lines along that set off what it removes: linters leave them for a formatter."""

import re
from collections.abc import Iterable, Iterator

from nightmend.repairs.repair import Edit

_BLANK = re.compile(rb"[ \t]*\r?\n")


def tidied(content: bytes, unit: Iterable[Edit], others: Iterable[Edit]) -> tuple[Edit, ...]:
    """Return the edits of a Python file, those that take whole lines out with blank lines beside them.

    Of the blank lines on both sides of what goes the larger number stays, at the end of the file none. Lines
    that one of the `others` touches are left to it.
    """
    taken = tuple(others)
    return tuple(_tidied(content, edit, taken) for edit in unit)


def _tidied(content: bytes, edit: Edit, others: Iterable[Edit]) -> Edit:
    if edit.text or not _is_whole_lines(content, edit):
        return edit
    above = list(_blank_above(content, edit.start))
    below = list(_blank_below(content, edit.end))
    start, end = edit.start, below[min(len(above), len(below)) - 1] if above and below else edit.end
    if above and (below or [edit.end])[-1] == len(content):
        start, end = above[-1], edit.end
    if any(one != edit and one.start < end and start <= one.end for one in others):
        return edit
    return edit.model_copy(update={"start": start, "end": end})


def _is_whole_lines(content: bytes, edit: Edit) -> bool:
    begins, ends = (at == 0 or content[at - 1 : at] == b"\n" for at in (edit.start, edit.end))
    return edit.start < edit.end and begins and (ends or edit.end == len(content))


def _blank_above(content: bytes, start: int) -> Iterator[int]:
    """Yield where the blank lines right above a line begin, the nearest first."""
    while start:
        line = content.rfind(b"\n", 0, start - 1) + 1
        if content[line:start].strip():
            return
        yield line
        start = line


def _blank_below(content: bytes, end: int) -> Iterator[int]:
    """Yield where the blank lines right below a line end, the nearest first."""
    while found := _BLANK.match(content, end):
        end = found.end()
        yield end
