"""What the proof costs for more and more repairs: `python benchmarks/curve.py [NAME ...]`.

They are the repairs of benchmarks/proof.py, of all kinds and as they come; each lot begins with the last one.
"""

import sys
from collections.abc import Sequence

import candidates
import page
from meter import watch_boxes
from proof import Batch, Subject
from real_projects import engine
from row import Machine, machine
from sources import listed

from nightmend.frozen import Frozen

RESULTS = page.ROWS / "curve"
CHOSEN = ("boltons",)
LOTS = (50, 100, 200, 500, 1000, 2000)


class Curve(Frozen):
    """What lots of one project cost, the smallest first."""

    project: str
    suite_cpu: float
    """Processor seconds of a full warm run."""
    lots: tuple[Batch, ...]
    machine: Machine
    engine: str


def main(names: Sequence[str]) -> None:
    """Measure the named projects, or one, keep what they came to, and draw the table."""
    watch_boxes()
    for name in names or CHOSEN:
        curve = measured(name)
        page.keep(RESULTS, name, curve)
        draw()


def measured(name: str) -> Curve:
    """Try every lot of one project that it has candidates for."""
    project = listed()[name]
    subject = Subject(project)
    pool = candidates.candidates(subject.workspace)
    sizes = [size for size in LOTS if size <= len(pool)]
    lots = tuple(subject.tried(f"the first {size}", pool[:size])[0] for size in sizes)
    return Curve(
        project=project.label,
        suite_cpu=round(subject.suite_cpu, 2),
        lots=lots,
        machine=machine(),
        engine=engine(),
    )


def draw() -> None:
    """Write the table of all curves that are kept into the page."""
    kept = page.kept(RESULTS, Curve)
    head = [
        "project", "repairs", "kept", "left to the tests", "broken", "wrongly dropped",
        "runs", "of these, the tests", "re-detection", "all else", "CPU a repair",
    ]  # fmt: skip
    page.put("curve", page.grid(head, [line(curve, lot) for curve in kept for lot in curve.lots]))


def line(curve: Curve, lot: Batch) -> list[str]:
    """Return the line of one lot."""
    again = lot.steps.get("redetection_rung", 0)
    each = 1000 * lot.runs * curve.suite_cpu / lot.repairs
    counts = (lot.repairs, lot.kept, lot.repairs - lot.untested, lot.broken, lot.wrongly_dropped)
    runs = (lot.runs, lot.tests, again, lot.runs - lot.tests - again)
    told = f"{curve.project}, `{curve.engine}`"
    return [told, *(f"{number:,}" for number in counts), *(f"{one:.1f}" for one in runs), f"{each:.0f} ms"]


if __name__ == "__main__":
    main(sys.argv[1:])
