"""One night as a row of numbers: taken from its report and from what was seen of its processes."""

import os
import platform
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from watch import Watched

from nightmend.frozen import Frozen
from nightmend.report.model import QualityNumbers, Report, TestCounts
from nightmend.report.story import declined, kept

MEMORY = Path("/proc/meminfo")


class Machine(Frozen):
    """Where it ran."""

    cores: int
    memory_gib: int
    python: str


class Row(Frozen):
    """What one night on one project came to."""

    project: str
    kind: str
    lines: int
    """Lines of all its Python files, tests too."""
    status: str
    commits: int
    tests_before: TestCounts
    tests_after: TestCounts
    issues: dict[str, int]
    """identified, actionable, resolved"""
    by_category: dict[str, tuple[int, int]]
    """identified and resolved"""
    verdicts: dict[str, int]
    kept_by_agent: dict[str, int]
    kept_by_pattern: dict[str, int]
    declined: dict[str, int]
    """Why repairs were not kept."""
    quality_before: QualityNumbers
    quality_after: QualityNumbers
    seconds: float
    """From the start of the command to its end, the server's start and end included."""
    phase_seconds: dict[str, float]
    outside_sandboxes: float
    """Seconds of it in which no sandbox was at work."""
    peak_own: int
    peak_server: int
    machine: Machine
    engine: str
    """Commit of nightmend."""


def row_of(label: str, kind: str, lines: int, report: Report, seen: Watched, engine: str) -> Row:
    """Put the row of a night together."""
    verdicts = Counter(repair.verdict for repair in report.repairs)
    refusals: Counter[str] = Counter()
    for one in declined(report):
        refusals[f"{one.verdict}: {_general(one.reason)}"] += len(one.repairs)
    return Row(
        project=label,
        kind=kind,
        lines=lines,
        status=report.status,
        commits=len({repair.commit for repair in kept(report)}),
        tests_before=report.tests.before,
        tests_after=report.tests.after,
        issues={name: getattr(report.issues, name) for name in ("identified", "actionable", "resolved")},
        by_category={
            name: (count.identified, count.resolved) for name, count in report.issues.by_category.items()
        },
        verdicts={"tried": len(report.repairs), **dict(verdicts)},
        kept_by_agent=_counted(repair.agent for repair in kept(report)),
        kept_by_pattern=_counted(repair.pattern for repair in kept(report)),
        declined=dict(refusals.most_common()),
        quality_before=report.quality.before,
        quality_after=report.quality.after,
        seconds=round(seen.seconds, 1),
        phase_seconds={phase.name: round(phase.seconds, 1) for phase in report.phases},
        outside_sandboxes=round(seen.seconds - seen.sandbox_seconds, 1),
        peak_own=seen.peak_own,
        peak_server=seen.peak_server,
        machine=machine(),
        engine=engine,
    )


def machine() -> Machine:
    """Describe the machine that this runs on."""
    kilobytes = int(MEMORY.read_text().split()[1])
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(kilobytes / 1024**2),
        python=platform.python_version(),
    )


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(names).most_common())


def _general(reason: str) -> str:
    """Drop from a reason what differs from place to place."""
    return reason.partition(":")[0].partition(", beside ")[0]
