import json

import pytest

from agents import AgentRegistry, BaseAgent, RegistrationError, default_registry
from agents.core.errors import ConfigError
from agents.ingest_agent import IngestAgent
from agents.registry import load_class, read_settings


def test_the_built_in_agents():
    assert default_registry().names() == ["forecast", "ingest", "notifier", "report"]


def test_an_agent_is_made_started_with_its_settings():
    agent = default_registry().create("notifier", outbox="x")
    assert (agent.state.value, agent.settings) == ("ready", {"outbox": "x"})


def test_an_unknown_agent_names_the_known_ones():
    with pytest.raises(RegistrationError, match="known: forecast, ingest"):
        default_registry().create("oracle")


def test_a_name_is_registered_once():
    registry = AgentRegistry()
    registry.register("a", BaseAgent)
    with pytest.raises(RegistrationError, match="already"):
        registry.register("a", BaseAgent)
    registry.register("a", IngestAgent, replace=True)
    assert isinstance(registry.create("a"), IngestAgent)


def test_only_agents_are_registered():
    with pytest.raises(RegistrationError, match="no agent class"):
        AgentRegistry().register("a", dict)


def test_who_may_do_what():
    registry = default_registry()
    assert registry.allowed("send") == ["notifier"]
    registry.register("base", BaseAgent)
    assert registry.allowed("send") == ["base", "notifier"]
    assert registry.permission_count() == 8


def test_a_class_by_reference():
    assert load_class("agents.ingest_agent:IngestAgent") is IngestAgent


def test_a_missing_class_hides_the_lookup():
    with pytest.raises(ConfigError, match="no class Nobody") as caught:
        load_class("agents.ingest_agent:Nobody")
    assert caught.value.__suppress_context__


def test_a_missing_module_is_shown_as_it_is():
    with pytest.raises(ModuleNotFoundError, match="agents.nothing"):
        load_class("agents.nothing:Agent")


def test_settings_are_read(tmp_path):
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"report": {"folder": "out"}}))
    assert read_settings(path) == {"report": {"folder": "out"}}


def test_no_settings_are_the_defaults(tmp_path):
    assert read_settings(tmp_path / "none.json") == {}


@pytest.mark.parametrize(("text", "message"), [("{", "not JSON"), ('{"oracle": {}}', "unknown agents: oracle")])
def test_bad_settings(tmp_path, text, message):
    path = tmp_path / "settings.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_settings(path)
