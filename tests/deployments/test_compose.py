"""What compose.yaml says, read as data: the workers share no folder, and only this machine reaches them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

FILE = Path(__file__).resolve().parent.parent.parent / "deployments" / "compose.yaml"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(FILE.read_text())["services"]
WORKERS = ("worker-1", "worker-2")


@pytest.mark.parametrize("name", SERVICES)
def test_every_port_is_on_loopback(name: str) -> None:
    assert "network_mode" not in SERVICES[name]
    for port in SERVICES[name].get("ports", ()):
        assert port.startswith("127.0.0.1:")


def test_only_the_scheduler_is_reached_from_outside() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["scheduler"]


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_has_one_thread_and_no_folder_of_anyone(name: str) -> None:
    command = SERVICES[name]["entrypoint"]
    assert command[:3] == ["dask", "worker", "tcp://scheduler:8786"]
    assert command[command.index("--nthreads") + 1] == "1"
    assert "volumes" not in SERVICES[name]


def test_the_night_uses_the_workers() -> None:
    command = SERVICES["night"]["command"]
    assert command[command.index("--dask-address") + 1] == "tcp://scheduler:8786"
    assert SERVICES["night"]["profiles"] == ["night"], "it is not started with the cluster"
