import logging

from pipeline.checks import CHECKS, check_missing, run_checks, timed
from pipeline.settings import PipelineSettings

SETTINGS = PipelineSettings(max_missing_share=0.1, max_amount=100)


def test_all_well(sale):
    assert run_checks([sale("1"), sale("2")], [], SETTINGS) == {}


def test_every_check_can_complain(sale):
    sales = [sale("1", amount=500.0), sale("1", day="2999-01-01")]
    findings = run_checks(sales, ["line 2: broken"], SETTINGS)
    assert sorted(findings) == sorted(CHECKS)
    assert findings["missing"].startswith("33% of the rows")
    assert findings["amounts"].endswith(": 1")


def test_an_empty_file_is_a_finding():
    assert run_checks([], [], SETTINGS) == {"missing": "there is no row at all"}


def test_the_start_is_logged_as_a_date(sale, caplog):
    with caplog.at_level(logging.INFO):
        run_checks([sale()], [], SETTINGS)
    began = caplog.messages[0].removeprefix("checks began at ")
    assert began.startswith("20"), "operations compares it with the tills, so it is a date"


def test_a_check_is_timed(sale):
    sentence, seconds = timed(check_missing, [sale()], [], SETTINGS)
    assert sentence is None
    assert 0 <= seconds < 1
