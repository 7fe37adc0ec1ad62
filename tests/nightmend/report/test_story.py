import pytest

from nightmend.proof.quarantine import Quarantined
from nightmend.report import story
from nightmend.report.html import render
from nightmend.report.model import EnvironmentReport, MissingReport, TestCounts
from nightmend.report.pull_request import pull_request


def test_worse_tests_are_called_worse(report_of):
    told = report_of("x")
    for after in (TestCounts(passed=213, failed=3, errors=1), TestCounts(passed=214, failed=3, errors=2)):
        tests = told.tests.model_copy(update={"after": after})
        sentence = story.tests_sentence(told.model_copy(update={"tests": tests}))
        assert sentence.startswith("The tests are WORSE: 214 passed before")


def test_tests_that_cannot_judge_say_why(report_of):
    told = report_of("x")
    tests = told.tests.model_copy(update={"usable": False, "reason": "pytest is missing"})
    said = story.tests_sentence(told.model_copy(update={"tests": tests}))
    assert said == "The tests could not judge: pytest is missing."


def test_nothing_is_said_to_be_steady_only_that_no_difference_was_seen(report_of):
    told = report_of("x")
    quiet = told.tests.model_copy(update={"unsteady": (), "quarantined": (), "runs": 2, "note": ""})
    assert story.steadiness_sentence(told.model_copy(update={"tests": quiet})) == (
        "No difference was seen in 2 runs before any change, in the suite's own order and in another "
        "(seed 7, PYTHONHASHSEED=8)."
    )
    random = quiet.model_copy(update={"random_seed": 0})
    assert story.steadiness_sentence(told.model_copy(update={"tests": random})).endswith(
        " pytest-randomly began each test with the seed 0."
    )
    one_order = quiet.model_copy(update={"order_seed": 0})
    assert story.steadiness_sentence(told.model_copy(update={"tests": one_order})) == (
        "No difference was seen in 2 runs before any change (also with PYTHONHASHSEED=8)."
    )
    never = quiet.model_copy(update={"runs": 0})
    assert story.steadiness_sentence(told.model_copy(update={"tests": never})) == ""


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"cause": "flaky"}, "ended in two ways in the same order (seed 3, PYTHONHASHSEED=4)"),
        ({"cause": "hash_seed"}, "ends otherwise with PYTHONHASHSEED=4, in the suite's own order"),
        ({"cause": "order", "needs": "b"}, "depends on the order: fails alone, passes behind b"),
        (
            {"cause": "order"},
            "depends on the order (seed 3); no single test was found that decides it",
        ),
    ],
)
def test_what_was_found_out_about_a_quarantined_test(found, said):
    one = Quarantined(test="a", order_seed=3, hash_seed=4, **found)
    assert story.quarantine_reason(one) == said


def test_themes_gather_a_pattern_and_leave_out_what_was_not_kept(report_of):
    told = report_of("x")
    second = told.repairs[0].model_copy(
        update={"id": "d" * 12, "files": ("other.py",), "grade": "D", "commit": "e" * 40}
    )
    [theme] = story.themes(told.model_copy(update={"repairs": (*told.repairs, second)}))
    assert (theme.files, theme.grades, len(theme.repairs)) == (2, "1 C, 1 D", 2)
    assert theme.commits == ("c" * 40, "e" * 40)


def test_what_was_rolled_back_comes_first(report_of):
    told = report_of("x")
    turned = told.model_copy(update={"repairs": told.repairs[::-1]})
    assert [group.verdict for group in story.declined(turned)] == ["rolled back", "refused"]


def test_reasons_that_differ_in_the_repair_they_name_are_one(report_of):
    told = report_of("x")
    other = told.repairs[2].model_copy(update={"reason": "it overlaps repair 0123456789ab of x"})
    groups = story.declined(told.model_copy(update={"repairs": (told.repairs[2], other)}))
    assert [(group.reason, len(group.repairs)) for group in groups] == [("it overlaps a repair of x", 2)]


def test_claims_of_a_repair_that_did_not_parse(report_of):
    told = report_of("x").repairs[0]
    nothing = dict.fromkeys(("issue_gone", "lines_reached", "speed"))
    evidence = told.evidence.model_copy(update={"parses": False, **nothing})
    [claim] = story.claims(told.model_copy(update={"evidence": evidence}))
    assert (claim.mark, claim.text) == ("no", "the result does not parse")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "0.0 s"),
        (59.4, "59.4 s"),
        (60, "1 min 0 s"),
        (59.97, "1 min 0 s"),
        (3599.9, "1 h 0 min"),
        (7260, "2 h 1 min"),
    ],
)
def test_durations(seconds, said):
    assert story.duration(seconds) == said


@pytest.mark.parametrize(
    ("measured", "said"),
    [(11.0, "11"), (0.0, "0"), (61.25, "61.25"), (100.0, "100"), ("PASS", "PASS"), (None, "unknown")],
)
def test_values(measured, said):
    assert story.value(measured) == said


def test_long_lists_name_the_first_and_count_the_rest():
    assert story.listed("abcdefg") == "a, b, c, d, e and 2 more"
    assert story.listed("ab") == "a, b"


def test_what_the_tests_did_not_have_is_said_first(report_of):
    told = report_of("x")
    assert story.first_sentences(told) == ()
    tests = told.tests.model_copy(update={"could_not_run": 3, "counted": 20, "wants": {"a network": 3}})
    missing = (MissingReport(requirement="glass>=2", path="pyproject.toml", why="nobody has it"),)
    built = EnvironmentReport(packages=7, seconds=3, missing=missing, note="its lock could not be held to")
    report = told.model_copy(update={"tests": tests, "environment": built})
    first, *more = story.first_sentences(report)
    assert first == "3 of 20 tests could not run here: 3 want a network."
    assert more == [
        "Its lock could not be held to.",
        "1 dependency of the target could not be had: glass>=2.",
    ]
    text = pull_request(report)
    assert text.index("could not run here") < text.index("could not be had") < text.index("| theme |")
    page = render(report, {})
    assert page.index("could not run here") < page.index("nobody has it") < page.index("What changed")
