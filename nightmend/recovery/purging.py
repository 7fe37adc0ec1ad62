"""Everything that is kept of a target, or of all of them, removed at once."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from nightmend.agents import PHASES
from nightmend.environments.provide import environments_folder, free_environment
from nightmend.environments.uses import used_alone
from nightmend.errors import PrerequisiteError, UsageError
from nightmend.git.target import Target
from nightmend.nights import GENERATIONS, raise_generation
from nightmend.recovery.alive import somebody_lives
from nightmend.recovery.checkpoints import Checkpoints
from nightmend.recovery.lock import alone, alone_everywhere
from nightmend.recovery.removing import Removed, left_over, measured, remove, summed
from nightmend.recovery.results import DAY, ResultFolders, unread
from nightmend.sandboxes.cleanup import reap
from nightmend.settings import SandboxSettings
from nightmend.visiting import somebody_visits
from nightmend.workspace import READERS, nobody_reads, target_folder

KINDS = {
    "agents": "states of agents",
    "checkpoints": "checkpoints",
    "ledger": "ledger",
    "reports": "reports",
    "runs": "runs",
    "store": "objects",
    "trees": "checked-out files",
}
"""What lies under which name in the folder of a target, as people are told."""
SHARED = {
    "crash.log": "logs",
    "dask": "scratch of Dask",
    "environments": "environments",
    "prefect": "database of the private Prefect server",
    "prefect-server.log": "logs",
    "results": "results",
    "visits": "parts of nights of other machines",
}
"""What lies in the state folder for all targets together."""
KEPT = frozenset({"advisories", "alive", "locks", "targets"})


def purge(home: Path, path: Path | None = None) -> tuple[Removed, ...]:
    """Remove what is kept of the target at a path; without one, of every target.

    What stays are bytes: locks, and that no result from before may be taken for done work, wherever it is.
    PrerequisiteError where somebody works on it; UsageError where nothing is there to have a state.
    """
    if path is None:
        with alone_everywhere(home):
            return summed(_everything(home))
    with _alone(home, path) as folder:
        if not folder.is_dir():
            return ()
        bases = _bases(folder)
        with _unread((folder,)):
            return summed((*_target(home, folder), *_sandboxes(bases)))


@contextmanager
def _unread(folders: Sequence[Path]) -> Iterator[None]:
    """Keep diagnoses, which hold no lock of a night, from the targets with these folders."""
    with ExitStack() as held:
        if not all(held.enter_context(nobody_reads(folder)) for folder in folders):
            raise PrerequisiteError("a diagnosis or validation reads what nights have kept: wait for its end")
        yield


@contextmanager
def _alone(home: Path, path: Path) -> Iterator[Path]:
    """Give the folder of a target, which may be gone itself: then nobody may work on any."""
    try:
        target = Target.open(path)
    except UsageError:
        folder = target_folder(home, Path(os.path.realpath(path)))
        if not folder.is_dir():
            raise
        with alone_everywhere(home):
            yield folder
    else:
        with alone(home, target, "purge"):
            yield target_folder(home, target.path)


def _everything(home: Path) -> Iterator[Removed]:
    foreign = {entry.name for entry in home.iterdir()} - SHARED.keys() - KEPT
    if foreign:
        raise UsageError(
            f"{home} holds also {', '.join(sorted(foreign)[:5])}, which is not nightmend's: purge each"
            " repository by its path"
        )
    if somebody_visits(home):
        raise PrerequisiteError(f"a night of another machine works in {home}: wait for its end")
    if somebody_lives(home):
        raise PrerequisiteError(f"a run with its state in {home} is under way: wait for its end, or end it")
    folders = [folder for folder in home.glob("targets/*") if folder.is_dir()]
    bases = {base for folder in folders for base in _bases(folder)}
    with _unread(folders):
        for folder in folders:
            yield from _target(home, folder)
        yield from (remove(what, home / name) for name, what in SHARED.items() if (home / name).exists())
        yield from _sandboxes(bases)


def _target(home: Path, folder: Path) -> Iterator[Removed]:
    """Remove what is kept of a target; first its results become void, so that no part is ever trusted."""
    for phase in PHASES:
        raise_generation(folder, phase)
    yield remove("results", *ResultFolders(folder).files(), *unread(home, time.time() - DAY))
    yield remove("environments", *left_over(environments_folder(home)))
    for name in used_alone(folder):
        with free_environment(environments_folder(home), name) as places:
            yield remove("environments", *places)
    for place in sorted(folder.iterdir(), reverse=True):  # of the ledger, what belongs to it before itself
        if place.name not in {GENERATIONS, READERS}:
            yield remove(KINDS.get(place.name.partition(".")[0], "records"), place)


def _bases(folder: Path) -> set[Path]:
    """Return the folders in which the nights of a target had their sandboxes."""
    known = Checkpoints(folder / "checkpoints").listing()
    settings = [one.checkpoint.configuration.sandbox for one in known if one.checkpoint]
    return {one.base_directory / str(os.getuid()) for one in settings or (SandboxSettings(),)}


def _sandboxes(bases: set[Path]) -> Iterator[Removed]:
    """Remove what dead nights left of their sandboxes."""
    for base in bases:
        before = measured("sandboxes", base) if base.is_dir() else None
        reap(base, 0)
        if before:
            after = measured("sandboxes", base)
            yield Removed(
                what="sandboxes",
                files=max(0, before.files - after.files),
                size=max(0, before.size - after.size),
            )
