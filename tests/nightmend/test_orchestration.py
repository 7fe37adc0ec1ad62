import pytest

from nightmend.agent import SelfTest
from nightmend.agents import AGENTS, DEPENDENCIES, PHASES, phase_of
from nightmend.errors import UsageError
from nightmend.orchestration import AgentRegistry, Progress, deployment_order


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
