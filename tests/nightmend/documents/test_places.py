"""When a link is broken for certain, and when its new place is."""

import pytest

from nightmend.documents.documents import broken_links, is_document, pointed, shown_elsewhere
from nightmend.documents.places import Places, new_place

FILES = [
    "README.md", "docs/index.md", "docs/guide/start.md", "docs/guide/img/flow.png", "docs/Api.md",
    "agents/core/base.py", "tests/test_base.py", "a b/c.md",
]  # fmt: skip
MOVES = {
    "docs/intro.md": "docs/guide/start.md",
    "flow.png": "docs/guide/img/flow.png",
    "docs/old/x.md": "docs/guide/x.md",
}


def is_broken(destination, document="docs/index.md", files=(), links=()):
    places = Places([*FILES, *files], links)
    return bool(broken_links(document, f"[text]({destination})".encode(), places))


def mended(destination, document="docs/index.md", moves=None, files=(), by_name=True):
    """The destination of the only link of a document, once mended; None where it stays."""
    content = f"[text]({destination})".encode()
    places = Places([*FILES, *files])
    [link] = broken_links(document, content, places)
    place = new_place(document, link, places, moves or {}, by_name=by_name)
    edit = None if place is None else pointed(document, link, place)
    return edit and edit.text


@pytest.mark.parametrize(
    "destination", ["gone.md", "../gone/x.py", "Guide/start.md", "guide/start.rst", "a%20b.md"]
)
def test_broken(destination):
    assert is_broken(destination)


@pytest.mark.parametrize(
    "destination",
    [
        "guide/start.md", "./guide/start.md#top", "guide/", "guide", "..", "../README.md?plain=1",
        "../a%20b/c.md", "guide/start", "https://example.org/x.md", "mailto:x.md", "#x.md", "/x.md",
        "//x.md", "{{ x }}.md", "{x}.md", "$X/x.md", "../../x.md", "url", "path/to/thing",
        "www.example.org", "example.com/x.md", "...",
        "built/index.html", "paper.pdf", "*.md", "C:/x.md", "~/x.md",
    ],
)  # fmt: skip
def test_not_broken(destination):
    assert not is_broken(destination)


def test_what_lies_below_a_link_or_submodule_is_unknown():
    assert is_broken("vendor/x.md")
    assert not is_broken("vendor/x.md", links=["docs/vendor"])


@pytest.mark.parametrize(
    ("destination", "moves", "result"),
    [
        ("intro.md#a", MOVES, "guide/start.md#a"),
        ("./intro.md", MOVES, "./guide/start.md"),
        ("../flow.png", MOVES, "guide/img/flow.png"),
        ("../agents/base.py", {}, "../agents/core/base.py"),
        ("api.md", {}, "Api.md"),
        ("start.md", {}, "guide/start.md"),
        ("c.md", {}, "../a%20b/c.md"),
        ("old/x.md", MOVES, None),  # it moved, and is gone since
        ("gone.md", {}, None),
        ("README.md", {}, None),
        ("test_base.py", {}, None),
        ("other/start.md", {}, None),
    ],
)
def test_new_places(destination, moves, result):
    assert mended(destination, moves=moves) == result


def test_links_of_a_moved_document_start_from_its_old_folder():
    moves = {"docs/start.md": "docs/guide/start.md"}
    assert mended("../agents/core/base.py", "docs/guide/start.md", moves) == "../../agents/core/base.py"
    assert mended("Api.md", "docs/guide/start.md", moves) == "../Api.md"


def test_a_folder_that_moved_as_a_whole():
    moves = {"core/a.py": "agents/core/a.py", "core/base.py": "agents/core/base.py"}
    files = ["old/core/x.py"]
    assert mended("../core", moves=moves, files=files) == "../agents/core"
    assert mended("../core/", moves=moves, files=files) == "../agents/core/"
    assert mended("../core", files=files) is None


def test_history_that_says_two_things_says_nothing():
    moves = {"docs/page.md": "docs/guide/start.md", "page.md": "docs/Api.md", "index.md": "docs/index.md"}
    assert mended("page.md", moves=moves) is None


def test_history_goes_before_names():
    moves = {"docs/start.md": "docs/Api.md"}
    assert mended("start.md", moves=moves) == "Api.md"


def test_two_files_of_a_name_leave_a_doubt_but_for_their_folders():
    files = ["old/guide/extra.md", "new/guide/extra.md"]
    assert mended("extra.md", files=files) is None
    assert mended("../agents/base.py", files=["lib/base.py"]) is None
    assert mended("new/guide/extra.md", files=files) == "../new/guide/extra.md"


def test_names_are_not_asked_of_a_document_that_is_shown_elsewhere():
    assert mended("start.md", by_name=False) is None
    assert mended("intro.md", moves=MOVES, by_name=False) == "guide/start.md"
    contents = {"a.rst": b".. include:: ../README.md\n", "b.md": b'--8<-- "docs/part.md"\n[x](y.md)\n'}
    assert shown_elsewhere(contents) == {"README.md", "part.md"}


@pytest.mark.parametrize(
    ("path", "result"),
    [
        ("README.md", True), ("docs/a.rst", True), ("a.MARKDOWN", True), ("docs/a.txt", False),
        ("docs/includes/a.md", False), ("docs/_partial.md", False), ("tests/data/a.md", False),
        (".github/PULL_REQUEST_TEMPLATE.md", False), (".github/workflows/README.md", True),
        ("{{cookiecutter.x}}/README.md", False), ("templates/a.md", False),
    ],
)  # fmt: skip
def test_documents(path, result):
    assert is_document(path) is result
