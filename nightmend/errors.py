"""Errors a person reads: one sentence that says what, where, and what to do.

Each takes only positional strings, so that it survives a pickle round trip to and from a Dask worker.
`exit_code` is what the command line ends with.
"""

from nightmend.privacy.masking import masked


class NightmendError(Exception):
    """Anything that nightmend reports in one sentence instead of a traceback; likely secrets are masked."""

    exit_code = 1

    def __init__(self, *sentence: str) -> None:
        super().__init__(*map(masked, sentence))


class UsageError(NightmendError):
    """The caller asked for something that cannot be done: a wrong path, field or value."""

    exit_code = 2


class PrerequisiteError(NightmendError):
    """The machine cannot run a night; the sentence says what is needed and how to get it."""

    exit_code = 3


class SandboxError(NightmendError):
    """The sandbox itself failed; a command that failed inside it is a result, not an error."""

    exit_code = 3


class EndedError(SandboxError):
    """Somebody else ended a sandbox, which says nothing of the machine, nor of the command."""


class SilentAgentError(NightmendError):
    """An agent gave no sign of life for longer than `default_timeout`, and was ended with its sandboxes."""


class DeploymentError(NightmendError):
    """An agent could not be deployed; its checkpoint was restored."""


class ValidationError(NightmendError):
    """A safety gate is closed; the phase was rolled back."""


class RollbackError(NightmendError):
    """A rollback could not be finished; the sentence says which state stands."""
