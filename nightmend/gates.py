"""Evidence in, gate out: one function a gate. Only a phase flow raises."""

from collections.abc import Container, Iterable, Sequence

from nightmend.agent import SelfTest
from nightmend.diagnosis.measures import Quality
from nightmend.errors import ValidationError
from nightmend.gate import Gate
from nightmend.issue import Issue
from nightmend.settings import Profile, Thresholds


def self_test_gate(agent: str, outcome: SelfTest) -> Gate:
    """The agent's own self-test passes."""
    return Gate(
        name=f"self_test:{agent}",
        kind="safety",
        measured=outcome.status,
        target="PASS",
        passed=outcome.status == "PASS",
        detail=outcome.failures,
    )


def tests_gate(broken: Sequence[str], total: int) -> Gate:
    """No test that passed before fails or is missing now; `total` tests passed before."""
    shown = ", ".join(broken[:3])
    return Gate(
        name="tests",
        kind="safety",
        measured=len(broken),
        target=0,
        passed=not broken if total else None,
        detail=f"{len(broken)} of {total} tests that passed are broken{': ' + shown if shown else ''}"
        if total
        else "no test passed before any repair, so none can tell",
    )


def no_new_high_gate(new: Sequence[str], name: str = "no_new_high_severity") -> Gate:
    """No issue of high severity that was not there before."""
    return Gate(
        name=name,
        kind="safety",
        measured=len(new),
        target=0,
        passed=not new,
        detail=", ".join(new[:3]),
    )


def ratchet_gates(before: Quality, after: Quality, *, long_lines: bool = False) -> tuple[Gate, ...]:
    """No measured kind of violation has become more frequent; counts, since a ratio can rise by deleting.

    With `long_lines` those of PEP 8 may: each file was held to all but those lines.
    """
    pairs = (
        ("pep8_violations", before.pep8_violations, after.pep8_violations),
        ("unannotated", before.unannotated, after.unannotated),
        ("undocumented", before.undocumented, after.undocumented),
    )
    unknown = {"pep8_violations"} if None in (before.pep8_compliance, after.pep8_compliance) else set()
    return tuple(
        Gate(
            name=f"ratchet:{name}",
            kind="safety",
            measured=None if name in unknown else new,
            target=old,
            passed=None if name in unknown else new <= old,
        )
        for name, old, new in pairs
        if not (long_lines and name == "pep8_violations")
    )


def quality_gates(quality: Quality, thresholds: Thresholds) -> tuple[Gate, ...]:
    """The specification's targets for the state of the code, in percent."""
    return (
        at_least("pep8_compliance", quality.pep8_compliance, thresholds.pep8_compliance),
        at_least("type_hint_coverage", quality.type_hint_coverage, thresholds.type_hint_coverage),
        at_least("documentation_coverage", quality.documentation_coverage, thresholds.documentation_coverage),
    )


def at_least(name: str, measured: float | None, target: float) -> Gate:
    """A target gate: the measured value reaches the target; None is not measurable here."""
    return Gate(
        name=name,
        kind="target",
        measured=_shown(measured, 2, target),
        target=target,
        passed=None if measured is None else measured >= target,
    )


def at_most(name: str, measured: float | None, target: float) -> Gate:
    """A target gate: the measured value stays within the target; None is not measurable here."""
    return Gate(
        name=name,
        kind="target",
        measured=_shown(measured, 3, target),
        target=target,
        passed=None if measured is None else measured <= target,
    )


def high_severity_gate(left: Sequence[Issue], patterns: Container[str], target: float) -> Gate:
    """A target gate: no finding of high severity is left open; its detail says which are, and why.

    `patterns` are the faults that we can mend at all. A finding stays open where its repair could be wrong (a
    SHA-1 that a protocol asks for), and a person has to look at it.
    """
    lines = [f"{issue.fault} in {issue.path}:{issue.line} ({_why_left(issue, patterns)})" for issue in left]
    more = f" and {len(lines) - 5} more" if len(lines) > 5 else ""
    detail = f"left for a person: {', '.join(lines[:5])}{more}" if lines else ""
    return at_most("high_severity_open", len(left), target).model_copy(update={"detail": detail})


def _why_left(issue: Issue, patterns: Container[str]) -> str:
    if issue.fault not in patterns:
        return "no pattern mends it"
    return "no certain repair of it was proved" if issue.actionable else "no agent may act on it there"


def _shown(measured: float | None, digits: int, target: float) -> float | None:
    """Round for people, but never onto the target what only comes close to it."""
    if measured is None:
        return None
    rounded = round(measured, digits)
    return measured if rounded == target else rounded


def closed(gates: Iterable[Gate], profile: Profile) -> tuple[Gate, ...]:
    """Return the gates that stop the phase: closed safety gates, under `strict` closed target gates too.

    Under `strict`, what is not measurable here is not passed.
    """
    return tuple(
        gate
        for gate in gates
        if (gate.kind == "safety" and gate.passed is False)
        or (profile == "strict" and gate.passed is not True)
    )


def check(phase: str, gates: Sequence[Gate], profile: Profile) -> None:
    """Raise ValidationError naming every closed gate, its measured value and its target."""
    shut = closed(gates, profile)
    if shut:
        sentences = "; ".join(gate.sentence for gate in shut)
        raise ValidationError(f"phase {phase} was rolled back: {sentences}")
