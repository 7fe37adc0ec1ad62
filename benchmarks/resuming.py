"""What checkpoints save and cost: `python benchmarks/resuming.py [NAME ...]`.

Three nights on a copy of one project, each timed on the clock from the start of the command to its end: an
undisturbed one that notes what its checkpoints take, the same again on the unchanged repository, and one in
a new state folder that is killed at half of the first one's time and then started again.
"""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import page
from real_projects import engine
from row import Machine, machine
from sources import environment, listed, repository

from nightmend.frozen import Frozen
from nightmend.home import state_folder
from tests.flows.driving import House, Outcome, git

RESULTS = page.ROWS / "resuming"
CHOSEN = ("boltons",)
TIMED = """\
import os, time

from prefect.results import ResultStore

from nightmend.recovery.rollback import SystemRollbackManager


def note(began):
    with open(os.environ["NIGHTMEND_HOME"] + "/checkpoints.log", "a") as file:
        print(time.perf_counter() - began, file=file)


def timed(function):
    def run(*given, **named):
        began = time.perf_counter()
        try:
            return function(*given, **named)
        finally:
            note(began)

    return run


def timed_later(function):
    async def run(*given, **named):
        began = time.perf_counter()
        try:
            return await function(*given, **named)
        finally:
            note(began)

    return run


if not hasattr(ResultStore, "timed"):  # a process that this one starts may read it twice
    ResultStore.timed = True
    ResultStore._persist_result_record = timed(ResultStore._persist_result_record)
    ResultStore._apersist_result_record = timed_later(ResultStore._apersist_result_record)
    SystemRollbackManager.create_system_checkpoint = timed(SystemRollbackManager.create_system_checkpoint)
"""
"""What a night runs first, to note the seconds of each write of a result and of a checkpoint."""


class Figures(Frozen):
    """What nights on one project took, in seconds, and their checkpoints, in bytes."""

    project: str
    undisturbed: float
    again: float
    killed: float
    """Until it was killed."""
    resumed: float
    """From its start anew to its end."""
    same_tree: bool
    """Whether the resumed night made what the undisturbed one did."""
    checkpoints: int
    """Results and records that the undisturbed night wrote."""
    writing: float
    size: int
    """Of the results, and of the records without the backups of the ledger."""
    backups: int
    ledger: int
    changed: int
    """Bytes of the files that the branch changes."""
    machine: Machine
    engine: str


def main(names: Sequence[str]) -> None:
    """Measure the named projects, or one, keep what they came to, and draw the table."""
    for name in names or CHOSEN:
        figures = measured(name)
        page.keep(RESULTS, name, figures)
        draw()


def measured(name: str) -> Figures:
    """Spend the three nights on one project."""
    project = listed()[name]
    folder = state_folder() / "benchmarks" / f"{project.name}-{project.version}"
    folder.mkdir(parents=True, exist_ok=True)
    place = repository(project, folder)
    options = ["--python", str(environment(project, place, folder))] if project.needs else []
    quiet, broken = (_house(folder, place, word) for word in ("undisturbed", "killed"))
    first = _passed(quiet.recover(quiet.home / "target", *options, saboteur=TIMED))
    times = [float(line) for line in (quiet.home / "checkpoints.log").read_text().split()]
    sizes = _sizes(quiet.home)
    second = _passed(quiet.recover(quiet.home / "target", *options))
    killed = _killed(broken, options, first.seconds / 2)
    resumed = _passed(broken.recover(broken.home / "target", *options))
    return Figures(
        project=project.label,
        undisturbed=round(first.seconds, 1),
        again=round(second.seconds, 1),
        killed=round(killed, 1),
        resumed=round(resumed.seconds, 1),
        same_tree=_tree(quiet, first) == _tree(broken, resumed),
        checkpoints=len(times),
        writing=round(sum(times), 2),
        **sizes,
        changed=_changed(quiet.home / "target", first),
        machine=machine(),
        engine=engine(),
    )


def _house(folder: Path, place: Path, word: str) -> House:
    """Return an empty state folder with a copy of the project in it."""
    shutil.rmtree(folder / word, ignore_errors=True)
    house = House(folder / word)
    subprocess.run(["git", "clone", "--quiet", str(place), str(house.home / "target")], check=True)
    return house


def _passed(outcome: Outcome) -> Outcome:
    if outcome.code:
        raise SystemExit(
            f"a night ended with {outcome.code}, so that nothing can be measured:\n{outcome.said}"
        )
    return outcome


def _killed(house: House, options: Sequence[str], seconds: float) -> float:
    """Kill a night as long after its start; returns the seconds until then."""
    clock = time.monotonic()
    with house.night(house.home / "target", *options) as night:
        time.sleep(seconds)
        night.end(signal.SIGKILL)
    return min(time.monotonic() - clock, seconds)


def _tree(house: House, outcome: Outcome) -> str:
    return git(house.home / "target", "rev-parse", f"{outcome.known['result_commit']}^{{tree}}").strip()


def _changed(target: Path, outcome: Outcome) -> int:
    result = outcome.known["result_commit"]
    paths = git(target, "diff", "--name-only", "-z", "HEAD", result).split("\0")[:-1]
    return sum(int(git(target, "cat-file", "-s", f"{result}:{path}")) for path in paths)


def _sizes(home: Path) -> dict[str, int]:
    """Return the bytes of results and records, of the ledger's backups, and of the ledger."""
    [target] = (home / "targets").iterdir()
    records = _bytes(home / "results") + _bytes(target / "checkpoints")
    backups = _bytes(target / "checkpoints" / "ledgers")
    return {"size": records - backups, "backups": backups, "ledger": (target / "ledger.db").stat().st_size}


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def draw() -> None:
    """Write the table of all figures that are kept into the page."""
    kept = page.kept(RESULTS, Figures)
    page.put("resuming", page.grid(["", "goal", *(one.project for one in kept)], lines(kept)))


def lines(kept: Sequence[Figures]) -> list[list[str]]:
    """Return one line for each figure."""
    return [
        ["an undisturbed night", "", *(f"{one.undisturbed:.0f} s" for one in kept)],
        ["a second one on the unchanged repository", "5 %", *(_share(one.again, one) for one in kept)],
        ["killed at its half and started again, both together", "110 %",
         *(_share(one.killed + one.resumed, one) for one in kept)],
        ["it makes the same tree", "yes", *("yes" if one.same_tree else "no" for one in kept)],
        ["writing results and checkpoints", "2 %", *(_share(one.writing, one) for one in kept)],
        ["results and records without the ledger's backups", "the files changed, with the ledger",
         *(f"{one.size:,} bytes in {one.checkpoints}" for one in kept)],
        ["backups of the ledger, the ledger itself", "",
         *(f"{one.backups:,}, {one.ledger:,} bytes" for one in kept)],
        ["files changed", "", *(f"{one.changed:,} bytes" for one in kept)],
        ["machine", "", *(f"{one.machine.cores} cores, Python {one.machine.python}" for one in kept)],
        ["nightmend", "", *(f"`{one.engine}`" for one in kept)],
    ]  # fmt: skip


def _share(seconds: float, one: Figures) -> str:
    return f"{seconds:.1f} s, {100 * seconds / one.undisturbed:.1f} %"


if __name__ == "__main__":
    main(sys.argv[1:])
