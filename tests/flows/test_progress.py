"""What the terminal says of an agent that has ended."""

import pytest

from flows.progress import _agent
from nightmend.results import AgentResult


@pytest.mark.parametrize(
    ("metrics", "told"),
    [
        ({"tests": 9, "tests_passed": 7}, "one: 1.5 s, 7 of 9 tests pass"),
        ({"tests": 0, "tests_passed": 0}, "one: 1.5 s, no test ran"),
        ({"tests": 9}, "one: 1.5 s"),
        ({"tried": 3, "kept": 2}, "one: 1.5 s, 2 of 3 repairs kept"),
    ],
)
def test_an_agent_says_what_it_did(metrics, told):
    assert _agent(AgentResult(agent="one", seconds=1.5, started=0, pid=1, metrics=metrics)) == told
