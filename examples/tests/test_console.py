import pytest

from agents.console import Console, NotAllowed


@pytest.fixture
def console():
    return Console({"ana": {"pause", "resume", "retire", "note"}, "bo": {"note"}})


def test_agents_are_paused_resumed_and_retired(console):
    console.pause("ana", "report")
    assert console.working(["ingest", "report"]) == ["ingest"]
    console.resume("ana", "report")
    console.retire("ana", "ingest")
    assert console.working(["ingest", "report"]) == ["report"]


def test_not_everybody_may_do_everything(console):
    console.note("bo", "all quiet")
    assert console.notes == ["bo: all quiet"]
    with pytest.raises(NotAllowed, match="bo is not allowed to pause"):
        console.pause("bo", "report")
