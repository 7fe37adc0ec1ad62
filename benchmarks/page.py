"""docs/results.md: tables between markers, drawn from the rows that lie in benchmarks/results/."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from row import Row

from nightmend.files import write_atomically
from nightmend.frozen import Frozen
from nightmend.report.model import QualityNumbers, TestCounts
from nightmend.report.story import duration, percent

ROWS = Path(__file__).parent / "results"
PAGE = Path(__file__).parent.parent / "docs" / "results.md"
MIB = 1024**2


F = TypeVar("F", bound=Frozen)


def save(row: Row) -> None:
    """Keep a row; it takes the place of the project's row of before."""
    keep(ROWS, row.project.split()[0], row)


def rows() -> list[Row]:
    """Return every row that is kept, by name."""
    return kept(ROWS, Row)


def keep(folder: Path, name: str, figures: Frozen) -> None:
    """Keep figures under a name, in place of those of before."""
    write_atomically(folder / f"{name}.json", (figures.model_dump_json(indent=2) + "\n").encode(), 0o644)


def kept(folder: Path, kind: type[F]) -> list[F]:
    """Return all figures that are kept in a folder, by name."""
    return [kind.model_validate_json(path.read_text()) for path in sorted(folder.glob("*.json"))]


def draw(known: Sequence[Row]) -> None:
    """Write the tables of the rows into the page, between their markers."""
    for name, table in {"nights": nights(known), "reasons": reasons(known), "speed": speed(known)}.items():
        put(name, table)


def put(name: str, table: str, where: Path = PAGE) -> None:
    """Write one table into a page, between its markers."""
    text = where.read_text()
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    block = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not block.search(text):
        raise SystemExit(f"{where} has no place for the table `{name}`: add the line {begin} and {end}")
    text = block.sub("\n".join((begin, table, end)).replace("\\", r"\\"), text)
    write_atomically(where, text.encode(), 0o644)


def nights(known: Sequence[Row]) -> str:
    """What each night found, kept and left, one column a project."""
    facts: dict[str, Callable[[Row], str]] = {
        "what it is": lambda row: row.kind,
        "lines of Python, tests too": lambda row: f"{row.lines:,}",
        "status": lambda row: row.status,
        "tests before": lambda row: _tests(row.tests_before),
        "tests after": lambda row: _tests(row.tests_after),
        "issues found": lambda row: f"{row.issues['identified']:,}",
        "issues that agents may act on": lambda row: f"{row.issues['actionable']:,}",
        "issues resolved": lambda row: f"{row.issues['resolved']:,}",
        "resolved of found, by category": _categories,
        "repairs tried": lambda row: str(row.verdicts["tried"]),
        "**repairs kept**": lambda row: f"**{row.verdicts.get('kept', 0)}** in {row.commits} commits",
        "rolled back, refused": lambda row: (
            f"{row.verdicts.get('rolled_back', 0)}, {row.verdicts.get('refused', 0)}"
        ),
        "kept by agent": lambda row: _counts(row.kept_by_agent),
        "kept by pattern": lambda row: _counts(row.kept_by_pattern),
        "PEP 8, type hints, documentation before": lambda row: _quality(row.quality_before),
        "PEP 8, type hints, documentation after": lambda row: _quality(row.quality_after),
    }
    return _table(known, facts)


def speed(known: Sequence[Row]) -> str:
    """What each night cost, one column a project."""
    phases = list(dict.fromkeys(phase for row in known for phase in row.phase_seconds))
    facts: dict[str, Callable[[Row], str]] = {
        "lines of Python, tests too": lambda row: f"{row.lines:,}",
        "whole night": lambda row: duration(row.seconds),
        **{phase: _phase(phase) for phase in phases},
        "orchestration, at most": lambda row: (
            f"{row.outside_sandboxes:.1f} s, {100 * row.outside_sandboxes / row.seconds:.1f} %"
        ),
        "peak memory of our processes": lambda row: f"{row.peak_own / MIB:.0f} MiB",
        "peak memory of the Prefect server": lambda row: f"{row.peak_server / MIB:.0f} MiB",
        "machine": lambda row: f"{row.machine.cores} cores, {row.machine.memory_gib} GiB",
        "Python": lambda row: row.machine.python,
        "nightmend": lambda row: f"`{row.engine}`",
    }
    return _table(known, facts)


def reasons(known: Sequence[Row]) -> str:
    """Why repairs were not kept, one column a project."""
    all_of_them = sorted({reason for row in known for reason in row.declined})
    return _table(known, {reason: _declined(reason) for reason in all_of_them})


def _declined(reason: str) -> Callable[[Row], str]:
    return lambda row: str(row.declined.get(reason, 0))


def _phase(phase: str) -> Callable[[Row], str]:
    return lambda row: duration(row.phase_seconds.get(phase, 0))


def _table(known: Sequence[Row], facts: Mapping[str, Callable[[Row], str]]) -> str:
    head = ["", *(row.project for row in known)]
    return grid(head, [[name, *(fact(row) for row in known)] for name, fact in facts.items()])


def grid(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    return "\n".join(map(_line, (head, ["---"] * len(head), *lines)))


def _line(cells: Iterable[str]) -> str:
    escaped = (cell.replace("|", r"\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def _tests(counts: TestCounts) -> str:
    return f"{counts.passed} passed, {counts.failed} failed, {counts.errors} errors, {counts.skipped} skipped"


def _quality(numbers: QualityNumbers) -> str:
    shares = (numbers.pep8_compliance, numbers.type_hint_coverage, numbers.documentation_coverage)
    return ", ".join(percent(share) for share in shares)


def _categories(row: Row) -> str:
    found = {name: pair for name, pair in row.by_category.items() if pair[0]}
    return ", ".join(f"{name} {resolved} of {known:,}" for name, (known, resolved) in found.items())


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in counts.items()) or "none"
