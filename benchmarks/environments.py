"""What projects declare, installed, beside environments made by hand: `environments.py [NAME ...]`.

Builds each anew, opens a second night on it, runs the project's own tests once, and writes the table of
docs/results.md. What the tests came to in the environment made by hand is taken from the project's row.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import page
from sources import listed, repository

from nightmend.files import write_atomically
from nightmend.frozen import Frozen
from nightmend.home import state_folder
from nightmend.nights import open_night
from nightmend.proof.suite import run_suite
from nightmend.workspace import Workspace

KEPT = Path(__file__).parent / "environments.json"
COLUMNS = (
    "project", "packages", "not had", "first build", "a later night", "tests", "by hand", "passed", "by hand",
)  # fmt: skip


class Measured(Frozen):
    """What one environment came to."""

    project: str
    packages: int
    missing: int
    cold_seconds: float
    """To open the first night, the build included."""
    later_seconds: float
    tests: int
    passed: int
    tests_by_hand: int
    passed_by_hand: int


def main(names: list[str]) -> None:
    """Measure the named projects, or all that have a row, and draw all that were ever measured."""
    listing = json.loads(KEPT.read_text()) if KEPT.exists() else []
    known = {row["project"]: Measured.model_validate(row) for row in listing}
    rows = {row.project.split()[0]: row for row in page.rows()}
    for name in names or rows:
        project, before = listed()[name], rows[name].tests_before
        folder = state_folder() / "benchmarks" / f"{project.name}-{project.version}"
        folder.mkdir(parents=True, exist_ok=True)
        place = repository(project, folder)
        with tempfile.TemporaryDirectory(dir=folder, prefix="environments-") as home:
            cold, workspace = _opened(place, Path(home))
            later, _ = _opened(place, Path(home))
            suite = run_suite(workspace, workspace.night.base)
            built = workspace.environment
        known[project.label] = Measured(
            project=project.label,
            packages=len(built.installed),
            missing=len(built.missing),
            cold_seconds=round(cold, 1),
            later_seconds=round(later, 1),
            tests=len(suite.outcomes),
            passed=suite.count("passed"),
            tests_by_hand=before.passed + before.failed + before.errors + before.skipped,
            passed_by_hand=before.passed,
        )
        print(known[project.label], suite.reason, built.note, flush=True)
        _keep([known[label] for label in sorted(known)])


def _opened(place: Path, home: Path) -> tuple[float, Workspace]:
    clock = time.perf_counter()
    night = open_night(place, home=home, build_environment=True, tell=print)
    return time.perf_counter() - clock, Workspace(night)


def _keep(measured: list[Measured]) -> None:
    kept = json.dumps([one.model_dump() for one in measured], indent=2) + "\n"
    write_atomically(KEPT, kept.encode(), 0o644)
    lines = [COLUMNS, ("---", *["--:"] * (len(COLUMNS) - 1)), *map(_cells, measured)]
    page.put("environments", "\n".join(f"| {' | '.join(cells)} |" for cells in lines))


def _cells(one: Measured) -> tuple[str, ...]:
    times = (f"{one.cold_seconds:.1f} s", f"{one.later_seconds:.1f} s")
    numbers = (one.tests, one.tests_by_hand, one.passed, one.passed_by_hand)
    return (one.project, str(one.packages), str(one.missing), *times, *map(str, numbers))


if __name__ == "__main__":
    main(sys.argv[1:])
