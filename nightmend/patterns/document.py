import ast
from collections.abc import Mapping, Sequence
from functools import cached_property

from nightmend.documents.documents import broken_links, is_document, is_markup, is_readable
from nightmend.documents.link import Link
from nightmend.documents.places import Places
from nightmend.patterns.source import Module


class Document(Module):
    """A Markdown or reStructuredText file of a snapshot: it has links, and an empty syntax tree.

    `moves` says for paths of the past where they are now; `shown_elsewhere` that other documents include it.
    """

    def __init__(
        self,
        path: str,
        content: bytes,
        places: Places,
        moves: Mapping[str, str] | None = None,
        *,
        shown_elsewhere: bool = False,
    ) -> None:
        super().__init__(path, content, ast.Module(body=[], type_ignores=[]), files=places.files)
        self.places = places
        self.moves = moves or {}
        self.shown_elsewhere = shown_elsewhere

    @cached_property
    def broken_links(self) -> dict[int, Link]:
        """The links that surely point to nothing, by their first byte."""
        links = broken_links(self.path, self.content, self.places) if is_document(self.path) else ()
        return {link.start: link for link in links}


def read_source(
    path: str,
    content: bytes,
    *,
    python: tuple[int, int] | None = None,
    files: Sequence[str] | frozenset[str] = (),
    moves: Mapping[str, str] | None = None,
) -> Module | None:
    """Return a file as patterns see it, None for one that they cannot read."""
    if is_markup(path):
        return Document(path, content, Places(files), moves) if is_readable(content) else None
    return Module.parse(path, content, python=python, files=files)
