from prefect import task

from nightmend import budget, publication
from nightmend.discretion import discreetly
from nightmend.night import Night
from nightmend.publication import Published
from nightmend.results import Course
from nightmend.workspace import Workspace


@task(name="ship", persist_result=False)
def ship(night: Night, course: Course) -> Course:
    """Choose what the review budget of the night lets through, and prove exactly that."""
    with discreetly(night):
        return budget.ship(Workspace(night), course)


@task(name="publish", persist_result=False)
def publish(night: Night, course: Course) -> Published:
    """Give the target the branch of the night: its objects, and one ref transaction."""
    with discreetly(night):
        return publication.publish(Workspace(night), course.shipped.commit)
