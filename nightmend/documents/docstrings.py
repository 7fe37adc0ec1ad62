"""The parameters that a docstring documents, in the three usual layouts."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_FIELD = re.compile(
    r"^[ \t]*:(?:param|parameter|arg|argument|type)[ \t]+(?:[^:\n]*[ \t])?(\*{0,2}\w+)[ \t]*:", re.M
)
_GOOGLE = re.compile(r"^([ \t]*)(?:Args|Arguments|Parameters):[ \t\r]*$", re.M)
_NUMPY = re.compile(r"^([ \t]*)(?:Other )?Parameters[ \t\r]*\n\1-{4,}[ \t\r]*$", re.M)
_GOOGLE_ENTRY = re.compile(r"(\*{0,2}\w+)[ \t]*(?:\([^\n]*\))?[ \t]*:(?=\s)")
_NUMPY_ENTRY = re.compile(r"(\*{0,2}\w+(?:[ \t]*,[ \t]*\*{0,2}\w+)*)[ \t\r]*(?::|$)", re.M)
_WORD = re.compile(r"\w+")


class Documented(NamedTuple):
    """A parameter's name as it stands in a text: characters `start:end`."""

    name: str
    start: int
    end: int


def documented(text: str) -> list[Documented]:
    """Return each name that a docstring documents as a parameter, in turn; a name may come twice."""
    found = [Documented(match[1].strip("*"), *_plain(match, 1)) for match in _FIELD.finditer(text)]
    for head, entry in ((_GOOGLE, _GOOGLE_ENTRY), (_NUMPY, _NUMPY_ENTRY)):
        for section in head.finditer(text):
            found += _entries(text, section, entry)
    return sorted(set(found), key=lambda one: one.start)


def _entries(text: str, section: re.Match[str], entry: re.Pattern[str]) -> Iterator[Documented]:
    """Yield the names of the lines that are indented as the first one below the head is."""
    outer, inner = len(section[1]), None
    position = section.end() + 1
    for line in text[section.end() + 1 :].splitlines(keepends=True):
        indent = len(line) - len(line.lstrip())
        if line.strip():
            inner = indent if inner is None else inner
            deeper = entry is _GOOGLE_ENTRY
            if indent < inner or (indent <= outer if deeper else _is_head(text, position)):
                return
            match = entry.match(line.rstrip(), indent) if indent == inner else None
            for word in _WORD.finditer(match[1]) if match else ():
                start = position + match.start(1) + word.start() if match else 0
                yield Documented(word[0], start, start + len(word[0]))
        position += len(line)


def _is_head(text: str, position: int) -> bool:
    """Say whether the line at a position is the title of another section."""
    lines = text[position:].splitlines()
    return len(lines) > 1 and re.fullmatch(r"\s*-{3,}\s*", lines[1]) is not None


def _plain(match: re.Match[str], group: int) -> tuple[int, int]:
    return match.start(group) + match[group].count("*"), match.end(group)
