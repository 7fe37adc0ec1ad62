"""What killed processes left under passing names goes, and nothing else does."""

import os
import signal
import tempfile
import time

import pytest

from nightmend.files import write_atomically
from nightmend.git.store import Store
from nightmend.git.target import Target
from nightmend.recovery.leftovers import clear_leftovers
from nightmend.sandboxes.backends import BACKENDS, diagnose_backend
from nightmend.validation.checklist import _rehearse_rollback

HOUR = 3600.0
KEPT = ("agents/code_quality.json", "checkpoints/run/repairs.json", "branches.json", "runs/run.json")


def left(folder):
    return sorted(str(place.relative_to(folder)) for place in folder.rglob("*"))


def killed(work):
    """Do work in a child that is killed where it would put a file in its place or clear up."""
    child = os.fork()
    if child == 0:
        deadly = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)  # noqa: E731
        for name in ("replace", "rename", "unlink", "rmdir"):
            setattr(os, name, deadly)
        work()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL


@pytest.fixture
def folder(workspace_of, monkeypatch, tmp_path):
    """The folder of a target in use, with all kinds of files that stay."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    workspace = workspace_of({"one.py": "ONE = 1\n"})
    workspace.checkout(workspace.night.base)
    workspace.store.put(b"kept")
    for name in (
        "agents/code_quality.json",
        "checkpoints/run/repairs.json",
        "branches.json",
        "runs/run.json",
    ):
        write_atomically(workspace.folder / name, b"{}")
    return workspace.folder


def test_what_a_killed_process_left_is_removed_and_the_rest_stays(folder, workspace_of):
    kept = left(folder)
    target = Target.open(next(folder.parent.parent.parent.glob("target-*")))
    store = Store(folder / "store.git", target)
    snapshot = store.snapshot(target.head())

    def index():
        with store.index(snapshot):
            os.kill(os.getpid(), signal.SIGKILL)

    def view():
        with target.view():
            os.kill(os.getpid(), signal.SIGKILL)

    for work in (index, view, lambda: store.put(b"not kept")):
        killed(work)
    for name in KEPT:
        killed(lambda name=name: write_atomically(folder / name, b"[]"))
    (folder / "copies" / "tmpabcdefgh" / "package").mkdir(parents=True)
    (folder / "trees" / f".{snapshot.tree}-01234567").mkdir()

    assert clear_leftovers(folder, HOUR) == (), "somebody may still be at it"
    cleared = clear_leftovers(folder, 0)
    assert len(cleared) >= 8
    objects = {name for name in left(folder) if name.startswith("store.git/objects/")}
    assert set(left(folder)) - objects == (set(kept) | {"copies"}) - objects
    assert not os.listdir(tempfile.gettempdir())


def test_a_rehearsal_that_was_killed_is_removed_from_the_temporary_files(folder, workspace_of):
    def trial():
        BACKENDS["deadly"] = lambda spec: os.kill(os.getpid(), signal.SIGKILL)
        diagnose_backend("deadly")

    workspace = workspace_of({"one.py": "ONE = 1\n"})
    for work in (trial, lambda: _rehearse_rollback(workspace)):
        killed(work)
    kinds = {name.split("-")[1] for name in os.listdir(tempfile.gettempdir())}
    assert {"trial", "rehearsal"} <= kinds
    clear_leftovers(folder, 0)
    assert not os.listdir(tempfile.gettempdir())


def test_age_counts_from_the_last_change(folder):
    place = folder / ".branches.json.abcdefgh"
    place.touch()
    os.utime(place, (time.time() - 2 * HOUR,) * 2)
    assert clear_leftovers(folder, HOUR) == (place,)
    assert not place.exists()
