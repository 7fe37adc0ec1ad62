"""Prose stands where it stands in the document, and code is no prose."""

from nightmend.documents.prose import prose

MARKDOWN = "# Größe\n\nThe `the` size\nof all.\n\n    the the\n\n- one `a` two\n"
RST = """\
Größe
=====

The ``the`` size
of :func:`all`.

.. code-block:: python

   the the

More::

   the
"""


def placed(path, text):
    content = text.encode()
    for start, run in prose(path, content):
        assert content[start:].decode().startswith(run[:1])
        yield run


def test_markdown_has_headings_paragraphs_and_lists():
    runs = list(placed("a.md", MARKDOWN))
    assert [run.rstrip("\n") for run in runs] == ["# Größe", "The ````` size\nof all.", "- one ``` two"]


def test_restructured_text_joins_the_lines_of_a_paragraph():
    runs = list(placed("a.rst", RST))
    assert runs[1:] == ["The ``````` size\nof ```````````.\n", "More::\n"]
