"""Rollback of a whole night: branch, agent states, settings and ledger of a checkpoint, all or nothing."""

import time
from collections.abc import Callable
from pathlib import Path

from nightmend.errors import NightmendError, RollbackError
from nightmend.files import write_atomically
from nightmend.git.publish import move_branch
from nightmend.ledger.ledger import Ledger
from nightmend.night import Night
from nightmend.nights import ambient_night
from nightmend.recovery.checkpoints import Checkpoints, DatabaseState, SystemCheckpoint
from nightmend.recovery.states import AgentState, AgentStates
from nightmend.results import PhaseResult
from nightmend.review.publication import Branches
from nightmend.workspace import Workspace


def nowhere(_: Night) -> None:
    """Restore no settings: an engine by itself keeps none."""


class SystemRollbackManager:
    """Takes a target's last published branch, its agents and the settings back to a checkpoint.

    `settings` puts the settings of a night where an installation keeps them.
    """

    def __init__(self, night: Night | None = None, settings: Callable[[Night], None] = nowhere) -> None:
        self.night = night or ambient_night()
        self.workspace = Workspace(self.night)
        self.checkpoints = Checkpoints(self.workspace.folder / "checkpoints")
        self.states = AgentStates(self.workspace.folder / "agents")
        self.log = self.workspace.folder / "rollback.log"
        self._settings = settings

    @property
    def rollback_checkpoints(self) -> dict[str, SystemCheckpoint]:
        """The checkpoints that can be gone back to, by name, oldest first."""
        return {one.name: one.checkpoint for one in self.checkpoints.listing() if one.checkpoint}

    @property
    def rollback_log(self) -> list[str]:
        """A line for each rollback so far: when, to where, and how it ended."""
        return self.log.read_text().splitlines() if self.log.exists() else []

    def create_system_checkpoint(
        self, checkpoint_name: str, result: PhaseResult | None = None, result_key: str = ""
    ) -> SystemCheckpoint:
        """Record the state of now under a name; with a result, the state behind that validated phase.

        Without one, the branch is where the last night left it. UsageError where the name is no file name.
        """
        last = None if result else next(reversed(self.rollback_checkpoints.values()), None)
        code = result or last
        checkpoint = SystemCheckpoint(
            name=checkpoint_name,
            timestamp=time.time(),
            phase=code.phase if code else None,
            snapshot=code.snapshot if code else self.night.base,
            commit=code.commit if code else self.night.base_commit,
            agent_states=self.capture_agent_states(),
            configuration=self._configuration(last),
            database_state=self.capture_database_state(),
            result_key=result_key or (last.result_key if last else ""),
        )
        self.checkpoints.put(checkpoint)
        return checkpoint

    def rollback_to_checkpoint(self, checkpoint_name: str) -> SystemCheckpoint:
        """Restore a checkpoint and return it; ValueError where there is none of that name.

        The branch moves in one ref transaction, and only from where its run left it. When anything fails, the
        states, settings and ledger of before are put back, the log says so, and RollbackError is raised.
        """
        checkpoint = self.checkpoints.get(checkpoint_name)
        before, settings = self.states.backup(), self.capture_configuration()
        database = self.capture_database_state()
        try:
            self.stop_all_agents()
            self.restore_agent_states(checkpoint.agent_states)
            self.restore_configuration(checkpoint.configuration)
            self.restart_agents(checkpoint.agent_states)
            self.restore_database_state(checkpoint.database_state)
            self._move_branch(checkpoint)
        except (NightmendError, OSError) as error:
            self.states.bring_back(before)
            self.restore_configuration(settings)
            self.restore_database_state(database)  # last: it may fail in its turn, for want of room
            self.log_rollback(checkpoint_name, f"FAILED: {error}")
            raise RollbackError(
                f"rollback to {checkpoint_name} failed and nothing was changed: {error}"
            ) from error
        self.log_rollback(checkpoint_name, "SUCCESS")
        return checkpoint

    def capture_agent_states(self) -> tuple[AgentState, ...]:
        """Return the states of the deployed agents."""
        return self.states.capture()

    def restore_agent_states(self, agent_states: tuple[AgentState, ...]) -> None:
        """Make the states of the agents exactly these."""
        self.states.restore(agent_states)

    def capture_configuration(self) -> Night:
        """Return the settings of now: a night holds those of every part."""
        return self.night

    def restore_configuration(self, configuration: Night) -> None:
        """Put settings back where this installation keeps them."""
        self._settings(configuration)

    def capture_database_state(self) -> DatabaseState:
        """Back the ledger up, and return what is known of a target over the nights."""
        backup = Ledger.open(self.workspace.folder).backup(self.checkpoints.backups)
        return self.checkpoints.database_state().model_copy(update={"ledger": backup})

    def restore_database_state(self, state: DatabaseState | None) -> None:
        """Make the ledger what it was; NightmendError, and nothing changes, where its backup is not whole."""
        if state and state.ledger:
            Ledger(self.workspace.folder).restore(self.checkpoints.backups, state.ledger)

    def stop_all_agents(self) -> None:
        """Make every agent undeployed; what works between nights is only its state."""
        self.states.restore(())

    def restart_agents(self, agent_states: tuple[AgentState, ...]) -> None:
        """See that the restored agents are deployed again, each in its state; RollbackError where not."""
        if self.states.capture() != agent_states:
            raise RollbackError(f"the states in {self.states.folder} are not those of the checkpoint")

    def log_rollback(self, checkpoint_name: str, outcome: str) -> None:
        """Add a line to the log."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        old = self.log.read_bytes() if self.log.exists() else b""
        write_atomically(Path(self.log), old + f"{stamp} {checkpoint_name} {outcome}\n".encode())

    def _configuration(self, last: SystemCheckpoint | None) -> Night:
        """Return the settings of now, with the run whose branch the state belongs to."""
        run = last.configuration.run if last else self.night.run
        return self.capture_configuration().model_copy(update={"run": run})

    def _move_branch(self, checkpoint: SystemCheckpoint) -> None:
        if checkpoint.phase is None:
            return  # made before the first night: no branch belongs to it
        run = checkpoint.configuration.run
        tips = [one.commit for one in self.rollback_checkpoints.values() if one.configuration.run == run]
        known = Branches(self.workspace.folder).read()
        tips += [branch.commit for branch in known if branch.name == f"nightmend/{run}"]
        self.workspace.store.send(self.workspace.target, checkpoint.commit)
        move_branch(self.workspace.target, f"nightmend/{run}", checkpoint.commit, expected=tips)
