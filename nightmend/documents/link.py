import re
from bisect import bisect_right
from itertools import accumulate
from typing import Literal

from nightmend.frozen import Frozen

Style = Literal["markdown", "angle", "html", "rst"]

_ELSEWHERE = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:|[/\\#?~@]|\.{3}|www\.|([\w-]+\.)+(com|org|net|edu|gov|io|ai|dev|app|cn)(/|$)"
)
_FILLED_IN = re.compile(r"[{}<>\[\]*|$\\\0-\x1f]|%\(|://")


class Link(Frozen):
    """One link as it stands in a document: its destination is the bytes `start:end`. Lines count from 1."""

    start: int
    end: int
    line: int
    column: int
    path: str
    """Where it points, as a file system has it: escapes and percent codes undone, without `tail`."""
    tail: str
    """Query and anchor as they stand, with their `?` or `#`."""
    style: Style


def is_relative(path: str) -> bool:
    """Say whether a destination names a file beside the document: no URL, template, anchor or site path."""
    return bool(path) and not _ELSEWHERE.match(path) and not _FILLED_IN.search(path)


def split_tail(destination: str) -> tuple[str, str]:
    """Split a destination into its path, and its query and anchor."""
    cut = min((destination.index(sign) for sign in "?#" if sign in destination), default=len(destination))
    return destination[:cut], destination[cut:]


class Text:
    """The text of a document, with the way back from characters to bytes and lines."""

    def __init__(self, content: bytes) -> None:
        self.text = content.decode()
        self.lines = self.text.split("\n")
        self._starts = list(accumulate((len(line) + 1 for line in self.lines), initial=0))
        self._bytes = list(accumulate((len(line.encode()) + 1 for line in self.lines), initial=0))

    def start_of(self, line: int) -> int:
        """Return the index of the first character of a line, which counts from 0; the end beyond the last."""
        return min(self._starts[min(line, len(self.lines))], len(self.text))

    def link(self, line: int, start: int, end: int, path: str, tail: str, style: Style) -> Link:
        """Make a link of the characters `start:end`, which begin in a line that counts from 0."""
        first = self._bytes[line] + len(self.text[self._starts[line] : start].encode())
        return Link(
            start=first,
            end=first + len(self.text[start:end].encode()),
            line=line + 1,
            column=start - self._starts[line] + 1,
            path=path,
            tail=tail,
            style=style,
        )

    def line_of(self, index: int) -> int:
        """Return the line of a character, from 0."""
        return bisect_right(self._starts, index) - 1
