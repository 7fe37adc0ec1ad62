"""The tables of a night in the Prefect UI: first what people must look at, each word with one meaning."""

from nightmend.gate import Gate
from nightmend.report.model import AgentReport, PhaseReport, Report
from tasks.tell import agents, gates


def gate(name: str, *, kind: str = "safety", passed: bool | None = True) -> Gate:
    return Gate(name=name, kind=kind, measured=92.5, target=95.0, passed=passed)


def told(*phases: PhaseReport) -> Report:
    return Report.model_construct(phases=phases)


def test_gates_that_did_not_pass_come_first_whatever_their_phase() -> None:
    report = told(
        PhaseReport(
            name="repairs", status="PASSED", seconds=1, gates=(gate("tests"), gate("unknown", passed=None))
        ),
        PhaseReport(
            name="quality", status="PASSED", seconds=1, gates=(gate("ratchet"), gate("pep8", passed=False))
        ),
    )
    assert [row["gate"] for row in gates(report)] == ["unknown", "pep8", "tests", "ratchet"]
    assert [row["phase"] for row in gates(report)] == ["repairs", "quality", "repairs", "quality"]


def test_a_closed_gate_is_told_from_a_goal_that_is_not_met_and_from_what_nobody_could_measure() -> None:
    weighed = (
        gate("tests", passed=False),
        gate("pep8", kind="target", passed=False),
        gate("hints", kind="target", passed=None),
        gate("high"),
    )
    (phase,) = (PhaseReport(name="quality", status="ROLLED_BACK", seconds=1, gates=weighed),)
    assert {row["gate"]: row["state"] for row in gates(told(phase))} == {
        "tests": "CLOSED",
        "pep8": "not met",
        "hints": "not measurable here",
        "high": "passed",
    }
    assert {(row["measured"], row["target"]) for row in gates(told(phase))} == {("92.5", "95")}


def test_agents_show_their_repairs_and_those_that_make_none_show_no_zero() -> None:
    worked = (
        AgentReport(
            name="code_quality",
            status="CACHED",
            seconds=75,
            started=0,
            pid=1,
            metrics={"tried": 4, "kept": 3},
        ),
        AgentReport(name="sandbox_manager", status="COMPLETED", seconds=0.25, started=0, pid=1),
    )
    rows = agents(told(PhaseReport(name="quality", status="PASSED", seconds=1, agents=worked)))
    assert [(row["time"], row["status"]) for row in rows] == [
        ("1 min 15 s", "cached"),
        ("0.2 s", "completed"),
    ]
    assert [(row["repairs tried"], row["repairs kept"]) for row in rows] == [("4", "3"), ("", "")]
