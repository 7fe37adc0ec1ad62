"""Anchors of a Markdown document: those that its headings get, and those that it names itself."""

import re
from collections import Counter
from collections.abc import Iterable

from nightmend.documents.markdown import headings

_NAMED = re.compile(r"""\b(?:id|name)\s*=\s*["']([^"']+)["']|\{:?\s*#([\w:.-]+)""")
_HTML_HEADING = re.compile(r"<h[1-6][^>]*>(.*?)</h[1-6]>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")


def slugs(content: bytes) -> list[str]:
    """Return the anchor of each heading in turn, as GitHub makes it."""
    seen: Counter[str] = Counter()
    found = []
    for text in _titles(content):
        slug = github_slug(text)
        found.append(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found


def known_anchors(content: bytes) -> frozenset[str]:
    """Return every anchor that some site generator may make of the document, in lower case."""
    text = content.decode()
    named = (first or second for first, second in _NAMED.findall(text))
    titles = list(_titles(content))
    return frozenset(
        one.lower() for one in (*slugs(content), *named, *map(_collapsed, titles), *_numbered(titles))
    )


def github_slug(text: str) -> str:
    """Make the anchor of a heading as GitHub does."""
    return re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")


def bare(anchor: str) -> str:
    """Reduce an anchor to its letters and digits, which writers rarely get wrong."""
    return re.sub(r"[\W_]", "", anchor.lower())


def _titles(content: bytes) -> Iterable[str]:
    yield from headings(content)
    for title in _HTML_HEADING.findall(content.decode()):
        yield _TAG.sub("", title)


def _collapsed(text: str) -> str:
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", text).strip().lower())


def _numbered(titles: Iterable[str]) -> Iterable[str]:
    """Generators other than GitHub's count repeated headings as `title_1`."""
    seen: Counter[str] = Counter()
    for title in map(_collapsed, titles):
        yield f"{title}_{seen[title]}" if seen[title] else title
        seen[title] += 1
