import logging

from nightmend.privacy.masking import masked
from nightmend.settings import LogLevel

RUNS = ("prefect.flow_runs", "prefect.task_runs")
"""The loggers of a night: what they let through reaches Prefect, in this process and in each Dask worker."""


class NoSecrets(logging.Filter):
    """Masks likely secrets in what is logged, tracebacks included."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask the record; none is held back."""
        record.msg, record.args = masked(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = masked(logging.Formatter().formatException(record.exc_info))
        return True


def log_from(level: LogLevel) -> None:
    """Let this process log nothing below a level, and no likely secret."""
    for name in RUNS:
        logger = logging.getLogger(name)
        logger.setLevel(level)
        for handler in logger.handlers:
            if not any(isinstance(one, NoSecrets) for one in handler.filters):
                handler.addFilter(NoSecrets())
