from prefect import task

from nightmend.night import Night
from nightmend.privacy.discretion import discreetly
from nightmend.results import Course
from nightmend.review import budget, publication
from nightmend.review.publication import Published
from nightmend.workspace import Workspace
from tasks.workers import workers


@task(name="ship", persist_result=False)
def ship(night: Night, course: Course) -> Course:
    """Choose what the review budget of the night lets through, and prove exactly that."""
    with discreetly(night), workers(night):
        return budget.ship(Workspace(night), course)


@task(name="publish", persist_result=False)
def publish(night: Night, course: Course, *, stays: bool = False) -> Published:
    """Give the target the branch of the night: its objects, and one ref transaction."""
    with discreetly(night):
        return publication.publish(Workspace(night), course.shipped.commit, stays=stays)
