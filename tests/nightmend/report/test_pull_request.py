"""The pull request is Markdown in which nothing of the target is markup, and nobody is notified."""

import re

import pytest
from markdown_it import MarkdownIt

from nightmend.report.pull_request import LONGEST, code, plain, pull_request

HOSTILE = [
    "<script>alert(1)</script>",
    "[text](http://example.org)",
    "![text](http://example.org/x.png)",
    "`code` | ``` | cell |",
    "**bold** _soft_ ~~gone~~",
    "line\n\n# heading\n\n- item",
    "<!-- hidden -->",
    "[ref]: http://example.org",
    "\\`",
]


def tokens(text):
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text):
        yield token.type
        yield from (child.type for child in token.children or ())


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_a_target_is_never_markup(text, report_of):
    texts = {"text", "text_special"}  # an escaped sign is a token of its own
    plain_ones = [kind for kind in tokens(pull_request(report_of("plain"))) if kind not in texts]
    hostile = [kind for kind in tokens(pull_request(report_of(text))) if kind not in texts]
    assert hostile == plain_ones


def test_nobody_is_mentioned_and_no_issue_is_linked(report_of):
    body = re.sub(r"`[^`]*`", "", pull_request(report_of("@octocat fixes #12 https://example.org")))
    assert "octocat" in body
    for active in ("@octocat", " #12", "https://"):
        assert active not in body


def test_it_says_what_changed_why_and_how_to_take_it_back(report_of):
    body = pull_request(report_of("x"))
    for said in (
        "## 1 repair kept in 1 file, by 1 agent.",
        "The tests are no worse: 214 passed before (3 failed, 1 with an error), 214 after (3 failed",
        "| csv without newline x | 1 | 1 | 1 C | `cccccccccccc` |",
        "- **C**: tests run the changed lines",
        "goal `docs` is not met: 61.25 of 90",
        "- rolled back, 1 repair of csv without newline x: it breaks x",
        "`git branch -D nightmend/x`",
    ):
        assert said in body


def test_a_huge_night_fits(report_of):
    told = report_of("x")
    many = tuple(
        told.repairs[number % 3].model_copy(update={"pattern": f"pattern-{number}", "reason": "y" * 3000})
        for number in range(3000)
    )
    body = pull_request(told.model_copy(update={"repairs": many}))
    assert len(body) <= LONGEST + 100
    assert body.count("\n| ") <= 70


def test_a_code_span_cannot_be_left():
    assert code("a`b``c") == "```a`b``c```"
    assert code("`a`") == "`` `a` ``"
    assert code("") == "`  `"
    assert "\n" not in code("a\nb")


def test_plain_text_stays_on_its_line():
    assert plain("a\nb\r\nc\u2028d") == "a b c d"
