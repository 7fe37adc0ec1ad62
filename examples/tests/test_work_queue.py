from datetime import date

from pipeline.work_queue import Job, backfill_jobs, drain, preview

FIRST, LAST = date(2025, 1, 1), date(2025, 1, 2)


def test_jobs_come_oldest_day_first():
    jobs = list(backfill_jobs(["b", "a"], FIRST, LAST))
    assert jobs == [Job("a", FIRST), Job("b", FIRST), Job("a", LAST), Job("b", LAST)]


def test_all_jobs_are_done_in_order():
    order = []

    def work(job):
        order.append(job)
        return True

    jobs = list(backfill_jobs(["a", "b"], FIRST, LAST))
    assert drain(jobs, work) == (4, [])
    assert order == jobs


def test_a_failed_job_goes_to_the_end_and_is_given_up():
    order = []

    def work(job):
        order.append(job.store)
        return job.store != "bad"

    jobs = [Job("bad", FIRST), Job("good", FIRST)]
    assert drain(jobs, work) == (1, [Job("bad", FIRST)])
    assert order == ["bad", "good", "bad"]


def test_preview_takes_nothing():
    jobs = [Job("a", FIRST), Job("b", FIRST)]
    assert preview(jobs, 1) == [Job("a", FIRST)]
    assert len(jobs) == 2
