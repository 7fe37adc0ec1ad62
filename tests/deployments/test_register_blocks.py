"""Blocks are registered by one command that may be run again and again."""

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.deployments.conftest import OnDemand, Prefect, Registered

KINDS = {"nightmend-orchestrator", "nightmend-sandbox", "nightmend-thresholds"}
SAVE_WRONG = """
from prefect.client.orchestration import get_client
from blocks.load import configured
from blocks.thresholds import Thresholds
identifier = Thresholds(pep8_compliance=90).save("nightmend", overwrite=True)
with get_client(sync_client=True) as client:
    path = f"/block_documents/{identifier}"
    client._client.patch(path, json={"data": {"pep8_compliance": 400}}).raise_for_status()
from nightmend.errors import UsageError
try:
    configured()
except UsageError as error:
    print(error)
finally:
    Thresholds(documentation_coverage=12).save("nightmend", overwrite=True)
"""
SAVE_AND_LOAD = """
from pathlib import Path
from blocks.orchestrator import Orchestrator
from blocks.sandbox import Sandbox
from blocks.thresholds import Thresholds
for block in (
    Orchestrator(retry_attempts=7, log_level="DEBUG"),
    Sandbox(base_directory=Path("/var/tmp/boxes"), max_cpu_time=1.5),
    Thresholds(response_seconds=0.25, high_severity_open=4),
):
    block.save("round-trip")
    loaded = type(block).load("round-trip")
    assert loaded.settings() == block.settings() != type(block)().settings(), loaded
    print(type(block).__name__)
"""
pytestmark = pytest.mark.night


def test_the_first_time_registers_every_kind_of_block(prefect: "Prefect", registered: "Registered") -> None:
    assert registered.first.returncode == 0, registered.first.stderr
    assert all(f"{kind}/nightmend" in registered.first.stdout for kind in KINDS)
    assert {block["slug"] for block in prefect.all("block_types")} >= KINDS


def test_the_second_time_is_idle_and_keeps_what_people_set(
    prefect: "Prefect", registered: "Registered"
) -> None:
    assert registered.changed.returncode == 0, registered.changed.stderr
    assert registered.second.stdout == "registered: nothing new\n"
    documents = values(prefect)
    assert documents["nightmend-orchestrator"]["max_concurrent_agents"] == 2
    assert documents["nightmend-thresholds"]["documentation_coverage"] == 12
    assert documents["nightmend-sandbox"]["cleanup_interval"] == 3600


def test_a_block_is_loaded_as_it_was_saved(prefect: "Prefect", registered: "Registered") -> None:
    done = prefect.run("python", "-P", "-c", SAVE_AND_LOAD)
    assert done.stdout.split() == ["Orchestrator", "Sandbox", "Thresholds"], done.stderr


def test_a_night_goes_by_what_people_set(night: "OnDemand") -> None:
    agents = {agent["name"]: agent for phase in night.report["phases"] for agent in phase["agents"]}
    assert agents["master_orchestrator"]["metrics"]["max_concurrent_agents"] == 2
    repairing = {
        agents[name]["pid"]
        for name in ("agent_framework_repair", "model_system_repair", "data_pipeline_repair")
    }
    assert len(repairing) == 2
    gates = {gate["name"]: gate for phase in night.report["phases"] for gate in phase["gates"]}
    assert gates["documentation_coverage"]["target"] == 12
    assert gates["type_hint_coverage"]["target"] == 80


def test_a_value_that_cannot_be_used_is_named_and_not_replaced_by_a_default(
    prefect: "Prefect", registered: "Registered"
) -> None:
    done = prefect.run("python", "-P", "-c", SAVE_WRONG)
    assert "nightmend-thresholds/nightmend cannot be used: pep8_compliance is 400" in done.stdout, done.stderr


def test_an_api_that_does_not_answer_is_told_in_a_sentence(tmp_path: Path) -> None:
    nowhere = {"PREFECT_API_URL": "http://127.0.0.1:9/api", "PREFECT_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "deployments.register_blocks"],
        env=os.environ | nowhere, capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 3
    assert "http://127.0.0.1:9/api does not answer" in done.stderr
    assert "Traceback" not in done.stderr


def values(prefect: "Prefect") -> dict[str, dict[str, Any]]:
    """The values of our blocks by kind."""
    documents = [one for one in prefect.all("block_documents") if one["name"] == "nightmend"]
    return {document["block_type"]["slug"]: document["data"] for document in documents}
