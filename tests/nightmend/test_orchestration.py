import pickle

import pytest

from nightmend.agent import SelfTest
from nightmend.agents import AGENTS, DEPENDENCIES, PHASES, phase_of
from nightmend.errors import SandboxError, SilentAgentError, UsageError, ValidationError
from nightmend.orchestration import AgentRegistry, Progress, deployment_order, validate_progressively
from nightmend.results import AgentResult


class Idle:
    def __init__(self, name):
        self.name = name

    def self_test(self):
        return SelfTest(checks=())


def test_the_order_is_the_specifications():
    assert deployment_order() == AGENTS


def test_every_agent_comes_behind_what_it_depends_on_however_the_table_is_written():
    order = deployment_order(dict(reversed(DEPENDENCIES.items())))
    assert sorted(order) == sorted(AGENTS)
    for agent, needed in DEPENDENCIES.items():
        assert all(order.index(other) < order.index(agent) for other in needed)


def test_a_circle_is_named():
    circle = {**DEPENDENCIES, "master_orchestrator": ("sandbox_manager",)}
    with pytest.raises(UsageError, match=r"in a circle: .* > ") as raised:
        deployment_order(circle)
    named = str(raised.value).partition("circle: ")[2].split(" > ")
    assert set(named) == {"master_orchestrator", "sandbox_manager"}
    assert named[0] == named[-1]


def test_what_is_registered_is_found_by_name():
    registry, first, second = AgentRegistry(), Idle("sandbox_manager"), Idle("sandbox_manager")
    registry.register_agent(first)
    registry.register_agent(Idle("code_quality"))
    registry.register_agent(second)
    assert registry.get_agent("sandbox_manager") is second
    assert registry.names == ("sandbox_manager", "code_quality")


def test_an_agent_that_is_not_deployed_is_named_beside_those_that_are():
    registry = AgentRegistry()
    with pytest.raises(UsageError, match=r"'code_quality' is not registered \(registered: none\)"):
        registry.get_agent("code_quality")
    registry.register_agent(Idle("sandbox_manager"))
    with pytest.raises(UsageError, match=r"registered: sandbox_manager"):
        registry.get_agent("code_quality")


def test_an_eleventh_agent_is_refused():
    with pytest.raises(UsageError, match="'tenth_wheel' is not one of the ten"):
        AgentRegistry().register_agent(Idle("tenth_wheel"))


@pytest.mark.parametrize(
    ("assigned", "finished", "percent"), [(0, 0, 100.0), (4, 0, 0.0), (4, 3, 75.0), (3, 3, 100.0)]
)
def test_progress_is_the_share_of_finished_tasks(assigned, finished, percent):
    assert Progress(assigned=assigned, finished=finished, succeeded=0).completion_percentage == percent


def test_every_step_belongs_to_one_phase():
    assert [phase_of(phase) for phase in PHASES] == list(PHASES)
    assert phase_of("async_optimization") == "optimization"
    assert {phase_of(agent) for agent in AGENTS} == set(PHASES)


def result_of(name):
    return AgentResult(agent=name, seconds=1, started=1, pid=1)


def registry_of(*names):
    registry = AgentRegistry()
    for name in names:
        registry.register_agent(Idle(name))
    return registry


QUALITY = ("code_quality", "documentation_update")


def test_a_phase_whose_agents_all_worked_gives_their_results():
    outcomes = {name: result_of(name) for name in QUALITY}
    assert validate_progressively(registry_of(*QUALITY), "quality", outcomes) == tuple(outcomes.values())


def test_every_failed_agent_of_a_phase_is_named_in_one_sentence():
    silent = SilentAgentError("agent code_quality gave no sign of life for 5 seconds")
    outcomes = {"code_quality": silent, "documentation_update": KeyError("page")}
    with pytest.raises(ValidationError) as raised:
        validate_progressively(registry_of(*QUALITY), "quality", outcomes)
    assert str(raised.value) == (
        "phase quality was rolled back: agent code_quality gave no sign of life for 5 seconds; "
        "agent documentation_update failed: KeyError: 'page'"
    )
    assert raised.value.__cause__ is silent


def test_one_failed_agent_is_enough():
    outcomes = {"code_quality": result_of("code_quality"), "documentation_update": SandboxError("no room")}
    with pytest.raises(ValidationError, match="agent documentation_update failed: no room") as raised:
        validate_progressively(registry_of(*QUALITY), "quality", outcomes)
    assert raised.value.exit_code == SandboxError.exit_code
    assert pickle.loads(pickle.dumps(raised.value)).exit_code == SandboxError.exit_code


def test_an_agent_that_was_never_deployed_validates_nothing():
    with pytest.raises(UsageError, match="'code_quality' is not registered"):
        validate_progressively(AgentRegistry(), "quality", {"code_quality": result_of("code_quality")})


def test_an_error_of_many_lines_is_told_in_one():
    with pytest.raises(ValidationError) as raised:
        validate_progressively(
            registry_of("code_quality"),
            "quality",
            {"code_quality": ValueError("2 errors\n  a: wrong\n  b: too")},
        )
    assert str(raised.value).endswith("agent code_quality failed: ValueError: 2 errors a: wrong b: too")
