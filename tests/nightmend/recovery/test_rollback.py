import subprocess
import time

import pytest

from nightmend.errors import RollbackError
from nightmend.ledger.ledger import FILE, Ledger
from nightmend.recovery.rollback import SystemRollbackManager
from nightmend.results import PhaseResult
from nightmend.settings import OrchestratorSettings


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
            result = PhaseResult(phase=phase, snapshot=snapshot, commit=commit)
            self.manager.create_system_checkpoint(f"{self.run}/{phase}", result, "key")
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


def test_a_checkpoint_of_now_holds_what_the_specification_names(night):
    before = time.time()
    checkpoint = night.manager.create_system_checkpoint("before-the-upgrade")
    assert before <= checkpoint.timestamp <= time.time()
    assert checkpoint.name == "before-the-upgrade"
    assert checkpoint.agent_states == night.manager.capture_agent_states() != ()
    assert checkpoint.configuration == night.workspace.night
    assert checkpoint.database_state.checkpoints == tuple(
        f"{night.run}/{phase}" for phase in ("repairs", "optimization", "quality")
    )
    assert checkpoint.commit == night.commits["quality"], "where the last night left the branch"
    assert night.manager.rollback_checkpoints["before-the-upgrade"] == checkpoint


def test_one_can_go_back_to_a_checkpoint_of_ones_own(night):
    night.manager.create_system_checkpoint("mine")
    night.manager.rollback_to_checkpoint(f"{night.run}/repairs")
    night.manager.rollback_to_checkpoint("mine")
    assert night.branch == night.commits["quality"]
    assert night.manager.states.read("code_quality").detail == "quality"
    assert [line.split()[1:] for line in night.manager.rollback_log] == [
        [f"{night.run}/repairs", "SUCCESS"],
        ["mine", "SUCCESS"],
    ]


def test_before_the_first_night_only_agents_and_settings_go_back(workspace_of):
    workspace = workspace_of({"a.py": ""})
    manager = SystemRollbackManager(workspace.night)
    manager.create_system_checkpoint("untouched")
    manager.states.write("code_quality", "registered")
    manager.rollback_to_checkpoint("untouched")
    assert manager.capture_agent_states() == ()


def test_the_ledger_goes_back_with_the_branch_and_comes_again_when_that_fails(night):
    ledger = Ledger.open(night.workspace.folder)
    ledger.decide("dropped", ["early"], "2026-11-26")
    night.manager.create_system_checkpoint("mine")
    ledger.decide("dropped", ["late"], "2026-11-27")
    night.manager.rollback_to_checkpoint(f"{night.run}/repairs")
    assert ledger.refused() == {}
    night.manager.rollback_to_checkpoint("mine")
    assert ledger.refused().keys() == {"early"}
    night.git("update-ref", f"refs/heads/nightmend/{night.run}", night.workspace.night.base_commit)
    with pytest.raises(RollbackError):
        night.manager.rollback_to_checkpoint(f"{night.run}/repairs")
    assert ledger.refused().keys() == {"early"}


def test_a_ledger_whose_backup_is_damaged_fails_the_rollback_and_nothing_changes(night):
    ledger = Ledger.open(night.workspace.folder)
    ledger.decide("dropped", ["early"], "2026-11-26")
    night.manager.create_system_checkpoint("mine")
    ledger.decide("dropped", ["late"], "2026-11-27")
    night.manager.create_system_checkpoint("of-now")
    night.manager.states.write("code_quality", "registered", "now")
    before = night.branch, night.states()
    for backup in night.manager.checkpoints.backups.iterdir():
        backup.write_bytes(b"rubbish")
    with pytest.raises(RollbackError, match="is damaged"):
        night.manager.rollback_to_checkpoint("mine")
    assert (night.branch, night.states()) == before
    assert ledger.refused().keys() == {"early", "late"}


def test_a_damaged_ledger_is_no_obstacle_to_going_back(night):
    Ledger.open(night.workspace.folder).decide("dropped", ["early"], "2026-11-26")
    night.manager.create_system_checkpoint("mine")
    (night.workspace.folder / FILE).write_bytes(b"rubbish")
    night.manager.rollback_to_checkpoint("mine")
    assert Ledger.open(night.workspace.folder).refused().keys() == {"early"}


class Installation:
    """Where the settings are kept."""

    def __init__(self):
        self.kept = []

    def __call__(self, night):
        self.kept.append(night.orchestrator.max_concurrent_agents)


def test_settings_go_back_with_the_branch_and_come_again_when_that_fails(night):
    installation = Installation()
    now = night.workspace.night.model_copy(
        update={"orchestrator": OrchestratorSettings(max_concurrent_agents=2)}
    )
    manager = SystemRollbackManager(now, installation)
    manager.rollback_to_checkpoint(f"{night.run}/repairs")
    assert installation.kept == [10]
    night.git("update-ref", f"refs/heads/nightmend/{night.run}", night.workspace.night.base_commit)
    with pytest.raises(RollbackError):
        manager.rollback_to_checkpoint(f"{night.run}/quality")
    assert installation.kept == [10, 10, 2]


def test_states_that_do_not_come_back_fail_the_rollback(night, monkeypatch):
    monkeypatch.setattr(night.manager.states, "restore", lambda states: None)
    before = night.branch, night.states()
    with pytest.raises(RollbackError, match="are not those of the checkpoint"):
        night.manager.rollback_to_checkpoint(f"{night.run}/repairs")
    assert (night.branch, night.states()) == before
