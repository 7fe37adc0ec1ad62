"""Blocks hold what differs between installations, with the specification's names and defaults."""

from pathlib import Path

import pytest
from prefect.blocks.core import Block
from pydantic import ValidationError

from blocks.load import BLOCKS
from blocks.orchestrator import Orchestrator
from blocks.sandbox import Sandbox
from nightmend.settings import OrchestratorSettings, SandboxSettings, Thresholds


@pytest.mark.parametrize("kind", BLOCKS)
def test_every_field_is_described_and_the_slug_is_ours(kind: type[Block]) -> None:
    assert kind.get_block_type_slug().startswith("nightmend-")
    own = {name: field for name, field in kind.model_fields.items() if name not in Block.model_fields}
    assert own
    assert [name for name, field in own.items() if not field.description] == []


def test_the_orchestrator_has_the_five_fields_of_the_specification() -> None:
    settings = Orchestrator().settings()
    assert settings == OrchestratorSettings()
    assert settings.model_dump() == {
        "max_concurrent_agents": 10,
        "default_timeout": 300,
        "retry_attempts": 3,
        "health_check_interval": 60,
        "log_level": "INFO",
    }


def test_the_sandbox_has_the_five_fields_of_the_specification() -> None:
    settings = Sandbox().settings()
    assert settings == SandboxSettings()
    assert settings.base_directory == Path("/tmp/agent_sandboxes")
    assert (settings.max_memory, settings.max_cpu_time) == (2 * 1024**3, 300)
    assert settings.network_access is False
    assert settings.cleanup_interval == 3600


def test_thresholds_keep_the_numbers_of_the_specification() -> None:
    settings = {kind.__name__: kind for kind in BLOCKS}["Thresholds"]().settings()
    assert settings == Thresholds()
    assert (settings.pep8_compliance, settings.type_hint_coverage) == (95, 80)
    assert (settings.documentation_coverage, settings.issue_resolution_rate) == (90, 95)


def test_a_wrong_value_is_refused_and_names_the_field() -> None:
    with pytest.raises(ValidationError, match="max_concurrent_agents"):
        Orchestrator(max_concurrent_agents=0)
    with pytest.raises(ValidationError, match="network_access"):
        Sandbox(network_access=True)
