import pickle
import time

import pytest

from nightmend.errors import PrerequisiteError, ValidationError
from nightmend.gate import Gate
from nightmend.results import AgentResult, ClosedPhaseError, Course, PhaseRecord, PhaseResult
from nightmend.snapshot import Snapshot

GATE = Gate(name="tests", kind="safety", measured=1, target=0, passed=False)


def agent(name, started):
    return AgentResult(agent=name, seconds=1, started=started, pid=1)


def phase(name="repairs", *agents):
    return PhaseResult(
        phase=name, snapshot=Snapshot(tree="a" * 40), commit="c" * 40, agents=agents, gates=(GATE,)
    )


def closed(result):
    error = ClosedPhaseError("phase repairs was rolled back: gate `tests` is closed")
    error.result = result
    return error


def test_a_reused_phase_was_the_work_of_an_earlier_night():
    record = PhaseRecord.of(phase("repairs", agent("code_quality", time.time())), 1, cached=True)
    assert (record.status, record.agents[0].status) == ("CACHED", "CACHED")


def test_an_agent_that_had_finished_before_the_night_was_killed_is_told_as_reused():
    now = time.time()
    result = phase(
        "repairs", agent("agent_framework_repair", now - 500), agent("model_system_repair", now - 2)
    )
    record = PhaseRecord.of(result, 10, cached=False)
    assert record.status == "PASSED"
    assert [one.status for one in record.agents] == ["CACHED", "COMPLETED"]


def test_a_closed_phase_tells_what_it_had_done():
    done = phase("repairs", agent("code_quality", 1))
    record = PhaseRecord.failed("repairs", closed(done), 3)
    assert (record.status, record.gates, record.agents) == ("ROLLED_BACK", (GATE,), done.agents)
    assert "gate `tests`" in record.error


@pytest.mark.parametrize("error", [KeyError("x"), AssertionError(), None])
def test_an_error_without_a_sentence_still_has_one(error):
    record = PhaseRecord.failed("repairs", error, 3)
    assert record.status == "FAILED"
    assert record.error.startswith(type(error).__name__)


def test_the_error_of_a_closed_phase_is_a_validation_error_and_crosses_processes():
    error = closed(phase())
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, ValidationError)
    assert (str(again), again.result) == (str(error), error.result)


START = phase("foundation")


def course(failure, *validated):
    records = [PhaseRecord.of(one, 1, cached=False) for one in validated]
    records += [PhaseRecord.failed("quality", failure, 1)] if failure else []
    return Course.of(START, validated, records, failure)


def test_a_good_night_ends_with_nothing_to_say():
    told = course(None, phase("diagnostics"))
    assert (told.error, told.exit_code, told.undone) == ("", 0, None)
    assert told.last.phase == "diagnostics"


def test_a_closed_phase_ends_the_night_with_what_the_phases_before_achieved():
    undone = phase("quality")
    told = course(closed(undone), phase("diagnostics"), phase("repairs"))
    assert (told.exit_code, told.undone, told.last.phase) == (1, undone, "repairs")
    assert [one.phase for one, _ in told.results] == ["foundation", "diagnostics"]


@pytest.mark.parametrize(("failure", "code"), [(PrerequisiteError("no bwrap"), 3), (KeyError("x"), 1)])
def test_the_exit_code_says_whose_fault_it_is(failure, code):
    assert course(failure).exit_code == code
    assert course(failure).last == START
