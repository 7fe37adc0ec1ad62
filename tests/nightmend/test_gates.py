import pickle

import pytest

from nightmend import gates
from nightmend.agent import Check, SelfTest
from nightmend.diagnosis.measures import Quality
from nightmend.errors import ValidationError
from nightmend.gate import Gate
from nightmend.gates import (
    at_least,
    at_most,
    check,
    closed,
    high_severity_gate,
    no_new_high_gate,
    quality_gates,
    ratchet_gates,
    self_test_gate,
)
from nightmend.issue import Issue
from nightmend.settings import Thresholds


def quality(**fields):
    base = {
        "pep8_violations": 12,
        "pep8_lines": 10,
        "code_lines": 100,
        "unannotated": 4,
        "annotatable": 20,
        "undocumented": 3,
        "documentable": 6,
    }
    return Quality(**(base | fields))


def test_a_closed_gate_says_its_name_what_was_measured_and_what_was_wanted():
    weighed = [gates.tests_gate([], 9), gates.tests_gate(["tests/test_a.py::test_one"], 214)]
    with pytest.raises(ValidationError) as raised:
        check("repairs", weighed, "ratchet")
    sentence = str(raised.value)
    assert "phase repairs was rolled back" in sentence
    assert "gate `tests` is closed" in sentence
    assert "1 of 214 tests that passed are broken: tests/test_a.py::test_one" in sentence
    assert "(measured 1, target 0)" in sentence


def test_where_no_test_passed_before_none_is_said_to_be_broken():
    gate = gates.tests_gate([], 0)
    assert (gate.passed, gate.detail) == (None, "no test passed before any repair, so none can tell")


def test_every_closed_gate_is_named():
    weighed = [gates.tests_gate(["a"], 2), no_new_high_gate(["eval in app.py"])]
    with pytest.raises(ValidationError, match=r"gate `tests`.*gate `no_new_high_severity` .*eval in app.py"):
        check("repairs", weighed, "ratchet")


def test_open_gates_raise_nothing():
    check(
        "repairs", [gates.tests_gate([], 5), no_new_high_gate([]), at_least("coverage", 91.0, 90)], "strict"
    )


def test_a_missed_target_closes_only_a_strict_night():
    missed = at_least("documentation_coverage", 69.349, 90)
    assert missed.kind == "target"
    assert (missed.measured, missed.target, missed.passed) == (69.35, 90, False)
    assert closed([missed], "ratchet") == ()
    assert closed([missed], "strict") == (missed,)


NO_CODE = quality_gates(
    quality(
        pep8_violations=0,
        pep8_lines=0,
        code_lines=0,
        unannotated=0,
        annotatable=0,
        undocumented=0,
        documentable=0,
    ),
    Thresholds(),
)


@pytest.mark.parametrize(
    "gate",
    [gates.tests_gate([], 0), at_least("x", None, 1), at_most("x", None, 1), *NO_CODE],
    ids=["no test passed before", "at least", "at most", "pep 8", "type hints", "documentation"],
)  # fmt: skip
def test_what_is_not_measurable_is_never_passed(gate):
    assert gate.passed is None
    assert "not measurable here" in gate.sentence
    assert closed([gate], "ratchet") == ()
    assert closed([gate], "strict") == (gate,)


@pytest.mark.parametrize(("measured", "passed"), [(89.9999, False), (90, True), (90.0001, True)])
def test_the_target_itself_is_reached(measured, passed):
    gate = at_least("coverage", measured, 90)
    assert gate.passed is passed
    assert (gate.measured >= gate.target) is passed


@pytest.mark.parametrize(("measured", "passed"), [(1.9999, True), (2.0, True), (2.0001, False)])
def test_the_limit_itself_is_kept(measured, passed):
    gate = at_most("seconds", measured, 2.0)
    assert gate.passed is passed
    assert (gate.measured <= gate.target) is passed


def test_a_self_test_that_failed_closes_its_gate_and_says_what_failed():
    outcome = SelfTest(
        checks=(Check(name="ruff", passed=True), Check(name="pylint", passed=False, detail="gone"))
    )
    gate = self_test_gate("system_diagnostics", outcome)
    assert (gate.name, gate.kind, gate.passed) == ("self_test:system_diagnostics", "safety", False)
    assert (gate.measured, gate.target, gate.detail) == ("FAIL", "PASS", "pylint: gone")
    assert self_test_gate("x", SelfTest(checks=outcome.checks[:1])).passed is True


@pytest.mark.parametrize("measure", ["pep8_violations", "unannotated", "undocumented"])
def test_the_ratchet_counts_violations_so_that_a_better_ratio_does_not_hide_more_of_them(measure):
    before = quality()
    after = quality(
        **{measure: getattr(before, measure) + 1}, code_lines=1000, annotatable=200, documentable=60
    )
    [gate] = [gate for gate in ratchet_gates(before, after) if gate.passed is False]
    assert (gate.name, gate.kind) == (f"ratchet:{measure}", "safety")
    assert gate.measured == gate.target + 1
    assert closed(ratchet_gates(before, before), "strict") == ()


def test_long_lines_of_others_close_no_ratchet():
    worse = quality(pep8_violations=13, undocumented=4)
    shut = closed(ratchet_gates(quality(), worse, long_lines=True), "ratchet")
    assert [gate.name for gate in shut] == ["ratchet:undocumented"]


def test_quality_gates_weigh_percentages_against_the_thresholds():
    weighed = quality_gates(
        quality(), Thresholds(pep8_compliance=90, type_hint_coverage=81, documentation_coverage=50)
    )
    assert [(gate.name, gate.measured, gate.passed) for gate in weighed] == [
        ("pep8_compliance", 90.0, True),
        ("type_hint_coverage", 80.0, False),
        ("documentation_coverage", 50.0, True),
    ]


def test_the_error_crosses_processes():
    gate = Gate(name="tests", kind="safety", measured=1, target=0, passed=False)
    with pytest.raises(ValidationError) as raised:
        check("quality", [gate], "ratchet")
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)


def test_a_measure_that_could_not_be_taken_closes_no_ratchet_and_opens_none():
    lost = quality(pep8_violations=0, pep8_lines=0, code_lines=0)
    [pep8] = [gate for gate in ratchet_gates(quality(), lost) if gate.name == "ratchet:pep8_violations"]
    assert (pep8.passed, pep8.measured) == (None, None)


def grave(fault, line, actionable=True):
    return Issue(
        fingerprint=f"{fault}{line}", fault=fault, category="agent_framework", severity="high",
        agent="agent_framework_repair", path="web/socket.py", line=line, column=1, end_line=line, message="",
        rules=("bandit:B324",), actionable=actionable,
    )  # fmt: skip


def test_a_grave_finding_that_is_left_open_is_named_with_its_reason():
    left = [
        grave("weak-hash-not-marked", 3),
        grave("bandit:B602", 8),
        grave("weak-hash-not-marked", 9, False),
    ]
    gate = high_severity_gate(left, {"weak-hash-not-marked"}, 0)
    assert (gate.name, gate.kind, gate.measured, gate.passed) == ("high_severity_open", "target", 3, False)
    assert gate.detail == (
        "left for a person: weak-hash-not-marked in web/socket.py:3 (no certain repair of it was proved), "
        "bandit:B602 in web/socket.py:8 (no pattern mends it), "
        "weak-hash-not-marked in web/socket.py:9 (no agent may act on it there)"
    )
    assert closed([gate], "ratchet") == ()


def test_many_grave_findings_are_counted_and_none_is_no_detail():
    gate = high_severity_gate([grave("bandit:B602", line) for line in range(9)], {}, 0)
    assert gate.detail.endswith("web/socket.py:4 (no pattern mends it) and 4 more")
    assert (high_severity_gate([], {}, 0).passed, high_severity_gate([], {}, 0).detail) == (True, "")
