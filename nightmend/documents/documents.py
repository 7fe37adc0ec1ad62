"""From documents to findings, and from findings to edits."""

import posixpath
import re
from collections.abc import Callable, Mapping
from urllib.parse import quote

from nightmend.documents.link import Link
from nightmend.documents.markdown import markdown_links, possible_links
from nightmend.documents.places import Places, broken
from nightmend.documents.rst import rst_links
from nightmend.repairs.repair import Edit
from nightmend.targets.protected import is_test

READERS: Mapping[str, Callable[[bytes], list[Link]]] = {
    ".md": markdown_links,
    ".markdown": markdown_links,
    ".rst": rst_links,
}


_FRAGMENT = re.compile(
    r"(^|/)(_?includes?|_?snippets?|_?partials?|fragments?|_?templates?|changelog\.d|news(fragments)?)/|(^|/)_[^/]*$"
    r"|^\.github/(issue|pull_request|discussion)_template|\{",
    re.IGNORECASE,
)
"""Documents that are shown in another place than their own, so that their links are read from there."""
_INCLUDING = re.compile(rb"(?:include|--8<--)([^\n]*)", re.IGNORECASE)
_NAME = re.compile(rb"(?<![\w.-])[\w.-]+\.(?:md|markdown|rst)\b", re.IGNORECASE)


def is_markup(path: str) -> bool:
    """Say whether a file has a format that we can read links of."""
    return _suffix(path) in READERS


def is_document(path: str) -> bool:
    """Say whether a file is a document whose links are read from where it stands, and no test's."""
    return is_markup(path) and not _FRAGMENT.search(path) and not is_test(path)


def links_of(path: str, content: bytes) -> list[Link]:
    """Return the links of a document; none where it is not UTF-8 or its line ends are of no system."""
    return READERS[_suffix(path)](content) if is_readable(content) else []


def broken_links(path: str, content: bytes, places: Places) -> list[Link]:
    """Return the links of a document that surely point to nothing."""
    if _suffix(path) != ".rst" and is_readable(content) and not broken(path, possible_links(content), places):
        return []
    return broken(path, links_of(path, content), places)


def shown_elsewhere(contents: Mapping[str, bytes]) -> frozenset[str]:
    """Return the names of the files that some document includes, which may be read from there."""
    return frozenset(
        name.decode()
        for content in contents.values()
        for line in _INCLUDING.findall(content)
        for name in _NAME.findall(line)
        if name.isascii()
    )


def _suffix(path: str) -> str:
    return posixpath.splitext(path)[1].lower()


def is_readable(content: bytes) -> bool:
    """Say whether a document is UTF-8 text with the line ends of some system."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in content and b"\r" not in content.replace(b"\r\n", b"")


def pointed(document: str, link: Link, place: str) -> Edit | None:
    """Return the edit that lets a link point to a place; None where the place cannot be written there."""
    relative = posixpath.relpath(place or ".", posixpath.dirname(document) or ".")
    if link.path.startswith("./") and not relative.startswith("../"):
        relative = f"./{relative}"
    if link.path.endswith("/"):
        relative += "/"
    written = _written(relative, link)
    return (
        None
        if written is None
        else Edit(path=document, start=link.start, end=link.end, text=written + link.tail)
    )


def _written(path: str, link: Link) -> str | None:
    """Write a path the way the style of a link asks for; letters beyond ASCII stay readable."""
    plain = all(sign.isalnum() or sign in "/._-+~,=@!" for sign in path)
    if plain:
        return path
    if link.style == "rst":
        return None
    return "".join(sign if sign.isalnum() else quote(sign, safe="/._-+~,=@!") for sign in path)
