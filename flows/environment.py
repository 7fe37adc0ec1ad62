"""Set up Prefect's environment for a night started from a terminal, before Prefect is imported."""

import os
from pathlib import Path

from nightmend.recovery.results import OWN

TERMINAL = "NIGHTMEND_TERMINAL"
"""Set by the command line for itself: progress goes to the terminal as well."""
PRIVATE = "NIGHTMEND_PRIVATE_SERVER"
"""Set where the Prefect server is ours, and ends with us."""
QUIET = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_ENABLE_TELEMETRY": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_LOGGING_LEVEL": "INFO",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",  # people read sentences; the UI has the rest
    "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
    "PREFECT_INTERNAL_LOGGING_LEVEL": "CRITICAL",  # else a server that died fills the terminal
    "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
    "DASK_LOGGING__DISTRIBUTED": "critical",
    "DASK_DISTRIBUTED__LOGGING__DISTRIBUTED": "critical",
}


def prepare_environment(home: Path) -> None:
    """Set what the person did not set: no telemetry, quiet logs, and all state below `home`."""
    os.environ.setdefault("PREFECT_LOCAL_STORAGE_PATH", str(home / OWN))
    os.environ.setdefault("DASK_TEMPORARY_DIRECTORY", str(home / "dask"))
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    if not {"PREFECT_API_URL", "PREFECT_PROFILE", "PREFECT_HOME"} & os.environ.keys():
        (home / "prefect").mkdir(parents=True, exist_ok=True)
        os.environ["PREFECT_HOME"] = str(home / "prefect")
