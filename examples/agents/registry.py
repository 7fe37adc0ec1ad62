"""Which agents exist, what each may do, and how one is made."""

import json
import logging
from importlib import import_module
from pathlib import Path
from typing import Any

from agents.core.base_agent import BaseAgent
from agents.core.errors import AgentError, ConfigError, RegistrationError

logger = logging.getLogger(__name__)

BUILT_IN = {
    "ingest": ("agents.ingest_agent:IngestAgent", ["load", "merge"]),
    "forecast": ("agents.forecast_agent:ForecastAgent", ["predict", "backtest"]),
    "report": ("agents.report_agent:ReportAgent", ["daily", "table"]),
    "notifier": ("agents.notifier_agent:NotifierAgent", ["send", "digest"]),
}


class AgentRegistry:
    """Agents by name. A name is registered once; `replace=True` says that you mean it."""

    def __init__(self) -> None:
        self._classes: dict[str, type[BaseAgent]] = {}
        self._permissions: dict[str, tuple[str, ...]] = {}

    def register(self, name: str, agent_class: type[BaseAgent], permissions=(), replace=False):
        """Add an agent class under a name. Raises RegistrationError where the name is taken."""
        if name in self._classes and not replace:
            raise RegistrationError(f"agent {name} is registered already")
        if not (isinstance(agent_class, type) and issubclass(agent_class, BaseAgent)):
            raise RegistrationError(f"{agent_class!r} is no agent class")
        self._classes[name] = agent_class
        self._permissions[name] = tuple(permissions)

    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._classes)

    def create(self, name: str, **settings: Any) -> BaseAgent:
        """Make a started agent."""
        try:
            agent_class = self._classes[name]
        except KeyError:
            known = ", ".join(self.names()) or "none"
            raise RegistrationError(f"no agent is called {name!r} (known: {known})")
        agent = agent_class(self._permissions[name], settings)
        agent.start()
        return agent

    def allowed(self, action: str) -> list[str]:
        """Names of the agents that may do an action."""
        names = []
        for name, permissions in self._permissions.items():
            if not permissions or action in permissions:
                names.append(name)
        return sorted(names)

    def permission_count(self) -> int:
        """Permissions of all agents together."""
        total = 0
        for name, permissions in self._permissions.items():
            total += len(permissions)
        return total


def load_class(reference: str) -> type[BaseAgent]:
    """Import `module:Class`. An import error of the module itself is shown as it is."""
    module_name, _, class_name = reference.partition(":")
    try:
        module = import_module(module_name)
    except ImportError:
        raise
    try:
        return getattr(module, class_name)
    except AttributeError:
        # the traceback of getattr says nothing that the sentence does not say
        raise ConfigError(f"{module_name} has no class {class_name}") from None


def default_registry() -> AgentRegistry:
    """The agents that come with the service."""
    registry = AgentRegistry()
    for name, (reference, permissions) in BUILT_IN.items():
        registry.register(name, load_class(reference), permissions)
    return registry


def read_settings(path: str | Path) -> dict[str, dict[str, Any]]:
    """Settings of each agent, from a JSON file written by people. Unknown agents are an error."""
    try:
        settings = json.load(open(path))
    except FileNotFoundError:
        logger.info("no settings in %s, using the defaults", path)
        return {}
    except ValueError as error:
        raise ConfigError(f"{path} is not JSON: {error}")
    unknown = sorted(set(settings) - set(BUILT_IN))
    if unknown:
        raise ConfigError("settings for unknown agents: " + ", ".join([name for name in unknown]))
    return settings
