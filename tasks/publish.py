from prefect import task

from nightmend import publication
from nightmend.night import Night
from nightmend.publication import Published
from nightmend.results import PhaseResult
from nightmend.workspace import Workspace


@task(name="publish", persist_result=False)
def publish(night: Night, last: PhaseResult) -> Published:
    """Give the target the branch of the night: its objects, and one ref transaction."""
    return publication.publish(Workspace(night), last.commit)
