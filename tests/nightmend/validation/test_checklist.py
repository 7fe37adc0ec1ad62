"""What a machine can check is really checked: each entry passes, and fails where something is wrong."""

import pytest

from nightmend.agent import SelfTest
from nightmend.agents import AGENTS, PHASES
from nightmend.recovery.rollback import SystemRollbackManager
from nightmend.results import PhaseResult
from nightmend.validation import checklist

PYPROJECT = '[project]\nname = "shop"\nversion = "1"\n[project.scripts]\nsell = "shop:sell"\n'
FILES = {
    "pyproject.toml": PYPROJECT,
    "README.md": "[guide](docs/guide.md) and [away](https://example.org)\n",
    "docs/guide.md": "[back](../README.md)\n",
}


@pytest.fixture
def workspace(workspace_of):
    return workspace_of(FILES)


def a_night(workspace, phases=tuple(PHASES), agents=AGENTS):
    """Leave behind what a night does."""
    manager = SystemRollbackManager(workspace.night)
    for agent in agents:
        manager.states.write(agent, "registered")
    for phase in phases:
        result = PhaseResult(phase=phase, snapshot=workspace.night.base, commit=workspace.night.base_commit)
        manager.create_system_checkpoint(f"{workspace.night.run}/{phase}", result, "key")
    return manager


def test_every_entry_says_what_is_left_for_a_person(workspace):
    entries = dict(checklist.fill_in(workspace))
    assert list(entries) == [
        "user_workflows",
        "documentation_accuracy",
        "agent_coordination",
        "error_handling",
        "backup_recovery",
    ]
    assert all(entry.found and entry.to_do for entry in entries.values())


def test_workflows_are_for_a_person_who_is_told_what_to_start(workspace, workspace_of):
    entry = checklist.validate_user_workflows(workspace)
    assert (entry.status, entry.found) == ("for a person", "1 commands are declared")
    assert "try sell" in entry.to_do
    for broken in ("[project\n", "project = 3\n", ""):
        assert checklist.validate_user_workflows(workspace_of({"pyproject.toml": broken})).found == (
            "no command is declared"
        )


def test_every_link_of_the_documents_is_followed(workspace, workspace_of):
    entry = checklist.validate_documentation_links(workspace)
    assert (entry.status, entry.found) == ("passed", "0 of 2 links in 2 documents lead nowhere")
    lost = workspace_of({**FILES, "docs/guide.md": "[back](../READ.md)\n"})
    entry = checklist.validate_documentation_links(lost)
    assert entry.status == "failed"
    assert entry.found == "1 of 2 links in 2 documents lead nowhere: docs/guide.md:1"


def test_a_target_without_a_night_has_no_coordination_to_judge(workspace):
    assert checklist.validate_agent_coordination(workspace).status == "for a person"


def test_a_whole_night_is_well_coordinated(workspace):
    a_night(workspace)
    assert checklist.validate_agent_coordination(workspace).status == "passed"


@pytest.mark.parametrize(
    ("left", "missing"),
    [({"agents": AGENTS[:-1]}, "documentation_update"), ({"phases": list(PHASES)[:-1]}, "quality")],
)
def test_what_a_night_left_out_is_named(workspace, left, missing):
    a_night(workspace, **left)
    entry = checklist.validate_agent_coordination(workspace)
    assert entry.status == "failed"
    assert entry.found.endswith(f"missing: {missing}")


def test_errors_are_rehearsed(workspace, monkeypatch):
    assert checklist.validate_error_scenarios(workspace).status == "passed"
    monkeypatch.setattr(checklist._Unfit, "self_test", lambda agent: SelfTest(checks=()))
    entry = checklist.validate_error_scenarios(workspace)
    assert (entry.status, entry.found) == ("failed", "not so: an agent that is not fit is rolled back")


def test_a_way_back_is_rehearsed_beside_the_real_states(workspace):
    manager = a_night(workspace)
    before = manager.states.backup(), [entry.name for entry in manager.checkpoints.listing()]
    entry = checklist.validate_backup_procedures(workspace)
    assert entry.status == "passed"
    assert "all 5 kept checkpoints can be used" in entry.found
    assert (manager.states.backup(), [entry.name for entry in manager.checkpoints.listing()]) == before


def test_a_rollback_that_restores_nothing_fails_the_rehearsal(workspace, monkeypatch):
    monkeypatch.setattr(SystemRollbackManager, "rollback_to_checkpoint", lambda *_: None)
    entry = checklist.validate_backup_procedures(workspace)
    assert (entry.status, entry.found) == ("failed", "not so: agents go back to a checkpoint")


def test_a_checkpoint_that_cannot_be_used_fails(workspace):
    manager = a_night(workspace)
    (manager.checkpoints.folder / workspace.night.run / "repairs.json").write_text("{")
    entry = checklist.validate_backup_procedures(workspace)
    assert (entry.status, entry.found) == ("failed", "not so: all 5 kept checkpoints can be used")


def test_a_night_that_was_to_do_only_a_part_is_measured_by_that(workspace):
    part = workspace.night.model_copy(update={"through": "diagnostics"})
    manager = SystemRollbackManager(part)
    for agent in AGENTS[:3]:
        manager.states.write(agent, "registered")
    for phase in part.phases:
        result = PhaseResult(phase=phase, snapshot=part.base, commit=part.base_commit)
        manager.create_system_checkpoint(f"{part.run}/{phase}", result, "key")
    assert checklist.validate_agent_coordination(workspace).status == "passed"
