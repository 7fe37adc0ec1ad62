import pytest

from nightmend.errors import NightmendError
from nightmend.recovery.states import AgentState, AgentStates


@pytest.fixture
def states(tmp_path):
    return AgentStates(tmp_path / "agents")


def files(states):
    return {path.name: path.read_bytes() for path in states.folder.iterdir()}


def test_an_agent_that_was_never_deployed_has_no_state(states):
    assert states.read("code_quality") is None
    assert states.capture() == ()


def test_a_state_is_read_as_it_was_written(states):
    written = states.write("code_quality", "registered", "three patterns")
    assert states.read("code_quality") == written
    assert AgentStates(states.folder).read("code_quality") == written


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"agent": "code_quality"}',
        b'{"agent": "code_quality", "status": "gone", "since": 1}',
    ],
    ids=["empty", "cut off", "no text", "fields missing", "unknown status"],
)
def test_a_corrupt_state_is_an_error_that_names_the_file(states, content):
    states.folder.mkdir()
    path = states.folder / "code_quality.json"
    path.write_bytes(content)
    with pytest.raises(NightmendError, match=rf"code_quality in {path} is corrupt .*delete it"):
        states.read("code_quality")


def test_the_state_of_another_agent_is_corrupt_too(states):
    states.write("code_quality", "registered")
    (states.folder / "code_quality.json").rename(states.folder / "sandbox_manager.json")
    with pytest.raises(NightmendError, match="it is the state of code_quality"):
        states.read("sandbox_manager")


def test_a_corrupt_state_costs_only_its_own_agent(states):
    kept = states.write("sandbox_manager", "registered")
    states.write("code_quality", "registered")
    (states.folder / "code_quality.json").write_bytes(b"{")
    assert states.capture() == (kept,)


def test_states_are_captured_in_the_order_of_the_agents(states):
    for agent in ("documentation_update", "master_orchestrator", "code_quality"):
        states.write(agent, "registered")
    captured = [state.agent for state in states.capture()]
    assert captured == ["master_orchestrator", "code_quality", "documentation_update"]


def test_restoring_makes_later_agents_undeployed_again(states):
    states.write("sandbox_manager", "registered")
    captured = states.capture()
    states.write("sandbox_manager", "failed", "later")
    states.write("code_quality", "registered")
    states.restore(captured)
    assert states.capture() == captured


def test_corrupt_states_are_set_aside_and_no_others(states):
    kept = states.write("sandbox_manager", "registered")
    states.write("code_quality", "registered")
    path = states.folder / "code_quality.json"
    path.write_text("{")
    assert states.set_aside_damaged() == (states.folder / "code_quality.json.damaged",)
    assert states.read("code_quality") is None
    assert states.capture() == (kept,)
    assert states.set_aside_damaged() == ()


def test_a_backup_brings_every_byte_back_the_corrupt_ones_too(states):
    states.write("sandbox_manager", "registered")
    (states.folder / "code_quality.json").write_bytes(b"\xff broken")
    before, backup = files(states), states.backup()
    states.write("sandbox_manager", "failed")
    states.write("code_quality", "registered")
    states.write("documentation_update", "registered")
    states.bring_back(backup)
    assert files(states) == before


def test_forgetting_twice_is_once(states):
    states.put(AgentState(agent="code_quality", status="registered", since=1))
    states.forget("code_quality")
    states.forget("code_quality")
    assert states.read("code_quality") is None
