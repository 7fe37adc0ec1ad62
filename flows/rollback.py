from pathlib import Path

from prefect import flow

from blocks.load import configured, restore
from flows.absolute import absolute
from flows.alive import shown
from flows.progress import say
from nightmend.errors import UsageError
from nightmend.git.target import Target
from nightmend.home import state_folder
from nightmend.nights import open_night
from nightmend.recovery.checkpoints import SystemCheckpoint
from nightmend.recovery.lock import alone
from nightmend.recovery.rollback import SystemRollbackManager


@shown
@flow(name="rollback", flow_run_name="rollback {name}", persist_result=True, result_serializer="json")
def rollback(target: str, name: str) -> SystemCheckpoint:
    """Take a night's branch, the states of its agents, and the settings back to one of its checkpoints.

    Args:
        target: Path of the git repository.
        name: Checkpoint to go back to, <run>/<phase>.
    """
    absolute(target=target)
    with alone(state_folder(), Target.open(Path(target)), "rollback"):
        manager = SystemRollbackManager(open_night(target, **configured()), restore)
        try:
            checkpoint = manager.rollback_to_checkpoint(name)
        except ValueError as error:
            raise UsageError(str(error)) from error
    say(f"branch nightmend/{checkpoint.configuration.run} stands at {checkpoint.commit[:12]} again")
    return checkpoint
