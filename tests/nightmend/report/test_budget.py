"""What waits is told apart from what ships and from what was rolled back."""

import pytest

from nightmend.report import story
from nightmend.report.html import render
from nightmend.report.model import ShipmentReport
from nightmend.report.pull_request import pull_request


@pytest.fixture
def report(report_of):
    told = report_of("plain")
    waits = {"id": "d" * 12, "pattern": "bare-except", "commit": None, "waits": "the budget is spent"}
    waiting = told.repairs[0].model_copy(update=waits)
    shipment = ShipmentReport(
        max_commits=1, max_lines=400, commits=1, lines=2, repairs=1, waiting=1, gates=()
    )
    return told.model_copy(update={"repairs": (*told.repairs, waiting), "shipment": shipment})


def test_what_waits_is_neither_shipped_nor_declined(report):
    assert [repair.id for repair in story.kept(report)] == ["a" * 12]
    assert [theme.pattern for theme in story.themes(report)] == ["csv-without-newline-plain"]
    [group] = story.waiting(report)
    assert (group.pattern, group.reason, len(group.repairs)) == ("bare-except", "the budget is spent", 1)
    assert "bare-except" not in {group.pattern for group in story.declined(report)}
    assert story.headline(report).startswith("1 repair kept in 1 file")


def test_the_pull_request_names_the_budget_and_what_waits(report):
    body = pull_request(report)
    section = body.partition("### What waits\n")[2].partition("###")[0]
    assert "The review budget is 1 commit and 400 lines: the gravest and best proved 1 repair" in section
    assert "1 more repair kept, for a later night." in section
    assert "- 1 repair of bare except: the budget is spent" in section


def test_the_page_shows_it_with_its_diff(report, diffs_of):
    page = render(report, {**diffs_of("plain"), "d" * 12: "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+waiting\n"})
    section = page.partition('<h2 id="waits">')[2].partition("<h2")[0]
    assert "the budget is spent" in section
    assert f'id="repair-{"d" * 12}"' in section
    assert "+waiting" in section
    assert '<a href="#waits">1 wait</a>' in page


def test_what_the_time_left_untried_is_named_first_and_by_pattern(report_of):
    told = report_of("plain")
    untried = {
        "id": "e" * 12,
        "verdict": "unreached",
        "reason": "the time of the night was over",
        "grade": None,
    }
    left = told.model_copy(update={"repairs": (*told.repairs, told.repairs[0].model_copy(update=untried))})
    sentence = "The time was over before 1 repair could be tried; the next night begins with them."
    assert story.time_sentence(left) == sentence
    body, page = pull_request(left), render(left, {})
    assert sentence in body
    assert "- unreached, 1 repair of csv without newline plain: the time of the night was over" in body
    assert f'<div class="alarm caution"><p>{sentence}</p></div>' in page
    assert "<i>Unreached</i>" in page
    assert story.time_sentence(told) == ""
    assert "Unreached" not in render(told, {})


def test_without_a_budget_nothing_waits(report_of):
    told = report_of("plain")
    assert story.waiting(told) == ()
    assert story.budget_sentence(told) == ""
    assert "What waits" not in pull_request(told)
