"""Whoever starts a second night on a target is refused at once: the command line, and every flow."""

import pytest

from nightmend.errors import PrerequisiteError
from nightmend.git.target import Target
from nightmend.recovery.lock import alone
from tests.flows.driving import House, shop

pytestmark = pytest.mark.integration


@pytest.fixture
def worked_on(tmp_path, monkeypatch):
    """A target that a night works on, and the house of whoever comes second."""
    house, target = House(tmp_path / "home"), shop(tmp_path / "shop")
    monkeypatch.setenv("NIGHTMEND_HOME", str(house.home))
    with alone(house.home, Target.open(target), "night") as note_run:
        note_run("20261127-020000")
        yield house, target


def test_the_command_line_says_who_works_before_any_server_starts(worked_on):
    house, target = worked_on
    for command in ("recover", "prove --ref HEAD"):
        verb, *options = command.split()
        outcome = house.run(verb, target, *options)
        assert outcome.code == 3, outcome.said
        assert "is being worked on: night 20261127-020000 (process" in outcome.done.stderr
        assert len(outcome.done.stderr.splitlines()) == 1
    assert not (house.home / "prefect-server.log").exists()


def test_flows_of_a_deployment_refuse_too(worked_on):
    from flows.prove import prove
    from flows.recover import recover
    from flows.rollback import rollback

    _, target = worked_on
    nights = {
        recover: {"target": str(target)},
        prove: {"target": str(target), "diff": "/dev/null"},
        rollback: {"target": str(target), "name": "run/repairs"},
    }
    for flow, parameters in nights.items():
        with pytest.raises(PrerequisiteError, match="is being worked on: night 20261127-020000"):
            flow.fn(**parameters)
