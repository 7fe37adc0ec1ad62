"""A report without any text of the target: the numbers, and the names of patterns, agents and gates."""

from nightmend.gate import Gate
from nightmend.proof.quarantine import Quarantined
from nightmend.report.model import PhaseReport, RepairReport, Report

ELSEWHERE = "told in the report, and not to this Prefect server"
SHOWN = (
    "target", "run", "base_commit", "result_commit", "branch", "replaced", "withheld", "profile", "status",
    "seconds", "python", "issues", "quality", "shipment",
)  # fmt: skip
"""What is shown as it is; whatever else a report comes to hold stays on the machine."""
REPAIR = ("id", "agent", "pattern", "safety", "grade", "commit", "verdict", "waits")


def numbers_only(report: Report) -> Report:
    """Return what a Prefect server on another machine may show of a night."""
    files: dict[str, str] = {}
    for repair in report.repairs:
        for path in repair.files:
            files.setdefault(path, f"file {len(files) + 1}")
    hidden_tests = {one: f"test {number}" for number, one in enumerate(report.tests.unsteady, 1)}
    tests = {
        "reason": _short(report.tests.reason),
        "wants": {},
        "unsteady": tuple(hidden_tests.values()),
        "quarantined": tuple(_quarantined(one, hidden_tests) for one in report.tests.quarantined),
        "note": _short(report.tests.note),
    }
    hidden = {
        "error": _short(report.error),
        "tests": report.tests.model_copy(update=tests),
        "phases": tuple(_phase(phase) for phase in report.phases),
        "repairs": tuple(_repair(repair, files) for repair in report.repairs),
        "tool_failures": dict.fromkeys(report.tool_failures, ELSEWHERE),
    }
    return Report(**{name: getattr(report, name) for name in SHOWN}, **hidden)


def _short(text: str) -> str:
    return ELSEWHERE if text else ""


def _quarantined(one: Quarantined, names: dict[str, str]) -> Quarantined:
    deciders = {
        field: names.get(test, "a test") if (test := getattr(one, field)) else ""
        for field in ("spoiled_by", "needs")
    }
    return one.model_copy(update={"test": names.get(one.test, "a test"), **deciders})


def _phase(phase: PhaseReport) -> PhaseReport:
    agents = tuple(
        agent.model_copy(
            update={"metrics": {name: one for name, one in agent.metrics.items() if not isinstance(one, str)}}
        )
        for agent in phase.agents
    )
    gates = tuple(_gate(gate) for gate in phase.gates)
    return phase.model_copy(update={"agents": agents, "gates": gates, "error": _short(phase.error)})


def _gate(gate: Gate) -> Gate:
    return gate.model_copy(update={"detail": ""})


def _repair(repair: RepairReport, files: dict[str, str]) -> RepairReport:
    shown = repair.evidence
    counted = {
        "tests_broken": tuple("a test" for _ in shown.tests_broken),
        "interface_breaks": tuple("a name" for _ in shown.interface_breaks),
        "new_issues": tuple("an issue" for _ in shown.new_issues),
    }
    return RepairReport(
        **{name: getattr(repair, name) for name in REPAIR},
        issues=(),
        files=tuple(files[path] for path in repair.files),
        line=0,
        summary="",
        reason=ELSEWHERE,
        evidence=shown.model_copy(update=counted),
    )
