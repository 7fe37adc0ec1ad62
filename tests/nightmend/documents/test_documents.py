from nightmend.documents.documents import shown_elsewhere


def test_documents_that_another_one_includes_are_known_by_name() -> None:
    contents = {
        "a.md": b'--8<-- "parts/first.md"\nsee other.md\n',
        "b.rst": b".. include:: ../second.rst\n",
        "c.md": b"{% include third.md %} and fourth.md\n",
    }
    assert shown_elsewhere(contents) == {"first.md", "second.rst", "third.md", "fourth.md"}


def test_what_no_person_wrote_is_read_in_one_pass() -> None:
    assert shown_elsewhere({"a.md": b"include x." * 200_000 + b"\n" + b"a.b-" * 200_000}) == frozenset()
