import subprocess

import pytest

from nightmend.errors import RollbackError
from nightmend.recovery.rollback import SystemRollbackManager
from nightmend.results import PhaseResult


class Night:
    """A night that published three commits, one a phase, and recorded a checkpoint of each."""

    def __init__(self, workspace):
        self.workspace = workspace
        self.manager = SystemRollbackManager(workspace.night)
        self.run = workspace.night.run
        self.commits = {}
        commit, snapshot = workspace.night.base_commit, workspace.night.base
        for number, phase in enumerate(("repairs", "optimization", "quality")):
            snapshot = workspace.store.write(snapshot, {"a.py": f"a = {number}\n".encode()})
            commit = self.commits[phase] = workspace.store.commit(snapshot, commit, phase)
            self.manager.states.write("code_quality", "registered", phase)
            self.manager.checkpoints.record(
                workspace.night, PhaseResult(phase=phase, snapshot=snapshot, commit=commit),
                self.manager.states.capture(), "key",
            )  # fmt: skip
        workspace.store.publish(workspace.target, f"nightmend/{self.run}", commit)

    def git(self, *arguments):
        command = ["git", "-C", str(self.workspace.target.path), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    @property
    def branch(self):
        return self.git("rev-parse", f"nightmend/{self.run}")

    def states(self):
        return {path.name: path.read_bytes() for path in self.manager.states.folder.iterdir()}


@pytest.fixture
def night(workspace_of):
    return Night(workspace_of({"a.py": "a = 9\n"}))


def test_branch_and_agents_go_back_together(night):
    checkpoint = night.manager.rollback_to_checkpoint(f"{night.run}/repairs")
    assert night.branch == night.commits["repairs"] == checkpoint.commit
    assert night.manager.states.read("code_quality").detail == "repairs"
    assert night.git("status", "--porcelain") == ""
    assert night.git("log", "--format=%s", "-1", f"nightmend/{night.run}") == "repairs"


def test_one_can_go_back_and_forth(night):
    for phase in ("repairs", "quality", "optimization"):
        night.manager.rollback_to_checkpoint(f"{night.run}/{phase}")
        assert night.branch == night.commits[phase]
    lines = night.manager.log.read_text().splitlines()
    assert [line.split()[1:] for line in lines] == [
        [f"{night.run}/{phase}", "SUCCESS"] for phase in ("repairs", "quality", "optimization")
    ]


def test_an_unknown_name_changes_nothing(night):
    before = night.branch, night.states()
    with pytest.raises(ValueError, match=f"known: {night.run}/repairs"):
        night.manager.rollback_to_checkpoint("yesterday/repairs")
    assert (night.branch, night.states()) == before


def test_a_branch_that_its_owner_moved_is_theirs(night):
    night.git("update-ref", f"refs/heads/nightmend/{night.run}", night.workspace.night.base_commit)
    (night.manager.states.folder / "sandbox_manager.json").write_bytes(b"\xff corrupt")
    before = night.branch, night.states()
    with pytest.raises(
        RollbackError, match=f"rollback to {night.run}/repairs failed and nothing was changed"
    ):
        night.manager.rollback_to_checkpoint(f"{night.run}/repairs")
    assert (night.branch, night.states()) == before
    assert "FAILED" in night.manager.log.read_text()
