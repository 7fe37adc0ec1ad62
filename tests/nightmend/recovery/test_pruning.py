"""Old nights go when the state of a target is too large; what a later night needs never does."""

import os
import subprocess
import time
from pathlib import Path

import pytest

from nightmend.errors import NightmendError
from nightmend.frozen import Frozen
from nightmend.nights import generation, night_key
from nightmend.recovery.pruning import prune
from nightmend.recovery.results import ResultFolders
from nightmend.recovery.rollback import SystemRollbackManager
from nightmend.results import PhaseResult
from nightmend.review.publication import Branch, Branches
from nightmend.workspace import Workspace

pytestmark = pytest.mark.integration

RUNS = ("20261101-020000", "20261102-020000", "20261103-020000")
EVERYTHING, NOTHING = 10**9, 1
"""Limits under which everything may stay, and nothing."""


class Value(Frozen):
    """A value as nights keep them, which names others."""

    says: str
    names: tuple[str, ...] = ()


class Lived:
    """A target with three nights behind it, each with values that only it needs."""

    def __init__(self, workspace: Workspace, results: Path) -> None:
        self.workspace, self.results = workspace, results
        self.nights = [self._night(run) for run in RUNS]

    def _night(self, run: str) -> dict[str, str]:
        """Leave a night: two values, a commit with a new file, its result, checkpoint and report."""
        store, night = self.workspace.store, self.workspace.night.model_copy(update={"run": run})
        inner = self.workspace.put(Value(says=run))
        outer = self.workspace.put(Value(says=run, names=(inner,)))
        snapshot = store.write(night.base, {"a.py": f"run = {run!r}\n".encode()})
        commit = store.commit(snapshot, night.base_commit, run)
        file = store.files(snapshot)["a.py"].blob
        self.workspace.checkout(snapshot)
        key = night_key(night, "repairs", run)
        self.results.mkdir(exist_ok=True)
        (self.results / key).write_text(Value(says=run, names=(outer,)).model_dump_json())
        ResultFolders(self.workspace.folder).note(self.results)
        result = PhaseResult(phase="repairs", snapshot=snapshot, commit=commit)
        manager = SystemRollbackManager(night)
        manager.create_system_checkpoint(f"{run}/repairs", result, key)
        report = self.workspace.folder / "reports" / run / "report.html"
        report.parent.mkdir(parents=True)
        report.write_text("x" * 50_000)
        return {
            "inner": inner,
            "outer": outer,
            "commit": commit,
            "tree": snapshot.tree,
            "file": file,
            "key": key,
        }

    def kept(self) -> list[dict[str, bool]]:
        """Say of each night which of its things are still there."""
        return [{name: self._is_there(name, value) for name, value in night.items()} for night in self.nights]

    def _is_there(self, name: str, value: str) -> bool:
        if name == "key":
            return (self.results / value).exists()
        asked = ["git", "--git-dir", self.workspace.store.folder, "cat-file", "-e", value]
        return subprocess.run(asked, capture_output=True, check=False).returncode == 0

    def checkpoints(self) -> list[str]:
        return list(SystemRollbackManager(self.workspace.night).rollback_checkpoints)


WHOLE = dict.fromkeys(("inner", "outer", "commit", "tree", "file", "key"), True)
GONE = dict.fromkeys(WHOLE, False)


@pytest.fixture
def lived(workspace_of, tmp_path):
    return Lived(workspace_of({"a.py": "a = 1\n"}), tmp_path / "storage")


def test_within_the_limit_only_files_that_can_be_checked_out_again_go(lived):
    workspace = lived.workspace
    base = workspace.checkout(workspace.night.base)
    pruned = prune(Workspace(workspace.night), EVERYTHING)
    assert pruned.removed == (), "this workspace reads them"
    lived.workspace = workspace = Workspace(workspace.night)
    pruned = prune(workspace, EVERYTHING)
    assert [one.what for one in pruned.removed] == ["checked-out files"]
    assert [tree.name for tree in (workspace.folder / "trees").iterdir()] == [base.name]
    assert lived.kept() == [WHOLE] * 3


def test_the_oldest_nights_go_whole_until_the_rest_fits(lived):
    workspace = lived.workspace = Workspace(lived.workspace.night)
    prune(workspace, EVERYTHING)
    size = prune(workspace, EVERYTHING).size
    pruned = prune(workspace, size - 50_000)
    assert lived.kept() == [GONE, WHOLE, WHOLE]
    assert lived.checkpoints() == [f"{run}/repairs" for run in RUNS[1:]]
    assert sorted(place.name for place in (workspace.folder / "reports").iterdir()) == list(RUNS[1:])
    assert pruned.size <= size - 50_000
    assert {one.what for one in pruned.removed} >= {"nights", "objects", "results"}


def test_the_last_night_stays_whatever_it_takes_and_a_later_one_can_go_on(lived):
    workspace = lived.workspace = Workspace(lived.workspace.night)
    night = workspace.night
    before = night_key(night, "repairs", RUNS[-1])
    pruned = prune(workspace, NOTHING)
    assert pruned.size > NOTHING
    assert lived.kept() == [GONE, GONE, WHOLE]
    assert night_key(night, "repairs", RUNS[-1]) == before == lived.nights[-1]["key"]
    assert SystemRollbackManager(night).checkpoints.get(f"{RUNS[-1]}/repairs").commit
    copies = list((workspace.folder / "checkpoints" / "ledgers").iterdir())
    assert len(copies) == 1
    assert prune(workspace, NOTHING).removed == ()


def test_a_branch_that_waits_and_a_named_checkpoint_keep_what_they_need(lived):
    workspace = lived.workspace = Workspace(lived.workspace.night)
    Branches(workspace.folder).write(Branch(name=f"nightmend/{RUNS[0]}", commit=lived.nights[0]["commit"]))
    prune(workspace, NOTHING)
    assert lived.kept() == [WHOLE, GONE, WHOLE]
    SystemRollbackManager(workspace.night).create_system_checkpoint("good")
    prune(workspace, NOTHING)
    assert lived.checkpoints() == [f"{RUNS[0]}/repairs", f"{RUNS[2]}/repairs", "good"]


def test_what_a_night_did_that_was_killed_later_is_kept(lived):
    workspace = lived.workspace = Workspace(lived.workspace.night)
    of_agent, of_batch, old = (workspace.put(Value(says=says)) for says in ("agent", "batch", "old batch"))
    agent = lived.results / night_key(workspace.night, "code_quality", "later")
    agent.write_text(Value(says="agent", names=(of_agent,)).model_dump_json())
    batches = workspace.folder / "batches"
    batches.mkdir()
    (batches / "of-late").write_text(of_batch)
    (batches / "of-old").write_text(old)
    late = time.time() + 60
    for place, moment in ((agent, late), (batches / "of-late", late), (batches / "of-old", 0)):
        os.utime(place, (moment, moment))
    prune(workspace, NOTHING)
    assert agent.exists()
    assert [place.name for place in batches.iterdir()] == ["of-late"]
    assert workspace.store.get_many((of_agent, of_batch))
    with pytest.raises(NightmendError):
        workspace.store.get(old)


def test_a_result_out_of_reach_is_never_taken_for_done_work(lived):
    workspace = lived.workspace = Workspace(lived.workspace.night)
    (lived.results / lived.nights[-1]["key"]).rename(lived.results / "elsewhere")
    prune(workspace, NOTHING)
    assert generation(workspace.night, "repairs") > 0
    assert generation(workspace.night, "quality") == 0


def test_what_is_of_others_stays(lived, workspace_of):
    other = workspace_of({"b.py": "b = 1\n"})
    foreign = [lived.results / night_key(other.night, "repairs"), lived.results / "a report"]
    for place in foreign:
        place.write_text("{}")
        os.utime(place, (0, 0))
    lived.workspace = Workspace(lived.workspace.night)
    prune(lived.workspace, NOTHING)
    assert all(place.exists() for place in foreign)


def test_a_store_that_cannot_be_followed_keeps_everything(lived):
    workspace = lived.workspace = Workspace(lived.workspace.night)
    tree = lived.nights[-1]["tree"]
    (workspace.store.folder / "objects" / tree[:2] / tree[2:]).unlink()
    prune(workspace, NOTHING)
    assert [night["inner"] for night in lived.kept()] == [True] * 3
