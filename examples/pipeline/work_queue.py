"""The order of a backfill: one job for each store and day, oldest day first."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True)
class Job:
    """One store on one day."""

    store: str
    day: date


def backfill_jobs(stores: Iterable[str], first: date, last: date) -> Iterator[Job]:
    """A job for each day and store, both ends included."""
    stores = sorted(stores)
    day = first
    while day <= last:
        for store in stores:
            yield Job(store, day)
        day += timedelta(days=1)


def drain(jobs: Iterable[Job], work: Callable[[Job], bool], tries: int = 2) -> tuple[int, list[Job]]:
    """Do all jobs in turn. One that fails goes to to the end of the line, `tries` times at most.

    Returns how many were done, and the jobs that were given up.
    """
    waiting = list(jobs)
    attempts: dict[Job, int] = {}
    done, given_up = 0, []
    while waiting:
        job = waiting.pop(0)
        if work(job):
            done += 1
            continue
        attempts[job] = attempts.get(job, 0) + 1
        if attempts[job] < tries:
            waiting.append(job)
        else:
            given_up.append(job)
    return done, given_up


def preview(jobs: Iterable[Job], count: int = 3) -> list[Job]:
    """The next jobs, without taking them."""
    waiting = list(jobs)
    return waiting[:count]
