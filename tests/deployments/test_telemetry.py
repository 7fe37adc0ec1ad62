"""Nothing is told to anybody: telemetry is off in our processes, in the private server, and in flow runs."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psutil
import pytest

if TYPE_CHECKING:
    from tests.deployments.conftest import Prefect

OFF = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
ASK = """
import json, sys
from pathlib import Path
from flows.environment import prepare_environment
prepare_environment(Path(sys.argv[1]))
from prefect._internal.analytics import is_telemetry_enabled
from prefect.settings import get_current_settings
print(json.dumps([is_telemetry_enabled(), get_current_settings().server.analytics_enabled]))
"""


def test_a_night_from_the_terminal_tells_nobody(tmp_path: Path) -> None:
    # a machine that builds automatically is not tracked anyway: without its variables the answer is ours
    ours = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    command = [sys.executable, "-P", "-c", ASK, str(tmp_path)]
    done = subprocess.run(command, env=ours, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [False, False]


@pytest.mark.night
def test_the_private_server_tells_nobody(prefect: "Prefect") -> None:
    assert prefect.ask("admin/settings")["server"]["analytics_enabled"] is False
    port = str(urlsplit(prefect.url).port)
    (server,) = [
        process
        for process in psutil.process_iter()
        if "prefect.server.api.server:create_app" in cmdline(process) and port in cmdline(process)
    ]
    environment = server.environ()
    assert {name: environment.get(name) for name in OFF} == OFF
    assert "telemetry" not in (prefect.folder / "server" / "prefect-server.log").read_text()


def cmdline(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
