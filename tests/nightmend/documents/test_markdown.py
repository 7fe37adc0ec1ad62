"""Links of Markdown: what a reader of the rendered page could follow, and where each stands to the byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightmend.documents.documents import links_of
from nightmend.documents.markdown import markdown_links, possible_links


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[a](x.md)", ["x.md"]),
        ("ä € [ü](ö.md) 👍 [b](y.md)", ["ö.md", "y.md"]),
        ("[a](x.md \"title\") [b](x.md 't') [c]( <y z.md> )", ["x.md", "x.md", "y z.md"]),
        ("![a](x.png)", ["x.png"]),
        ("[![a](x.png)](y.md)", ["x.png", "y.md"]),
        ("[a](x.md#b?c)", ["x.md#b?c"]),
        ("[a](x(1).md) [b](x\\).md)", ["x(1).md", "x\\).md"]),
        ("[a]\n\n[a]: x.md 'title'", ["x.md"]),
        ("[a][]\n\n[a]:\n  <x y.md>\n", ["x y.md"]),
        ("> - [a]\n>\n>   [a]: x.md\n", ["x.md"]),
        ("| a | b |\n| - | - |\n| [a](x.md) | ![b](y.png) |", ["x.md", "y.png"]),
        ("- [ ] [a](x.md)\n  - [b](y.md)\n", ["x.md", "y.md"]),
        ("1. # [a](x.md)\n", ["x.md"]),
        ("[a\nb](x.md)", ["x.md"]),
        ('<img src="x.png" width="3">\n\ntext <a class=b href=\'y.md\'>y</a>', ["x.png", "y.md"]),
        ("<p>\n<img src='x.png'/>\n</p>\n", ["x.png"]),
        ("[a](x.md)\r\n\r\n[b](y.md)\r\n", ["x.md", "y.md"]),
        ("\ufeff[a](x.md)", ["x.md"]),
        ("a\u2028b\x0c [a](x.md)\n\n[b](y.md)", ["x.md", "y.md"]),
    ],
)
def test_found(text, found, pointed_at):
    assert pointed_at(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "`[a](x.md)`",
        "`` ` [a](x.md) ``",
        "    [a](x.md)",
        "```\n[a](x.md)\n```",
        "~~~md\n[a](x.md)\n~~~",
        "- a\n\n      [a](x.md)\n",
        "<!-- [a](x.md) -->",
        "text <!-- <img src='x.png'> --> text",
        "\\[a](x.md)",
        "[a] (x.md)",
        "[a](x y.md)",
        "`a [b](x.md)` c`",
        "<https://example.org/x.md>",
        "[a]: x.md is text",
        "",
    ],
)
def test_not_found(text, pointed_at):
    assert pointed_at(text) == []


def test_a_link_beside_the_same_in_code_is_found_alone():
    [link] = markdown_links(b"`[a](x.md)` and [a](x.md)")
    assert (link.start, link.line, link.column) == (20, 1, 21)


def test_where_the_scan_and_the_parser_differ_nothing_is_said():
    assert markdown_links(b"a](x.md) [a](x.md)") == []


def test_percent_codes_and_escapes_are_undone():
    [link] = markdown_links(rb"[a](my%20page\_1.md#an%20chor)")
    assert (link.path, link.tail) == ("my page_1.md", "#an%20chor")


def test_lines_and_columns_count_from_one():
    [link] = markdown_links("# Tïtle\n\ntéxt [a](x.md)\n".encode())
    assert (link.line, link.column, link.start) == (3, 10, 20)


@pytest.mark.parametrize("content", [b"[a](x.md)\xff", b"[a](x.md)\0", b"[a](x.md)\rtext"])
def test_what_is_no_text_has_no_links(content):
    assert links_of("page.md", content) == []


@given(st.text(alphabet="[]()!<>`\\ \n#:\"'ab.-|&;/é", max_size=60))
def test_whatever_is_found_was_possible_and_stands_where_it_says(text):
    content = text.encode()
    possible = {link.start: link for link in possible_links(content)}
    for link in markdown_links(content):
        assert possible[link.start] == link
        assert content[: link.start].count(b"\n") == link.line - 1
