"""Errors that agents raise on purpose. Anything else is a bug."""


class AgentError(Exception):
    """Base of all errors of this service."""


class RegistrationError(AgentError):
    """An agent is unknown, registered twice, or may not do what it was asked to."""


class ConfigError(AgentError):
    """The configuration of the service cannot be read or makes no sense."""


class TaskFailed(AgentError):
    """A task could not be done; `task_id` says which."""

    def __init__(self, task_id: str, reason: str) -> None:
        super().__init__(f"task {task_id} failed: {reason}")
        self.task_id = task_id
        self.reason = reason
