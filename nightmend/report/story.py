"""What the report tells people, drawn from its data: one place for the page and the pull request."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Literal

from nightmend.evidence import Evidence, Grade
from nightmend.frozen import Frozen
from nightmend.gate import Gate
from nightmend.proof.quarantine import Quarantined
from nightmend.proof.unrunnable import Unrunnable
from nightmend.report.model import RepairReport, Report, TestCounts

GRADES = {
    "A": "equal by construction: no test could tell the program apart",
    "B": "tests run the changed lines, and notice a mistake planted there",
    "C": "tests run the changed lines, and pass as before",
    "D": "no test runs the changed lines; the detectors and the pattern's own safety speak for it",
}
_EVIDENCE: dict[Grade, str] = {
    "A": "equal by construction",
    "B": "whose lines tests run and guard",
    "C": "whose lines tests run",
    "D": "that no test reaches",
}
Mark = Literal["yes", "no", "open"]
_SHOWN = 5
_REPAIR = re.compile(r"\brepair [0-9a-f]{12}\b")


class Theme(Frozen):
    """The kept repairs of one pattern: one commit a phase."""

    pattern: str
    agent: str
    repairs: tuple[RepairReport, ...]

    @property
    def title(self) -> str:
        """The pattern's name for people."""
        return words(self.pattern)

    @property
    def files(self) -> int:
        """How many files the theme changes."""
        return len({path for repair in self.repairs for path in repair.files})

    @property
    def commits(self) -> tuple[str, ...]:
        """Its commits, in their order."""
        return tuple(dict.fromkeys(repair.commit for repair in self.repairs if repair.commit))

    @property
    def grades(self) -> str:
        """How strong the evidence is: `9 C, 1 D`."""
        return grades_of(self.repairs)


class Declined(Frozen):
    """Repairs of one pattern that were not kept, for one reason."""

    pattern: str
    verdict: str
    reason: str
    repairs: tuple[RepairReport, ...]

    @property
    def title(self) -> str:
        """The pattern's name for people."""
        return words(self.pattern)


class Claim(Frozen):
    """One thing that was, was not, or could not be shown of a repair."""

    mark: Mark
    text: str


def grades_of(repairs: Iterable[RepairReport]) -> str:
    """Count the grades of repairs: `9 C, 1 D`."""
    counts = Counter(repair.grade or "none" for repair in repairs)
    return ", ".join(f"{counts[grade]} {grade}" for grade in sorted(counts))


def evidence(repairs: Iterable[RepairReport]) -> str:
    """Say how many repairs each kind of evidence speaks for, the strongest first."""
    counts = Counter(repair.grade for repair in repairs)
    return "; ".join(
        f"{counts[grade]} {text} ({grade})" for grade, text in _EVIDENCE.items() if counts[grade]
    )


def words(name: str) -> str:
    """Write a name as people would; rules of linters keep theirs."""
    return name if name.startswith(("ruff-", "ruff:")) else name.replace("-", " ").replace("_", " ")


def themes(report: Report) -> tuple[Theme, ...]:
    """Return the kept repairs by pattern, in the order of their commits."""
    groups: dict[tuple[str, str], list[RepairReport]] = {}
    for repair in kept(report):
        groups.setdefault((repair.pattern, repair.agent), []).append(repair)
    return tuple(
        Theme(pattern=pattern, agent=agent, repairs=tuple(repairs))
        for (pattern, agent), repairs in groups.items()
    )


def declined(report: Report) -> tuple[Declined, ...]:
    """Return what was tried and not kept by pattern and reason: first what had to be rolled back."""
    groups: dict[tuple[str, str, str], list[RepairReport]] = {}
    for repair in sorted(report.repairs, key=lambda one: one.verdict != "rolled_back"):
        if repair.verdict != "kept":
            reason = _REPAIR.sub("a repair", repair.reason)
            groups.setdefault((repair.pattern, repair.verdict, reason), []).append(repair)
    return tuple(
        Declined(pattern=pattern, verdict=words(verdict), reason=reason, repairs=tuple(repairs))
        for (pattern, verdict, reason), repairs in groups.items()
    )


def kept(report: Report) -> list[RepairReport]:
    """Return the kept repairs that ship."""
    return [repair for repair in report.repairs if repair.verdict == "kept" and not repair.waits]


def waiting(report: Report) -> tuple[Declined, ...]:
    """Return the kept repairs that wait for a later night, by pattern and reason."""
    groups: dict[tuple[str, str], list[RepairReport]] = {}
    for repair in report.repairs:
        if repair.waits:
            groups.setdefault((repair.pattern, repair.waits), []).append(repair)
    return tuple(
        Declined(pattern=pattern, verdict="waits", reason=reason, repairs=tuple(repairs))
        for (pattern, reason), repairs in groups.items()
    )


def budget_sentence(report: Report) -> str:
    """Say what the review budget let through, and what waits."""
    shipment = report.shipment
    if shipment is None:
        return ""
    limits = [count(shipment.max_commits, "commit")] if shipment.max_commits is not None else []
    limits += [count(shipment.max_lines, "line")] if shipment.max_lines is not None else []
    return (
        f"The review budget is {' and '.join(limits)}: the gravest and best proved "
        f"{count(shipment.repairs, 'repair')} ({count(shipment.commits, 'commit')}, "
        f"{count(shipment.lines, 'line')}) proved as exactly what is on the branch; "
        f"{count(shipment.waiting, 'more repair')} kept, for a later night."
    )


def unreached(report: Report) -> int:
    """Count the repairs that the time budget of the night left untried."""
    return sum(repair.verdict == "unreached" for repair in report.repairs)


def time_sentence(report: Report) -> str:
    """Say what the time budget left untried, where it did."""
    left = unreached(report)
    if not left:
        return ""
    return (
        f"The time was over before {count(left, 'repair')} could be tried; the next night begins with them."
    )


def headline(report: Report) -> str:
    """Say what changed, in a sentence."""
    repairs = kept(report)
    if not repairs:
        return "Nothing was changed: no repair was kept."
    files = len({path for repair in repairs for path in repair.files})
    agents = len({repair.agent for repair in repairs})
    return f"{count(len(repairs), 'repair')} kept in {count(files, 'file')}, by {count(agents, 'agent')}."


def branch_sentence(report: Report) -> str:
    """Say what became of the branch of an earlier night, where that matters."""
    if report.withheld:
        return f"No branch was made: {report.withheld}."
    return f"The branch takes the place of {report.replaced}." if report.replaced else ""


def tests_sentence(report: Report) -> str:
    """Say how the target's tests stand, and what they could not tell."""
    tests = report.tests
    if not tests.usable:
        return f"The tests could not judge: {tests.reason or 'they were not run'}."
    before, after = tests.before, tests.after
    worse = after.passed < before.passed or after.failed + after.errors > before.failed + before.errors
    failed = f" ({_failing(before)})" if _failing(before) else ""
    failed_after = f" ({_failing(after)})" if _failing(after) else ""
    unsteady = f"; {count(len(tests.unsteady), 'test')} known to be unsteady" if tests.unsteady else ""
    note = f"; {tests.reason}" if tests.reason else ""
    return (
        f"The tests are {'WORSE' if worse else 'no worse'}: "
        f"{before.passed} passed before{failed}, {after.passed} after{failed_after}{unsteady}{note}."
    )


def _failing(tests: TestCounts) -> str:
    """Say how many tests do not pass, where some do not."""
    told = ((tests.failed, "failed"), (tests.errors, "with an error"))
    return ", ".join(f"{number} {how}" for number, how in told if number)


def steadiness_sentence(report: Report) -> str:
    """Say what was seen when the tests ran more than once; that they are steady is never known."""
    tests = report.tests
    if not tests.runs:
        return ""
    seen = f"{count(len(tests.unsteady), 'test')} differed" if tests.unsteady else "No difference was seen"
    seeds = f"PYTHONHASHSEED={tests.hash_seed})"
    own = "the suite's own order"
    orders = (
        f", in {own} and in another (seed {tests.order_seed}, {seeds}"
        if tests.order_seed
        else f" (also with {seeds}"
    )
    note = f" {tests.note[:1].upper()}{tests.note[1:]}." if tests.note else ""
    random = f" pytest-randomly began each test with the seed {tests.random_seed}."
    return (
        f"{seen} in {tests.runs} runs before any change{orders}."
        f"{random if tests.random_seed is not None else ''}{note}"
    )


def quarantine_reason(one: Quarantined) -> str:
    """Say why no repair is judged by a test."""
    if one.cause == "flaky":
        return f"ended in two ways in the same order (seed {one.order_seed}, PYTHONHASHSEED={one.hash_seed})"
    if one.cause == "hash_seed":
        return f"ends otherwise with PYTHONHASHSEED={one.hash_seed}, in the suite's own order"
    if one.spoiled_by:
        return f"depends on the order: passes alone, fails behind {one.spoiled_by}"
    if one.needs:
        return f"depends on the order: fails alone, passes behind {one.needs}"
    return f"depends on the order (seed {one.order_seed}); no single test was found that decides it"


def first_sentences(report: Report) -> tuple[str, ...]:
    """Say what the tests did not have, before anything that they say is believed."""
    tests, built = report.tests, report.environment
    lacking = Unrunnable(count=tests.could_not_run, total=tests.counted, wants=tests.wants).sentence
    told = [f"{lacking}."] if lacking else []
    if built is not None and built.note:
        told.append(f"{built.note[:1].upper()}{built.note[1:]}.")
    if built is not None and built.missing:
        named = listed(one.requirement for one in built.missing)
        what = "dependency" if len(built.missing) == 1 else "dependencies"
        told.append(f"{len(built.missing)} {what} of the target could not be had: {named}.")
    return tuple(told)


def gate_sentence(gate: Gate) -> str:
    """Say how a gate stands that did not pass: a goal that is not met is no closed door."""
    if gate.kind == "safety" or gate.passed is None:
        return gate.sentence
    return f"goal `{gate.name}` is not met: {value(gate.measured)} of {value(gate.target)}"


def claims(repair: RepairReport) -> tuple[Claim, ...]:
    """Return what was shown of a repair, rung by rung."""
    return tuple(_claims(repair))


def _claims(repair: RepairReport) -> Iterable[Claim]:
    shown = repair.evidence
    if shown.parses is not None:
        yield _claim(shown.parses, "the result parses", "the result does not parse")
    if shown.equal_by_construction:
        yield Claim(mark="yes", text="the program is the same by construction")
    if shown.issue_gone is not None:
        yield _claim(shown.issue_gone, "its issue is gone", "its issue is still there")
    if shown.new_issues:
        yield Claim(mark="no", text=f"it brings new issues: {listed(shown.new_issues)}")
    elif shown.issue_gone is not None or shown.lines_reached is not None:
        yield Claim(mark="yes", text="no new issue came")
    if shown.interface_breaks:
        yield Claim(mark="no", text=f"it breaks the public interface: {listed(shown.interface_breaks)}")
    yield from _weighed(shown)
    if shown.tests_broken:
        yield Claim(mark="no", text=f"it breaks {listed(shown.tests_broken)}")
    if shown.speed:
        gain, least = 100 * shown.speed.gain, 100 * shown.speed.lower_bound
        text = f"{gain:.1f} % less CPU time, at least {least:.1f} % over {shown.speed.pairs} pairs of runs"
        yield Claim(mark="yes" if least > 0 else "no", text=text)


def _claim(holds: bool, good: str, bad: str) -> Claim:
    return Claim(mark="yes" if holds else "no", text=good if holds else bad)


_WEIGHED = {
    "imports_same": ("its modules import to the same names", "its modules import to other names"),
    "lines_reached": ("tests run the changed lines", "no test runs the changed lines"),
    "mistake_noticed": (
        "tests notice a mistake that is planted there",
        "no test notices a mistake that is planted there",
    ),
}
"""What was asked whose contrary is no fault, only weaker evidence."""


def _weighed(shown: Evidence) -> Iterable[Claim]:
    for field, (good, bad) in _WEIGHED.items():
        holds = getattr(shown, field)
        if holds is not None:
            yield Claim(mark="yes" if holds else "open", text=good if holds else bad)


def listed(names: Iterable[str]) -> str:
    """Name the first few of many."""
    known = tuple(names)
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    return ", ".join(known[:_SHOWN]) + more


def count(number: int, noun: str) -> str:
    """Count things: `1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def percent(value: float | None, *, share: bool = False) -> str:
    """Write percent, or a share as percent."""
    return "not measurable" if value is None else f"{value * (100 if share else 1):.1f} %"


def value(number: float | str | None) -> str:
    """Write a measured value: whole numbers without a point, what is not known as such."""
    if number is None:
        return "unknown"
    return f"{number:.2f}".rstrip("0").rstrip(".") if isinstance(number, float) else str(number)


def duration(seconds: float) -> str:
    """Write a duration the way people say it."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
