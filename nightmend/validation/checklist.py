"""The manual checklist: what a machine can check is checked, the rest is said to be for a person."""

import tempfile
import tomllib
from pathlib import Path
from typing import Any, Literal

from nightmend.agent import Check, SelfTest
from nightmend.agents import PHASES
from nightmend.documents.documents import broken_links, links_of
from nightmend.documents.link import is_relative
from nightmend.documents.places import Places
from nightmend.errors import DeploymentError
from nightmend.frozen import Frozen
from nightmend.night import Night
from nightmend.recovery.checkpoints import ListedCheckpoint
from nightmend.recovery.deployment import AgentConfig, AgentDeploymentManager
from nightmend.recovery.rollback import SystemRollbackManager
from nightmend.recovery.states import AgentStates
from nightmend.settings import Limits
from nightmend.targets.trees import documents
from nightmend.workspace import Workspace

Status = Literal["passed", "failed", "for a person"]


class ChecklistEntry(Frozen):
    """One entry: what the machine found, and what is left for a person."""

    status: Status
    found: str
    to_do: str


class ManualChecklist(Frozen):
    """The five entries of the specification."""

    user_workflows: ChecklistEntry
    documentation_accuracy: ChecklistEntry
    agent_coordination: ChecklistEntry
    error_handling: ChecklistEntry
    backup_recovery: ChecklistEntry


def fill_in(workspace: Workspace) -> ManualChecklist:
    """Fill in what a machine can say about a target's base and its last night."""
    return ManualChecklist(
        user_workflows=validate_user_workflows(workspace),
        documentation_accuracy=validate_documentation_links(workspace),
        agent_coordination=validate_agent_coordination(workspace),
        error_handling=validate_error_scenarios(workspace),
        backup_recovery=validate_backup_procedures(workspace),
    )


def validate_user_workflows(workspace: Workspace) -> ChecklistEntry:
    """Name what the target lets its users start; only a person can say whether that does what they want."""
    scripts = _scripts(workspace)
    names = ", ".join(scripts[:5]) or "one task that your users really do"
    return ChecklistEntry(
        status="for a person",
        found=f"{len(scripts)} commands are declared" if scripts else "no command is declared",
        to_do=f"on the night's branch, try {names} as a user would, and compare with what it did before",
    )


def validate_documentation_links(workspace: Workspace) -> ChecklistEntry:
    """Follow every link of the documents into the tree."""
    base = workspace.night.base
    contents = documents(workspace, base)
    places = Places(workspace.store.files(base), workspace.store.special(base))
    links = [link for path, content in contents.items() for link in links_of(path, content)]
    total = sum(is_relative(link.path) for link in links)
    broken = [
        f"{path}:{link.line}"
        for path, content in contents.items()
        for link in broken_links(path, content, places)
    ]
    shown = f": {', '.join(broken[:3])}" if broken else ""
    return ChecklistEntry(
        status="failed" if broken else "passed" if total else "for a person",
        found=f"{len(broken)} of {total} links in {len(contents)} documents lead nowhere{shown}",
        to_do="do what the pages on installation and first steps say, word by word",
    )


def validate_agent_coordination(workspace: Workspace) -> ChecklistEntry:
    """Look at what the last night left: which agents are deployed, which phases have their checkpoint."""
    manager = SystemRollbackManager(workspace.night)
    deployed = {state.agent for state in manager.capture_agent_states() if state.status == "registered"}
    last = _last_night(manager)
    wanted = [name for phase in last.phases for name in (phase, *last.agents(phase))] if last else []
    missing = [name for name in wanted if name not in deployed | _validated(manager, last)]
    if not wanted:
        status, found = "for a person", "no night has left anything yet"
    elif missing:
        status, found = "failed", f"of the last night these are missing: {', '.join(missing)}"
    else:
        status, found = "passed", f"all that the last night wanted is there: {', '.join(wanted)}"
    return ChecklistEntry.model_validate(
        {
            "status": status,
            "found": found,
            "to_do": "read in the last report how the agents worked one after the other, and what each kept",
        }
    )


def validate_error_scenarios(workspace: Workspace) -> ChecklistEntry:
    """Rehearse what goes wrong: a command that fails, one that never ends, an agent that is not fit."""
    with workspace.sandbox(None, "rehearsal") as box:
        failed = box.run(["sh", "-c", "exit 3"])
        endless = box.run(["sleep", "60"], limits=Limits(wall_seconds=0.2))
    with tempfile.TemporaryDirectory(prefix="nightmend-rehearsal-") as folder:
        unfit = _deploy_unfit(AgentStates(Path(folder)))
    rehearsed = {
        "a command that fails is a result": failed.return_code == 3,
        "one that never ends meets its limit": endless.limit == "wall_seconds",
        "an agent that is not fit is rolled back": unfit,
    }
    return _rehearsed(rehearsed, "break a copy of the target on purpose, and read what the night says")


def validate_backup_procedures(workspace: Workspace) -> ChecklistEntry:
    """Rehearse a checkpoint and the way back to it, and see that the kept checkpoints can be used."""
    kept = SystemRollbackManager(workspace.night).checkpoints.listing()
    rehearsed = {
        "agents go back to a checkpoint": _rehearse_rollback(workspace),
        f"all {len(kept)} kept checkpoints can be used": all(_usable(workspace, entry) for entry in kept),
    }
    return _rehearsed(rehearsed, "copy the state folder to another disk, and take one branch back from there")


def _scripts(workspace: Workspace) -> list[str]:
    """Return the commands that the target's `pyproject.toml` declares; none where it cannot be read."""
    files = workspace.store.files(workspace.night.base)
    if "pyproject.toml" not in files:
        return []
    try:
        known: dict[str, Any] = tomllib.loads(
            workspace.store.read(workspace.night.base, "pyproject.toml").decode()
        )
        return sorted(map(str, known["project"]["scripts"]))
    except (ValueError, KeyError, TypeError):
        return []


def _last_night(manager: SystemRollbackManager) -> Night | None:
    """Return the last night that left a checkpoint, with its settings."""
    nights = [one.configuration for one in manager.rollback_checkpoints.values() if "/" in one.name]
    return nights[-1] if nights else None


def _validated(manager: SystemRollbackManager, night: Night | None) -> set[str]:
    """Return the phases of a night that have a checkpoint."""
    known = manager.rollback_checkpoints
    return {phase for phase in PHASES if night and f"{night.run}/{phase}" in known}


class _Unfit:
    """An agent that fails its self-test."""

    name = "code_quality"

    def self_test(self) -> SelfTest:
        return SelfTest(checks=(Check(name="rehearsal", passed=False, detail="on purpose"),))


class _Registry:
    """Who is told of agents that are fit."""

    def __init__(self) -> None:
        self.agents: list[object] = []

    def register_agent(self, agent: object) -> None:
        self.agents.append(agent)


def _deploy_unfit(states: AgentStates) -> bool:
    """Deploy an agent that is not fit; return whether that was refused, and the state of before is back."""
    before = states.write(_Unfit.name, "registered", "rehearsal")
    registry = _Registry()
    manager = AgentDeploymentManager(states, registry, lambda _: None)
    try:
        manager.deploy_agent_with_rollback(AgentConfig(name=_Unfit.name, factory=_Unfit))
    except DeploymentError:
        return states.read(_Unfit.name) == before and not registry.agents
    return False


def _rehearse_rollback(workspace: Workspace) -> bool:
    """Go back to a checkpoint in a state folder of its own; return whether the agents are as they were."""
    with tempfile.TemporaryDirectory(prefix="nightmend-rehearsal-") as home:
        manager = SystemRollbackManager(workspace.night.model_copy(update={"home": home}))
        manager.states.write("code_quality", "registered", "before")
        before = manager.create_system_checkpoint("rehearsal").agent_states
        manager.states.write("code_quality", "failed", "after")
        manager.rollback_to_checkpoint("rehearsal")
        return manager.capture_agent_states() == before


def _usable(workspace: Workspace, entry: ListedCheckpoint) -> bool:
    if entry.checkpoint is None:
        return False
    try:
        workspace.store.snapshot(entry.checkpoint.commit)
    except Exception:
        return False
    return True


def _rehearsed(outcomes: dict[str, bool], to_do: str) -> ChecklistEntry:
    failed = [name for name, went_well in outcomes.items() if not went_well]
    found = f"not so: {'; '.join(failed)}" if failed else "; ".join(outcomes)
    return ChecklistEntry(status="failed" if failed else "passed", found=found, to_do=to_do)
