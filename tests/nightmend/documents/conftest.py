from collections.abc import Callable

import pytest

from nightmend.documents.documents import links_of

Pointed = Callable[..., list[str]]


@pytest.fixture
def pointed_at() -> Pointed:
    """Return the destinations of a document as they stand in it, each by the bytes that the link names."""

    def read(text: str, path: str = "page.md") -> list[str]:
        content = text.encode()
        return [content[link.start : link.end].decode() for link in links_of(path, content)]

    return read
