"""Links of a Markdown document: a CommonMark parser says which there are, a scan of its lines where."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.common.utils import unescapeAll
from markdown_it.token import Token

from nightmend.documents.link import Link, Style, Text, split_tail

_INLINE = re.compile(r"\]\(\s*(?:<([^<>\n]*)>|((?:\\.|[^\s()<>\\]|\((?:\\.|[^\s()\\])*\))+))")
_DEFINITION = re.compile(r"\[(?:[^\[\]\\]|\\.)+\]:\s*(?:<([^<>\n]*)>|([^\s<]\S*))")
_TAG = re.compile(r"""<(?:a|img)\b[^<>]*?\s(?:href|src)\s*=\s*(?:"([^"&<>]*)"|'([^'&<>]*)')""", re.IGNORECASE)
_SHAPES: dict[re.Pattern[str], tuple[Style, Style]] = {
    _INLINE: ("angle", "markdown"),
    _DEFINITION: ("angle", "markdown"),
    _TAG: ("html", "html"),
}
_TICKS = re.compile(r"\\`|`+")


class _Place(NamedTuple):
    """A destination found by the scan: characters `start:end`, and as the parser would name it."""

    start: int
    end: int
    raw: str
    style: Style


class _Region(NamedTuple):
    first: int
    last: int


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"store_labels": True}).enable("table")


def markdown_links(content: bytes) -> list[Link]:
    """Return the links, images, definitions and HTML tags of a document that the scan surely found."""
    source = Text(content)
    environment: dict[str, Any] = {}
    tokens = _parser().parse(source.text.replace("\r\n", "\n"), environment)
    links = [link for region, wanted in _inline(tokens).items() for link in _within(source, region, wanted)]
    links += [link for reference in _references(environment) for link in _defined(source, reference)]
    links += [
        link for token in tokens if token.type == "html_block" for link in _tags(source, _region(token))
    ]
    unique = {link.start: link for link in links}
    return [unique[start] for start in sorted(unique)]


def possible_links(content: bytes) -> list[Link]:
    """Return all that looks like a link, also in code: a quick look, to spare most documents the parser."""
    source = Text(content)
    return [
        _link(source, _Place(*match.span(group), match[group], style))
        for pattern, styles in _SHAPES.items()
        for match in pattern.finditer(source.text)
        for group, style in enumerate(styles, 1)
        if match[group] is not None
    ]


def headings(content: bytes) -> list[str]:
    """Return the text of each heading, as a reader sees it."""
    tokens = _parser().parse(Text(content).text.replace("\r\n", "\n"), {})
    return [
        "".join(child.content for child in inline.children or () if child.type in {"text", "code_inline"})
        for opening, inline in pairwise(tokens)
        if opening.type == "heading_open"
    ]


def prose(content: bytes) -> Iterator[tuple[int, str]]:
    """Yield each run of text with the index of its first character; code in it is all backticks."""
    source = Text(content)
    for token in _parser().parse(source.text.replace("\r\n", "\n"), {}):
        if token.type == "inline" and token.map:
            start, end = (source.start_of(line) for line in token.map)
            text = source.text[start:end]
            pairs = zip(text, without_code(text), strict=True)
            yield start, "".join(plain if plain == sign else "`" for sign, plain in pairs)


def _inline(tokens: Iterable[Token]) -> dict[_Region, Counter[str]]:
    """Return what the parser found in each run of lines: destinations of links, `<` for HTML tags."""
    found: dict[_Region, Counter[str]] = {}
    for token in tokens:
        if token.type == "inline" and token.map:
            wanted = found.setdefault(_region(token), Counter())
            wanted.update(_destinations(token.children or ()))
    return found


def _destinations(children: Iterable[Token]) -> Iterator[str]:
    for child in children:
        if child.type == "html_inline":
            yield "<"
        elif child.type in {"link_open", "image"} and child.info != "auto" and "label" not in child.meta:
            yield str(child.attrGet("href" if child.type == "link_open" else "src"))
        yield from _destinations(child.children or ())


def _region(token: Token) -> _Region:
    first, last = token.map or (0, 0)
    return _Region(first, last)


def _references(environment: dict[str, Any]) -> list[dict[str, Any]]:
    return list(environment.get("references", {}).values())


def _within(source: Text, region: _Region, wanted: Counter[str]) -> Iterator[Link]:
    """Yield the links of some lines, but those that the scan sees more or less often than the parser."""
    places = list(_places(source, region, _INLINE))
    seen = Counter(_name(place) for place in places)
    for place in places:
        if seen[_name(place)] == wanted[_name(place)]:
            yield _link(source, place)
    if wanted["<"]:
        yield from _tags(source, region)


def _defined(source: Text, reference: dict[str, Any]) -> Iterator[Link]:
    region = _Region(*reference["map"])
    places = list(_places(source, region, _DEFINITION))
    if len(places) == 1 and _name(places[0]) == reference["href"]:
        yield _link(source, places[0])


def _tags(source: Text, region: _Region) -> Iterator[Link]:
    for place in _places(source, region, _TAG):
        yield _link(source, place)


def _places(source: Text, region: _Region, pattern: re.Pattern[str]) -> Iterator[_Place]:
    start, end = source.start_of(region.first), source.start_of(region.last)
    text = source.text[start:end]
    for match in pattern.finditer(without_code(text) if "`" in text or "<!" in text else text):
        group = 1 if match[1] is not None else 2
        first, last = match.span(group)
        yield _Place(start + first, start + last, match[group], _SHAPES[pattern][group - 1])


def without_code(text: str) -> str:
    """Blank code spans and comments, so that everything else keeps its place."""
    kept = list(text)
    for start, end in (
        *_code_spans(text),
        *(match.span() for match in re.finditer(r"<!--.*?-->", text, re.S)),
    ):
        kept[start:end] = " " * (end - start)
    return "".join(kept)


def _code_spans(text: str) -> Iterator[tuple[int, int]]:
    runs: Sequence[re.Match[str]] = [run for run in _TICKS.finditer(text) if not run[0].startswith("\\")]
    position = 0
    for number, run in enumerate(runs):
        if run.start() < position:
            continue
        closing = next((other for other in runs[number + 1 :] if other[0] == run[0]), None)
        if closing:
            position = closing.end()
            yield run.start(), position


def _name(place: _Place) -> str:
    """Name a destination as the parser does."""
    return _parser().normalizeLink(unescapeAll(place.raw))


def _link(source: Text, place: _Place) -> Link:
    plain = place.raw if place.style == "html" else unescapeAll(place.raw)
    path, tail = split_tail(plain)
    raw_tail = place.raw[len(place.raw) - len(split_tail(place.raw)[1]) :] if tail else ""
    line = source.line_of(place.start)
    return source.link(line, place.start, place.end, unquote(path), raw_tail, place.style)
