"""What a server on another machine sees of a night: numbers and names, and nothing that the target wrote."""

from nightmend.report.numbers import numbers_only
from nightmend.report.pull_request import pull_request
from tasks.tell import agents, gates

TEXT = "wr1tten-by-the-target"


def report_with_text(report_of):
    report = report_of(TEXT)
    repairs = tuple(one.model_copy(update={"pattern": "csv-without-newline"}) for one in report.repairs)
    own = {"target": "/home/shop", "branch": "nightmend/x", "repairs": repairs, "python": "/usr/bin/python"}
    tests = report.tests.model_copy(update={"usable": False, "reason": TEXT})
    return report.model_copy(update={**own, "tests": tests})


def test_no_text_of_the_target_is_left(report_of):
    report = report_with_text(report_of)
    assert TEXT in pull_request(report)
    known = numbers_only(report).model_dump_json().replace(f'"pylint {TEXT}"', "")
    assert TEXT not in known
    assert TEXT not in pull_request(numbers_only(report))
    assert TEXT not in str([*gates(numbers_only(report)), *agents(numbers_only(report))])


def test_the_numbers_and_the_names_stay(report_of):
    report = report_with_text(report_of)
    shown = pull_request(numbers_only(report))
    assert "| csv without newline | 1 | 1 | 1 C |" in shown
    assert "told in the report, and not to this Prefect server" in shown
    assert gates(numbers_only(report)) == gates(report)
    assert agents(numbers_only(report)) == agents(report)
