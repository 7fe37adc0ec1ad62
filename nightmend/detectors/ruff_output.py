"""Ruff's JSON, turned into findings whose fixes are byte offsets.

Ruff counts lines and characters from 1, takes `\\r\\n`, `\\n` and `\\r` for line ends, and no byte order mark
for a character.
"""

import re
from collections.abc import Callable, Iterable
from functools import cache
from itertools import combinations
from typing import Any

from nightmend.detectors.tree import TreeView
from nightmend.issue import Finding
from nightmend.repairs.repair import Edit, overlap

LINE_END = re.compile(rb"\r\n|\n|\r")
BOM = b"\xef\xbb\xbf"
SYNTAX = "invalid-syntax"
LEFT_OUT = " (its fix is left out: edits of it overlap each other)"


class Offsets:
    """Byte offsets of the lines of one file."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        first = len(BOM) if content.startswith(BOM) else 0
        self._starts = [first, *(match.end() for match in LINE_END.finditer(content))]

    def at(self, row: int, column: int) -> int:
        """Return the byte offset of a character; a place behind the last line is the end of the file."""
        if row > len(self._starts):
            return len(self._content)
        start = self._starts[row - 1]
        end = self._starts[row] if row < len(self._starts) else len(self._content)
        text = self._content[start:end].decode("utf-8", "replace")
        return start + len(text[: column - 1].encode())


def read_findings(reported: Iterable[dict[str, Any]], tree: TreeView, *, enabled: bool) -> list[Finding]:
    """Return a finding for each diagnostic of a file of the tree."""

    @cache
    def offsets(path: str) -> Offsets:
        return Offsets(tree.files[path])

    placed = ((tree.relative(diagnostic["filename"]), diagnostic) for diagnostic in reported)
    return [_finding(diagnostic, path, offsets, enabled) for path, diagnostic in placed if path in tree.files]


def _finding(
    diagnostic: dict[str, Any], path: str, offsets: Callable[[str], Offsets], enabled: bool
) -> Finding:
    fix = diagnostic["fix"] or {}
    safety = {"safe": "safe", "unsafe": "unsafe"}.get(fix.get("applicability", ""))
    edits = _joined(_edit(edit, path, offsets(path)) for edit in fix.get("edits", ())) if safety else ()
    meets = any(overlap(first, second) for first, second in combinations(edits, 2))
    edits, note = ((), LEFT_OUT) if meets else (edits, "")
    return Finding(
        detector="ruff",
        rule=diagnostic["code"] or SYNTAX,
        path=path,
        line=diagnostic["location"]["row"],
        column=diagnostic["location"]["column"],
        end_line=diagnostic["end_location"]["row"],
        message=diagnostic["message"] + note,
        fix=edits,
        fix_safety=safety if edits else None,
        enabled=enabled,
    )


def _joined(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """Make one insertion of all that a fix has at one place: only the fix knows their order."""
    replaced: list[Edit] = []
    inserted: dict[int, Edit] = {}
    for edit in edits:
        if edit.start < edit.end:
            replaced.append(edit)
        else:
            ahead = inserted[edit.start].text if edit.start in inserted else ""
            inserted[edit.start] = edit.model_copy(update={"text": ahead + edit.text})
    return (*inserted.values(), *replaced)


def _edit(edit: dict[str, Any], path: str, offsets: Offsets) -> Edit:
    start, end = (offsets.at(edit[key]["row"], edit[key]["column"]) for key in ("location", "end_location"))
    return Edit(path=path, start=start, end=end, text=edit["content"])
