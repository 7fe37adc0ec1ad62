"""Rollback of a whole night: branch, agent states and configuration of a checkpoint, all or nothing."""

import time
from pathlib import Path

from nightmend.errors import NightmendError, RollbackError
from nightmend.files import write_atomically
from nightmend.git.publish import move_branch
from nightmend.night import Night
from nightmend.publication import Branches
from nightmend.recovery.checkpoints import Checkpoints, SystemCheckpoint
from nightmend.recovery.states import AgentStates
from nightmend.workspace import Workspace


class SystemRollbackManager:
    """Takes a target's last published branch and its agents back to a checkpoint."""

    def __init__(self, night: Night) -> None:
        self.workspace = Workspace(night)
        self.checkpoints = Checkpoints(self.workspace.folder / "checkpoints")
        self.states = AgentStates(self.workspace.folder / "agents")
        self.log = self.workspace.folder / "rollback.log"

    def rollback_to_checkpoint(self, checkpoint_name: str) -> SystemCheckpoint:
        """Restore a checkpoint and return it; ValueError where there is none of that name.

        The branch moves in one ref transaction, and only from where this run left it. When anything fails,
        the agents' states of before are put back, the log says so, and RollbackError is raised.
        """
        checkpoint = self.checkpoints.get(checkpoint_name)
        before = self.states.backup()
        try:
            self.states.restore(checkpoint.agent_states)
            self._move_branch(checkpoint)
        except (NightmendError, OSError) as error:
            self.states.bring_back(before)
            self._log(checkpoint_name, f"FAILED: {error}")
            raise RollbackError(
                f"rollback to {checkpoint_name} failed and nothing was changed: {error}"
            ) from error
        self._log(checkpoint_name, "SUCCESS")
        return checkpoint

    def _move_branch(self, checkpoint: SystemCheckpoint) -> None:
        run = checkpoint.configuration.run
        tips = [
            one.checkpoint.commit
            for one in self.checkpoints.listing()
            if one.checkpoint and one.checkpoint.configuration.run == run
        ]
        known = Branches(self.workspace.folder).read()
        tips += [branch.commit for branch in known if branch.name == f"nightmend/{run}"]
        self.workspace.store.send(self.workspace.target, checkpoint.commit)
        move_branch(self.workspace.target, f"nightmend/{run}", checkpoint.commit, expected=tips)

    def _log(self, name: str, outcome: str) -> None:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        old = self.log.read_bytes() if self.log.exists() else b""
        write_atomically(Path(self.log), old + f"{stamp} {name} {outcome}\n".encode())
