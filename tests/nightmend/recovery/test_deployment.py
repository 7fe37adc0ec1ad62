"""An agent that cannot be deployed leaves everything as it was, is reported, and raises DeploymentError."""

import shutil

import pytest

import tasks.system_diagnostics as diagnostics
from nightmend.agent import Check, SelfTest
from nightmend.errors import DeploymentError
from nightmend.patterns.loader import FOLDER
from nightmend.recovery.deployment import AgentConfig, AgentDeploymentManager
from nightmend.recovery.states import AgentStates
from tasks.agent_framework_repair import AgentFrameworkRepairAgent
from tasks.system_diagnostics import SystemDiagnosticsAgent


class Healthy:
    name = "code_quality"

    def self_test(self):
        return SelfTest(checks=(Check(name="works", passed=True),))


class Site:
    """Where agents are deployed: their states, who is registered, what was reported."""

    def __init__(self, folder):
        self.states = AgentStates(folder)
        self.registered = []
        self.reports = []
        self.manager = AgentDeploymentManager(self.states, self, self.reports.append)

    def register_agent(self, agent):
        self.registered.append(agent)

    def deploy(self, name, factory):
        return self.manager.deploy_agent_with_rollback(AgentConfig(name=name, factory=factory))

    def files(self):
        return {path.name: path.read_bytes() for path in self.states.folder.glob("*")}


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path / "agents")


def refuse(site, name, factory, match):
    """Deploy an agent that must fail, and check all that has to hold afterwards."""
    before = site.files()
    with pytest.raises(DeploymentError, match=match) as raised:
        site.deploy(name, factory)
    assert name in str(raised.value)
    assert "\n" not in str(raised.value)
    assert site.files() == before
    assert site.registered == []
    assert site.manager.self_tests == {}
    assert site.reports == [str(raised.value)]


def test_a_sound_agent_is_deployed_validated_and_registered(site):
    agent = site.deploy("code_quality", Healthy)
    assert site.registered == [agent]
    assert site.states.read("code_quality").status == "registered"
    assert site.manager.self_tests["code_quality"].status == "PASS"
    assert site.reports == []


def test_a_missing_tool(site, workspace_of, monkeypatch):
    night = workspace_of({"a.py": "a = 1\n"}).night
    monkeypatch.setattr(diagnostics, "TOOLS", ("ruff", "no_such_linter"))
    refuse(
        site, "system_diagnostics", lambda: SystemDiagnosticsAgent(night),
        "self-test failed: no_such_linter: no_such_linter does not start",
    )  # fmt: skip


def test_a_missing_tool_leaves_the_state_of_the_last_good_deployment(site, workspace_of, monkeypatch):
    night = workspace_of({"a.py": "a = 1\n"}).night
    site.states.write("system_diagnostics", "registered", "of yesterday")
    monkeypatch.setattr(diagnostics, "TOOLS", ("no_such_linter",))
    refuse(site, "system_diagnostics", lambda: SystemDiagnosticsAgent(night), "no_such_linter")


BREAKS = {
    "no TOML": lambda text: text.replace("why =", "why"),
    "a field missing": lambda text: text.replace("safety = ", "safeti = "),
    "a value out of range": lambda text: text.replace('safety = "needs-tests"', 'safety = "surely"'),
    "an example that is not so": lambda text: text.replace("    except Exception:", "    except OSError:", 1),
}


@pytest.fixture
def agent_with_patterns(tmp_path):
    """Make the agent of the folder `patterns`, which holds a copy of its own patterns."""
    folder = tmp_path / "patterns"
    name = AgentFrameworkRepairAgent.name
    shutil.copytree(FOLDER / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))

    class Copied(AgentFrameworkRepairAgent):
        pass

    Copied.folder = folder
    return Copied, folder / name / "bare_except.toml"


@pytest.mark.parametrize("damage", BREAKS.values(), ids=BREAKS)
def test_a_broken_pattern_file(site, workspace_of, agent_with_patterns, damage):
    agent, file = agent_with_patterns
    night = workspace_of({"a.py": "a = 1\n"}).night
    broken = damage(file.read_text())
    assert broken != file.read_text()
    file.write_text(broken)
    refuse(site, "agent_framework_repair", lambda: agent(night), "bare.except")


def test_a_broken_module_beside_a_pattern(site, workspace_of, agent_with_patterns):
    agent, file = agent_with_patterns
    night = workspace_of({"a.py": "a = 1\n"}).night
    file.with_suffix(".py").write_text("def find(module:\n")
    refuse(site, "agent_framework_repair", lambda: agent(night), "bare_except")


def test_the_copied_patterns_are_sound_before_they_are_broken(site, workspace_of, agent_with_patterns):
    agent, _ = agent_with_patterns
    night = workspace_of({"a.py": "a = 1\n"}).night
    site.deploy("agent_framework_repair", lambda: agent(night))
    checks = site.manager.self_tests["agent_framework_repair"].checks
    assert {check.name for check in checks} >= {"bare-except", "raise-without-cause"}


@pytest.mark.parametrize("content", [b"{", b"\xff"], ids=["cut off", "no text"])
def test_a_corrupt_state(site, content):
    site.states.folder.mkdir()
    (site.states.folder / "code_quality.json").write_bytes(content)
    refuse(site, "code_quality", Healthy, r"code_quality.json is corrupt .*delete it")


def test_a_state_that_cannot_be_read_at_all(site):
    (site.states.folder / "code_quality.json").mkdir(parents=True)
    with pytest.raises(DeploymentError, match="IsADirectoryError"):
        site.deploy("code_quality", Healthy)
    assert site.registered == []
    assert len(site.reports) == 1


def test_an_agent_that_cannot_even_be_made(site):
    def explode():
        raise KeyError("settings")

    refuse(site, "code_quality", explode, "KeyError: 'settings'")


def test_an_agent_that_the_orchestrator_refuses(site):
    def full(agent):
        raise RuntimeError("no room")

    site.register_agent = full
    refuse(site, "code_quality", Healthy, "RuntimeError: no room")
