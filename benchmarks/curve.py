"""What proof costs as repairs become many: `python benchmarks/curve.py [NAME ...]`.

Lots of growing size, as they come, are judged and settled by the engine's own functions, as a phase does.
"""

import sys
from collections.abc import Sequence

import candidates
import page
from meter import Meter, watch_boxes
from proof import Subject
from real_projects import engine
from sources import listed

from nightmend.files import write_atomically
from nightmend.frozen import Frozen
from nightmend.repairs.repair import Repair
from nightmend.repairs.settle import settle

RESULTS = page.ROWS / "curve"
CHOSEN = ("boltons", "python-engineio")
SIZES = (50, 100, 200, 500, 1000, 2000)


class Point(Frozen):
    """What one lot cost, in full warm runs of the suite."""

    repairs: int
    kept: int
    tested: int
    """Repairs that are not equal by construction and came to the rung of tests."""
    runs: float
    testing: float
    """Of these, what ran the target's tests."""


class Figures(Frozen):
    """The curve of one project."""

    project: str
    points: tuple[Point, ...]
    engine: str


def main(names: Sequence[str]) -> None:
    """Measure the named projects, or two, and draw the table after each lot."""
    watch_boxes()
    for name in names or CHOSEN:
        project = listed()[name]
        subject = Subject(project)
        pool = candidates.candidates(subject.workspace)
        points: list[Point] = []
        for size in (one for one in SIZES if one <= len(pool)):
            points.append(point(subject, pool[:size]))
            figures = Figures(project=project.label, points=tuple(points), engine=engine())
            text = figures.model_dump_json(indent=2).encode() + b"\n"
            write_atomically(RESULTS / f"{name}.json", text, 0o644)
            draw()
            print(points[-1], flush=True)


def point(subject: Subject, repairs: Sequence[Repair]) -> Point:
    """Judge and settle one lot."""
    meter = Meter()
    with meter.running():
        judged = subject.judged(repairs)
        settled = settle(subject.workspace, subject.base, judged, subject.baseline)
    steps = ("imports_rung", "tests_rung", "prove_whole", "graded")
    return Point(
        repairs=len(repairs),
        kept=sum(one.verdict == "kept" for one in settled.judgements),
        tested=sum(
            one.verdict != "refused" and not one.evidence.equal_by_construction for one in settled.judgements
        ),
        runs=round(meter.cpu / subject.suite_cpu, 2),
        testing=round(sum(meter.by_step.get(step, 0) for step in steps) / subject.suite_cpu, 2),
    )


def draw() -> None:
    """Write the table of all curves that are kept into the page."""
    kept = [Figures.model_validate_json(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]
    head = [
        "project",
        "repairs",
        "kept",
        "need the tests",
        "runs",
        "of these, tests and mistakes",
        "runs for 100",
    ]
    rows = [
        [
            figures.project, str(one.repairs), str(one.kept), str(one.tested), f"{one.runs:.1f}",
            f"{one.testing:.1f}", f"{100 * one.runs / one.repairs:.1f}",
        ]
        for figures in kept
        for one in figures.points
    ]  # fmt: skip
    page.put("curve", page.grid(head, rows))


if __name__ == "__main__":
    main(sys.argv[1:])
