"""Faults of every kind, injected into real nights one after the other: `make faults`.

Options: `--seed N` to see the same instants again, `--kills N`, and words of the faults for a part of them.
The rows lie in benchmarks/results/faults/, and the table in docs/reliability.md is drawn from them.
"""

import argparse
import os
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import page
from real_projects import engine
from row import Machine, machine

from flows.environment import QUIET
from flows.server import private_server
from nightmend.files import write_atomically
from nightmend.frozen import Frozen
from nightmend.report.story import duration
from tests.faults import deaths, others, storage
from tests.faults.harness import Fault, Scene, Suffered

RESULT = page.ROWS / "faults" / "faults.json"
DOCUMENT = page.PAGE.with_name("reliability.md")
KILLS_OF_A_NIGHT = 10
KILLS = 50
CORRUPTIONS = 2


class Row(Frozen):
    """What came of a fault."""

    fault: str
    injected: int
    survived: int
    again: int
    """Agents whose work was begun again."""
    seconds: float
    problems: tuple[str, ...]
    seed: int
    engine: str
    """Commit of nightmend."""


class Run(Frozen):
    """All faults, in their order."""

    machine: Machine
    rows: tuple[Row, ...]


def catalogue(seed: int, kills: int) -> list[Fault]:
    """Return every fault; each KILLS_OF_A_NIGHT kills have a night of their own."""
    chance = random.Random(seed)
    nights = [
        deaths.kills(KILLS_OF_A_NIGHT, chance.randrange(10**6), number + 1)
        for number in range(kills // KILLS_OF_A_NIGHT)
    ]
    dying = [
        deaths.WORKER,
        deaths.SCHEDULER,
        deaths.SANDBOX,
        deaths.SERVER,
        deaths.PRIVATE_SERVER,
        deaths.RESTART,
    ]
    disks = [storage.FULL, storage.READ_ONLY, storage.VANISHED]
    people = [others.EDITED, others.COMMITTED, others.MOVED, others.TWO]
    flipped = [storage.anywhere(chance.randrange(10**6), number + 1) for number in range(CORRUPTIONS)]
    return [
        *nights,
        *deaths.STEPS.values(),
        *dying,
        *disks,
        *others.CLOCKS,
        *people,
        *flipped,
    ]


def suffered(faults: Sequence[Fault], folder: Path, seed: int) -> Iterator[Row]:
    """Inject the faults into nights of one house, one after the other."""
    with private_server(folder / "server") as url:
        scene = Scene.lay(folder, url)
        for fault in faults:
            try:
                came = scene.suffer(fault)
            except Exception as error:  # what cannot be injected is not survived
                came = Suffered(fault.name, fault.times, 0, (), (f"{type(error).__name__}: {error}",))
            yield row_of(came, seed)


def row_of(came: Suffered, seed: int) -> Row:
    return Row(
        fault=came.fault,
        injected=came.times,
        survived=0 if came.problems else came.times,
        again=len(came.again),
        seconds=round(came.seconds, 1),
        problems=came.problems,
        seed=seed,
        engine=engine(),
    )


def keep(row: Row, order: Sequence[str]) -> None:
    """Keep a row in place of the one of the same fault."""
    known = Run.model_validate_json(RESULT.read_bytes()).rows if RESULT.exists() else ()
    rows = {one.fault: one for one in (*known, row) if one.fault in order}
    run = Run(machine=machine(), rows=tuple(rows[name] for name in order if name in rows))
    write_atomically(RESULT, (run.model_dump_json(indent=2) + "\n").encode(), 0o644)
    draw(run, order)


def draw(run: Run, order: Sequence[str]) -> None:
    """Write the table into the document, with what was not run."""
    head = ["fault", "injected", "survived", "agents begun again", "with the nights to recover", "commit"]
    rows = {row.fault: row for row in run.rows}
    lines = [_cells(name, rows.get(name)) for name in order]
    sums = [str(sum(getattr(row, name) for row in run.rows)) for name in ("injected", "survived", "again")]
    total = [
        "**together**",
        *(f"**{number}**" for number in sums),
        duration(sum(row.seconds for row in run.rows)),
        "",
    ]
    page.put("faults", page.grid(head, [*lines, total]), DOCUMENT)


def _cells(name: str, row: Row | None) -> list[str]:
    if row is None:
        return [name, "not run", "", "", "", ""]
    counts = [str(row.injected), str(row.survived), str(row.again)]
    return [name, *counts, duration(row.seconds), f"`{row.engine}`"]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seed", type=int, default=random.randrange(1, 10**6))
    options.add_argument("--kills", type=int, default=KILLS)
    options.add_argument("names", nargs="*", help="Words of the faults to inject, instead of all.")
    chosen = options.parse_args()
    faults = catalogue(chosen.seed, chosen.kills)
    order = [fault.name for fault in faults]
    part = [fault for fault in faults if any(name in fault.name for name in chosen.names)]
    failed = 0
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        for row in suffered(part or faults, Path(folder), chosen.seed):
            keep(row, order)
            failed += row.injected - row.survived
            print(row.model_dump_json(), flush=True)
    return failed


if __name__ == "__main__":
    os.environ.update(QUIET)
    sys.exit(min(1, main()))
