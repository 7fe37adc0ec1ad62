"""How many runs may go at once: one a processor, shared, and never more than a person allows."""

import os
import threading

import pytest

from nightmend.night import Night
from nightmend.settings import OrchestratorSettings
from nightmend.snapshot import Snapshot
from nightmend.workers import each
from tasks.workers import count, workers


@pytest.fixture
def night(monkeypatch):
    def made(processors, agents=10, only=()):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(processors)))
        return Night(
            run="test", target="/target", home="/home", base_commit="0", base=Snapshot(tree="0" * 40),
            profile="ratchet", python="python", only=only,
            orchestrator=OrchestratorSettings(max_concurrent_agents=agents),
        )  # fmt: skip

    return made


def test_one_run_a_processor_where_one_agent_works(night):
    assert [count(night(number), "code_quality") for number in (1, 2, 8)] == [1, 2, 8]


def test_agents_that_work_beside_each_other_share_the_processors(night):
    name = "data_pipeline_repair"
    assert [count(night(number), name) for number in (1, 2, 6, 8)] == [1, 1, 2, 2]
    assert count(night(8, only=(name,)), name) == 8


def test_never_more_than_a_person_allows(night):
    assert count(night(64, agents=4), "code_quality") == 4
    assert count(night(64, agents=1), "model_system_repair") == 1


def test_the_engine_gets_so_many_threads_and_has_them_no_longer_afterwards(night):
    both = threading.Barrier(2, timeout=60)
    with workers(night(2)):
        assert sorted(each(lambda _: both.wait(), "ab")) == [0, 1]
    assert list(each(lambda _: threading.current_thread(), "ab")) == [threading.current_thread()] * 2
