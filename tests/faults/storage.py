"""Disks that fill, refuse, vanish, and forget a bit."""

import contextlib
import errno
import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.faults.harness import Fault, Scene

OBJECTS = "objects of the store"
KINDS = {
    "a phase's record": "results/nightmend-quality-*",
    "an agent's record": "results/nightmend-code_quality-*",
    "other results of Prefect": "results/" + "[0-9a-f]" * 32,
    OBJECTS: "targets/*/store.git/objects/??/*",
    "the store's own files": "targets/*/store.git/[Hc]*",
    "checked-out trees": "targets/*/trees/*/**/*.py",
    "states of agents": "targets/*/agents/*.json",
    "checkpoints": "targets/*/checkpoints/*/*.json",
    "backups of the ledger": "targets/*/checkpoints/ledgers/*",
    "the ledger": "targets/*/ledger.db",
    "the record of branches": "targets/*/branches.json",
    "runs": "targets/*/runs/*.json",
    "locks": "locks/*",
    "the list of result folders": "targets/*/results.json",
    "the report": "report/*.*",
}
"""Every kind of file that a night writes below the state folder."""


def anywhere(seed: int, number: int = 1) -> Fault:
    """One changed byte in a file of every kind, at the same time."""
    chance = random.Random(seed)

    def inject(scene: Scene) -> None:
        for kind in KINDS:
            places = _files(scene, kind)
            scene.see(places, f"no night wrote {kind}")
            if places:
                newest = max(places, key=lambda place: place.stat().st_mtime_ns)  # what the next night reads
                flip(chance.choice(places) if kind == OBJECTS else newest, chance)

    return Fault(
        f"a corrupted byte in a file of every kind, choice {number}",
        inject,
        None,
        times=len(KINDS),
        forgets=True,
    )


def _files(scene: Scene, kind: str) -> list[Path]:
    found = sorted(scene.house.home.glob(KINDS[kind]))
    return [
        place for place in found if place.is_file() and place.stat().st_size and place.suffix != ".damaged"
    ]


def flip(place: Path, chance: random.Random) -> None:
    """Change one byte of a file."""
    content = bytearray(place.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    mode = place.stat().st_mode
    place.chmod(0o600)
    place.write_bytes(content)
    place.chmod(mode)


def mountable(folder: Path) -> bool:
    """Whether this user may mount a disk of memory."""
    done = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], capture_output=True, check=False)
    if done.returncode == 0:
        subprocess.run(["umount", folder], check=True)
    return done.returncode == 0


@contextlib.contextmanager
def own_disk(folder: Path, mebibytes: int) -> Iterator[None]:
    """Let a folder be a small disk of its own for a while; what lies there stays what it is."""
    with tempfile.TemporaryDirectory() as aside:
        _refill(Path(aside), folder)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", folder], check=True)
        try:
            _refill(folder, Path(aside))
            yield
            _refill(Path(aside), folder)
        finally:
            subprocess.run(["umount", folder], check=True)
        _refill(folder, Path(aside))


def _refill(folder: Path, source: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    shutil.copytree(source, folder, symlinks=True, dirs_exist_ok=True)


def _disk_fills(scene: Scene) -> None:
    with own_disk(scene.house.home, 400):
        with scene.night() as night:
            scene.wait_for(night, "code_quality")
            filler = scene.house.home / "filler"
            fill(filler)
            scene.end_of(night, 0, 1, 3)
        filler.unlink()


def fill(place: Path) -> None:
    """Write to a file until its disk is full."""
    with place.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise


def _storage_refuses(scene: Scene) -> None:
    results = scene.house.home / "results"
    results.mkdir(exist_ok=True)  # nothing is kept yet where this fault is the first
    with own_disk(results, 64):
        with scene.night() as night:
            scene.wait_for(night, "code_quality")
            subprocess.run(["mount", "-o", "remount,ro", results], check=True)
            scene.end_of(night, 0, 1, 3)
        subprocess.run(["mount", "-o", "remount,rw", results], check=True)


def _storage_vanishes(scene: Scene) -> None:
    results, away = scene.house.home / "results", scene.house.home / "results-away"
    with scene.night() as night:
        scene.wait_for(night, "code_quality")
        os.rename(results, away)
        scene.end_of(night, 0, 1, 3)
    shutil.copytree(away, results, dirs_exist_ok=True)
    shutil.rmtree(away)


FULL = Fault("the disk of the state folder is full", _disk_fills)
READ_ONLY = Fault("result storage that can only be read", _storage_refuses)
VANISHED = Fault("result storage that disappears, and comes back", _storage_vanishes)
