"""Independent runs over workers: answers in order, nothing left running, one level of workers only."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from nightmend.workers import each, over, own_threads


def test_without_an_executor_everything_is_done_here_and_no_sooner_than_it_is_wanted():
    done = []
    answers = each(lambda number: done.append(number) or threading.get_ident(), [1, 2])
    assert done == []
    assert (next(answers), done) == (threading.get_ident(), [1])


def test_answers_come_in_the_order_of_the_questions_whoever_is_ready_first():
    second_is_done = threading.Event()

    def work(number):
        if number == 1:
            assert second_is_done.wait(60)
        else:
            second_is_done.set()
        return number

    with ThreadPoolExecutor(2) as threads, over(threads):
        assert list(each(work, [1, 2])) == [1, 2]


def test_an_error_is_raised_when_what_runs_beside_it_has_ended():
    begun, failed, ended = threading.Event(), threading.Event(), []

    def work(number):
        if number == 0:
            assert begun.wait(60)
            failed.set()
            raise ValueError("the first")
        begun.set()
        assert failed.wait(60)
        ended.append(number)

    with ThreadPoolExecutor(2) as threads, over(threads):
        with pytest.raises(ValueError, match="the first"):
            list(each(work, range(9)))
        assert begun.is_set()
        here = len(ended)
        list(each(lambda _: None, range(9)))
        assert len(ended) == here, "nothing of it was still to come"


def test_a_worker_never_waits_for_another_one():
    with ThreadPoolExecutor(1) as threads, over(threads):
        inner = list(each(lambda outer: list(each(lambda one: one + outer, [1, 2])), [10, 20]))
    assert inner == [[11, 12], [21, 22]]


def test_one_question_is_asked_here():
    with ThreadPoolExecutor(2) as threads, over(threads):
        assert list(each(lambda _: threading.get_ident(), [1])) == [threading.get_ident()]


def test_own_threads_are_used_only_where_nobody_handed_some():
    def names():
        return {name[:4] for name in each(lambda _: threading.current_thread().name, [1, 2, 3])}

    with own_threads(2):
        assert names() == {"Thre"}
    with ThreadPoolExecutor(1, thread_name_prefix="mine") as threads, over(threads), own_threads(2):
        assert names() == {"mine"}
