import logging

from nightmend.settings import LogLevel

RUNS = ("prefect.flow_runs", "prefect.task_runs")
"""The loggers of a night: what they let through reaches Prefect, in this process and in each Dask worker."""


def log_from(level: LogLevel) -> None:
    """Let this process log nothing below a level."""
    for name in RUNS:
        logging.getLogger(name).setLevel(level)
