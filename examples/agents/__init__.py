"""The agents of the service. Import them from here: the modules behind it move around."""

from agents.core.base_agent import AgentState, BaseAgent
from agents.core.errors import AgentError, RegistrationError, TaskFailed
from agents.core.messages import Task, TaskResult
from agents.registry import AgentRegistry, default_registry
