"""Text of a target, made harmless for the eye: what hides or reorders characters is shown by its number."""

import re
from typing import Literal

from nightmend.frozen import Frozen
from nightmend.privacy.masking import masked

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


def line(text: str) -> str:
    """Write text as one line of a log or a terminal: no control sequence, no likely secret."""
    return visible(" ".join(masked(text).split("\n")))


def diff_lines(diff: str) -> list[DiffLine]:
    """Sort the lines of a unified diff; how long a hunk is, its head says."""
    lines: list[DiffLine] = []
    old = new = 0
    for text in diff.removesuffix("\n").split("\n") if diff else ():
        head = _HUNK.match(text)
        if head:
            old, new = int(head[1] or 1), int(head[2] or 1)
        kind = "place" if head else _kind(text) if old > 0 or new > 0 else "file"
        old -= kind in {"removed", "same"} and not text.startswith("\\")
        new -= kind in {"added", "same"} and not text.startswith("\\")
        lines.append(DiffLine(kind=kind, text=visible(text.removesuffix("\r"))))
    return lines


def _kind(text: str) -> DiffKind:
    kinds: dict[str, DiffKind] = {"+": "added", "-": "removed"}
    return kinds.get(text[:1], "same")
