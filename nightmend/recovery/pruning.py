"""What of a target's state goes at the beginning of a night: what can be made again, and too old nights."""

import time
from collections.abc import Iterator
from pathlib import Path

from nightmend.errors import NightmendError
from nightmend.frozen import Frozen
from nightmend.git.sweeping import names_in, unnamed
from nightmend.night import Night
from nightmend.nights import raise_generation
from nightmend.recovery.checkpoints import NAMED, Checkpoints, SystemCheckpoint
from nightmend.recovery.removing import Removed, left_over, measured, remove, summed
from nightmend.recovery.results import DAY, ResultFolders, unread
from nightmend.review.publication import Branches
from nightmend.workspace import TREES, Workspace, nobody_reads

NIGHTS = "nights"
"""What a removed night is called: its checkpoints, its report, and what a drop needs of it."""


class Pruned(Frozen):
    """What became of a target's state before a night."""

    removed: tuple[Removed, ...]
    size: int
    """Bytes on disk of what is left, the results included."""


def prune(workspace: Workspace, limit: int) -> Pruned:
    """Remove what no night needs, and over `limit` bytes the oldest nights; the lock of the target is held.

    The last night stays whatever it takes, and so do those whose branch waits, and what a person named. While
    a diagnosis reads the target's files, nothing goes.
    """
    pruning = _Pruning(workspace)
    with nobody_reads(workspace.folder) as free:
        removed = summed(pruning.steps(limit)) if free else ()
    return Pruned(removed=removed, size=pruning.size())


class _Pruning:
    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._night: Night = workspace.night
        self._folder = workspace.folder
        self._results = ResultFolders(self._folder)

    def size(self) -> int:
        return measured("", self._folder, *self._results.files()).size

    def steps(self, limit: int) -> Iterator[Removed]:
        """Remove step by step; nothing that a step leaves needs what it removed."""
        trees = (self._folder / TREES).iterdir()
        yield remove("checked-out files", *(one for one in trees if one.name != self._night.base.tree))
        yield remove("records", *left_over(self._folder))
        yield remove("results", *unread(Path(self._night.home), time.time() - DAY))
        if self.size() <= limit:
            return
        yield from self._garbage()
        nights = self._nights()
        for old in sorted(nights - self._needed(nights)):
            if self.size() <= limit:
                return
            yield remove(NIGHTS, *self._of(old))
            yield from self._garbage()

    def _garbage(self) -> Iterator[Removed]:
        """Remove what the nights that are left do not need: results, backups of the ledger, objects."""
        kept = self._checkpoints()
        keys = {one.result_key for one in kept}
        began = min((one.timestamp for one in kept if one.configuration.run == self._last), default=0.0)
        batches = (self._folder / "batches").glob("*")
        done = [*(file for file in self._results.files() if file.name not in keys), *batches]
        yield remove("results", *(file for file in done if file.stat().st_mtime < began))
        backups = {one.database_state.ledger for one in kept if one.database_state}
        copies = Checkpoints(self._folder / "checkpoints").backups.glob("*")
        yield remove("checkpoints", *(copy for copy in copies if copy.name not in backups))
        yield from self._objects(kept)

    def _objects(self, kept: list[SystemCheckpoint]) -> Iterator[Removed]:
        try:
            store, base = self._workspace.store, self._night.base_commit
            files = unnamed(store, frozenset[str]().union(*map(names_in, self._records())), base)
        except NightmendError:
            return  # a store that cannot be followed keeps all that it has
        known = {file.name for file in self._results.files()}
        for phase in {one.phase for one in kept if files and one.phase and one.result_key not in known}:
            raise_generation(self._folder, phase)  # a result that is not in reach may need what goes now
        yield remove("objects", *files)

    def _records(self) -> Iterator[bytes]:
        """Yield everything outside of the store that names what is in it."""
        yield self._night.model_dump_json().encode()
        for pattern in ("checkpoints/*/*.json", "runs/*.json", "*.json", "batches/*"):
            yield from (place.read_bytes() for place in self._folder.glob(pattern))
        yield from (file.read_bytes() for file in self._results.files())

    def _checkpoints(self) -> list[SystemCheckpoint]:
        listing = Checkpoints(self._folder / "checkpoints").listing()
        return [entry.checkpoint for entry in listing if entry.checkpoint]

    @property
    def _last(self) -> str:
        runs = [one.configuration.run for one in self._checkpoints() if one.phase]
        return max(runs, default="")

    def _nights(self) -> frozenset[str]:
        """Return the runs of which anything is kept."""
        found = [
            *(place.name for place in (self._folder / "reports").glob("*")),
            *(place.stem for place in (self._folder / "runs").glob("*.json")),
            *(place.parent.name for place in (self._folder / "checkpoints").glob("*/*.json")),
        ]
        return frozenset(found) - {NAMED}

    def _needed(self, nights: frozenset[str]) -> frozenset[str]:
        waiting = (branch.name.rpartition("/")[2] for branch in Branches(self._folder).read())
        return frozenset((max(nights, default=""), self._last, *waiting))

    def _of(self, run: str) -> list[Path]:
        names = (f"checkpoints/{run}", f"reports/{run}", f"runs/{run}.json")
        places = [self._folder / name for name in names]
        return [place for place in places if place.exists()]
