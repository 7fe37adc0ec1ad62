"""Parameters are found in the three layouts, and nothing else is taken for one."""

import pytest

from nightmend.documents.docstrings import documented

SPHINX = """\
Read.

:param str path: where
:param limit: rows
:type limit: int
:returns: all
"""
GOOGLE = """\
Read.

    Args:
        path (str): where
            more: of it
        *rows: all

    Returns:
        a: b
"""
NUMPY = """\
Read.

Parameters
----------
path, other : str
    Where: there.
limit

Returns
-------
rows : list
"""


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (SPHINX, ["path", "limit", "limit"]),
        (GOOGLE, ["path", "rows"]),
        (NUMPY, ["path", "other", "limit"]),
        ("Read it.\n\nNote: this is no parameter.\n", []),
    ],
)
def test_names_are_found_where_they_stand(text, names):
    for lines in (text, text.replace("\n", "\r\n")):
        found = documented(lines)
        assert [one.name for one in found] == names
        assert [lines[one.start : one.end] for one in found] == names
