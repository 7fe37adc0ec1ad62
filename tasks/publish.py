from prefect import task

from nightmend.frozen import Frozen
from nightmend.night import Night
from nightmend.results import PhaseResult
from nightmend.workspace import Workspace


class Published(Frozen):
    """What the target received: a branch, or nothing where nothing was kept."""

    run: str
    branch: str | None
    base_commit: str
    result_commit: str


@task(name="publish", persist_result=False)
def publish(night: Night, last: PhaseResult) -> Published:
    """Give the target the branch of the night: its objects, and one ref transaction."""
    branch = None
    if last.commit != night.base_commit:
        branch = f"nightmend/{night.run}"
        workspace = Workspace(night)
        workspace.store.publish(workspace.target, branch, last.commit)
    return Published(run=night.run, branch=branch, base_commit=night.base_commit, result_commit=last.commit)
