"""Unified diffs that git applies: of bytes, whatever the names and the ends of lines are.

Bytes that are no UTF-8 are lone surrogates in the text; encode it with `surrogateescape` to write it.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Literal

CONTEXT = 3
Code = tuple[Literal["replace", "delete", "insert", "equal"], int, int, int, int]
"""What becomes of the old lines, from and to, and of the new ones."""
_ESCAPED = re.compile(r'["\\\x00-\x1f\x7f]')
_LETTERS = {"\a": "a", "\b": "b", "\t": "t", "\n": "n", "\v": "v", "\f": "f", "\r": "r", '"': '"', "\\": "\\"}


class _Known(difflib.SequenceMatcher[str]):
    """Groups a comparison that is already made."""

    def __init__(self, codes: list[Code]) -> None:
        super().__init__(None, "", "")
        self._codes = codes

    def get_opcodes(self) -> list[Code]:
        return self._codes


def unified(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> str:
    """Return the diff of every file in `after`; one without a difference has none."""
    return "".join(
        _file(path, before[path], after[path]) for path in sorted(after) if before[path] != after[path]
    )


def _file(path: str, before: bytes, after: bytes) -> str:
    old, new = _lines(before), _lines(after)
    hunks = [_hunk(old, new, codes) for codes in _Known(_codes(old, new)).get_grouped_opcodes(CONTEXT)]
    one, two = _name(f"a/{path}"), _name(f"b/{path}")
    tab = "\t" if " " in path else ""
    return f"diff --git {one} {two}\n--- {one}{tab}\n+++ {two}{tab}\n" + "".join(hunks)


def _codes(old: list[str], new: list[str]) -> list[Code]:
    """Compare only what lies between the first difference and the last: most of a long file is the same."""
    first = _equal(old, new)
    last = _equal(old[first:][::-1], new[first:][::-1])
    one, two = len(old) - last, len(new) - last
    between = difflib.SequenceMatcher(None, old[first:one], new[first:two], autojunk=False)
    codes: list[Code] = [("equal", 0, first, 0, first)] if first else []
    codes += [(tag, a + first, b + first, c + first, d + first) for tag, a, b, c, d in between.get_opcodes()]
    return [*codes, ("equal", one, len(old), two, len(new))] if last else codes


def _equal(old: list[str], new: list[str]) -> int:
    """Count the lines that are the same at the beginning."""
    pairs = enumerate(zip(old, new, strict=False))
    return next((number for number, (one, two) in pairs if one != two), min(len(old), len(new)))


def _hunk(old: list[str], new: list[str], codes: Sequence[tuple[str, int, int, int, int]]) -> str:
    spans = codes[0][1], codes[-1][2], codes[0][3], codes[-1][4]
    lines = []
    for tag, one, two, three, four in codes:
        if tag == "equal":
            lines += [f" {line}" for line in old[one:two]]
        else:
            lines += [f"-{line}" for line in old[one:two]]
            lines += [f"+{line}" for line in new[three:four]]
    ended = (line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
    return f"@@ -{_span(*spans[:2])} +{_span(*spans[2:])} @@\n" + "".join(ended)


def _span(start: int, end: int) -> str:
    """Write lines `start:end` as a hunk's head does: the first counts from 1, none stands behind a line."""
    length = end - start
    return f"{start + bool(length)}" + ("" if length == 1 else f",{length}")


def _lines(content: bytes) -> list[str]:
    """Split at newlines only: a form feed or a carriage return is part of its line."""
    lines = content.decode(errors="surrogateescape").split("\n")
    return [f"{line}\n" for line in lines[:-1]] + lines[-1:] * bool(lines[-1])


def _name(path: str) -> str:
    """Write a name as git does: quoted where a sign in it would end it."""
    if not _ESCAPED.search(path):
        return path
    return '"' + _ESCAPED.sub(_escape, path) + '"'


def _escape(match: re.Match[str]) -> str:
    letter = _LETTERS.get(match[0])
    return f"\\{letter}" if letter else f"\\{ord(match[0]):03o}"
