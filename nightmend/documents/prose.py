"""What of a document is written for people: no code, no markup of its own."""

import re
from collections.abc import Iterator

from nightmend.documents import markdown
from nightmend.documents.link import Text
from nightmend.documents.rst import text_lines

_ROLE = re.compile(r"(:[\w:+.-]+:)?`+[^`]*`+_{0,2}")


def prose(path: str, content: bytes) -> Iterator[tuple[int, str]]:
    """Yield runs of text of a document, each with the byte at which it starts.

    Every character of a run stands where it does in the document, that of code as a backtick.
    """
    source = Text(content)
    runs = _rst(source) if path.lower().endswith(".rst") else markdown.prose(content)
    for start, text in runs:
        yield len(source.text[:start].encode()), text


def _rst(source: Text) -> Iterator[tuple[int, str]]:
    """Join the lines of a paragraph, which stand below each other with one indentation."""
    first, text, expected = 0, "", -1
    for number in text_lines(source.lines):
        line = source.lines[number]
        joined = number == expected and _indent(line) == _indent(source.lines[number - 1])
        plain = _ROLE.sub(lambda match: "`" * len(match[0]), line) + "\n"
        if joined:
            text += plain
        else:
            if text:
                yield first, text
            first, text = source.start_of(number), plain
        expected = number + 1
    if text:
        yield first, text


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
