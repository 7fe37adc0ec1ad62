"""Text of a target, made harmless for the eye: what hides or reorders characters is shown by its number."""

import re
from typing import Literal

from nightmend.frozen import Frozen

_HIDDEN = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")
DiffKind = Literal["file", "place", "added", "removed", "same"]


class DiffLine(Frozen):
    """One line of a diff and what it is."""

    kind: DiffKind
    text: str


def visible(text: str) -> str:
    """Replace control, bidirectional and zero-width characters by their numbers; tabs and newlines stay."""
    return _HIDDEN.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text)


def diff_lines(diff: str) -> list[DiffLine]:
    """Sort the lines of a unified diff; how long a hunk is, its head says."""
    lines: list[DiffLine] = []
    old = new = 0
    for line in diff.removesuffix("\n").split("\n") if diff else ():
        head = _HUNK.match(line)
        if head:
            old, new = int(head[1] or 1), int(head[2] or 1)
        kind = "place" if head else _kind(line) if old > 0 or new > 0 else "file"
        old -= kind in {"removed", "same"} and not line.startswith("\\")
        new -= kind in {"added", "same"} and not line.startswith("\\")
        lines.append(DiffLine(kind=kind, text=visible(line.removesuffix("\r"))))
    return lines


def _kind(line: str) -> DiffKind:
    kinds: dict[str, DiffKind] = {"+": "added", "-": "removed"}
    return kinds.get(line[:1], "same")
