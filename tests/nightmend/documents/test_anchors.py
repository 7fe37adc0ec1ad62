"""Anchors as GitHub makes them, and every other that may be meant."""

import pytest

from nightmend.documents.anchors import bare, github_slug, known_anchors, slugs


@pytest.mark.parametrize(
    ("heading", "slug"),
    [
        ("Getting started", "getting-started"),
        ("What's new?", "whats-new"),
        ("A & b", "a--b"),
        ("snake_case", "snake_case"),
        ("\N{ROCKET} Launch", "-launch"),
        ("Größe", "größe"),
    ],
)
def test_a_heading_becomes_its_anchor(heading, slug):
    assert github_slug(heading) == slug


def test_headings_of_one_name_are_counted():
    assert slugs(b"# Use\n\n## `use` it\n\n## Use\n\nUse\n---\n") == ["use", "use-it", "use-1", "use-2"]


def test_code_has_no_headings_and_html_has():
    assert slugs(b"```\n# no\n```\n\n<h2>Yes <b>it</b></h2>\n") == ["yes-it"]


def test_all_that_may_be_meant_is_known():
    known = known_anchors(b'## A & b\n\n## Use\n\n## Use\n\n<a name="Here"></a>\n\n## Other {#there}\n')
    assert known >= {"a--b", "a-b", "use", "use-1", "use_1", "here", "there"}


def test_what_writers_get_wrong_is_left_out():
    assert bare("How_It-works!") == bare("how-it-works")
