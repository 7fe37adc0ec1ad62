"""Links of a reStructuredText document: embedded, named, and those of directives that take a file."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from nightmend.documents.link import Link, Text, split_tail

_DIRECTIVE = re.compile(r"(\s*)\.\.\s+(?:\|[^|]+\|\s+)?([\w:.+-]+)::(?:\s|$)")
_FILE_DIRECTIVE = re.compile(
    r"\s*\.\.\s+(?:\|[^|]+\|\s+)?(?:image|figure|include|literalinclude)::\s+(?P<path>\S+)\s*$"
)
_TARGET = re.compile(r"\s*(?:\.\.\s+_(?:`[^`]+`|(?:\\.|[^:`\\])+):|__)\s+(?P<path>[^\s`][^\s`]*)\s*$")
_EMBEDDED = re.compile(r"(?<![`\w:])`(?P<text>[^`<]*)\s<(?P<path>[^<>`\s]+)>`__?(?!\w)")
_DOWNLOAD = re.compile(r":download:`[^`<]*<(?P<path>[^<>`\s]+)>`")
_LITERAL = re.compile(r"``.+?``")
_COMMENT = re.compile(r"(\s*)\.\.(?:\s+(?!_|__|\[|\||[\w:.+-]+::)|$)")
_PROSE = frozenset(
    {
        "admonition", "attention", "caution", "centered", "class", "compound", "container", "danger",
        "deprecated", "epigraph", "error", "figure", "glossary", "hint", "image", "important", "include",
        "list-table", "literalinclude", "note", "only", "replace", "rubric", "seealso", "sidebar", "tab",
        "table", "tabs", "tip", "todo", "topic", "versionadded", "versionchanged", "warning",
    }
)  # fmt: skip
"""Directives whose content is read as text; that of any other may be code."""


def rst_links(content: bytes) -> list[Link]:
    """Return the relative and absolute destinations of a document that stand on one line each."""
    source = Text(content)
    return [link for number in text_lines(source.lines) for link in _in_line(source, number)]


def _in_line(source: Text, number: int) -> Iterator[Link]:
    line = source.lines[number].removesuffix("\r")
    directive = _FILE_DIRECTIVE.match(line)
    target = directive or _TARGET.match(line)
    if target:
        link = _link(source, number, target, directive is not None)
        if not link.path.endswith("_"):  # an alias of another target
            yield link
        return
    plain = _LITERAL.sub(lambda match: " " * len(match[0]), line)
    for pattern in (_EMBEDDED, _DOWNLOAD):
        for match in pattern.finditer(plain):
            if not match["path"].endswith("_"):
                yield _link(source, number, match, pattern is _DOWNLOAD)


def _link(source: Text, number: int, match: re.Match[str], of_file: bool) -> Link:
    """Make a link; a directive takes a file name, all else an address with percent codes and anchor."""
    start = source.start_of(number)
    path, tail = (match["path"], "") if of_file else split_tail(match["path"])
    path = path if of_file else unquote(path)
    return source.link(number, start + match.start("path"), start + match.end("path"), path, tail, "rst")


def text_lines(lines: list[str]) -> Iterator[int]:
    """Yield the numbers of the lines that are text: no code, comment or content of an unknown directive."""
    skipped_below: int | None = None
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        indent = len(line) - len(line.lstrip())
        if skipped_below is not None and indent > skipped_below:
            continue
        skipped_below = None
        directive = _DIRECTIVE.match(line)
        if (directive and directive[2] not in _PROSE) or _COMMENT.match(line):
            skipped_below = indent
            continue
        yield number
        if not directive and line.rstrip().endswith("::"):
            skipped_below = indent
