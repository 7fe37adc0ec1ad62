"""Blocks hold what differs between installations, with the specification's names and defaults."""

from pathlib import Path
from typing import Any, get_args

import pytest
from prefect.blocks.core import Block
from prefect.testing.standard_test_suites import BlockStandardTestSuite
from pydantic import BaseModel, ValidationError

from blocks.load import BLOCKS
from blocks.orchestrator import Orchestrator
from blocks.sandbox import Sandbox
from blocks.thresholds import Thresholds
from nightmend.settings import GIB, MIB, Limits, OrchestratorSettings, SandboxSettings
from nightmend.settings import Thresholds as ThresholdSettings

READS: list[tuple[type[Any], type[BaseModel]]] = [
    (Orchestrator, OrchestratorSettings),
    (Sandbox, SandboxSettings),
    (Thresholds, ThresholdSettings),
]


class TestPrefectsOwnChecks(BlockStandardTestSuite):
    """What Prefect asks of every block; the pages and logos that it would download are left out."""

    test_has_a_documentation_url = None
    test_has_a_valid_image = None

    @pytest.fixture(params=BLOCKS)
    def block(self, request: pytest.FixtureRequest) -> type[Block]:
        kind: type[Block] = request.param
        return kind


def test_slugs_never_change() -> None:
    assert [kind.get_block_type_slug() for kind in BLOCKS] == [
        "nightmend-orchestrator",
        "nightmend-sandbox",
        "nightmend-thresholds",
    ]


def test_every_kind_is_compared_with_the_settings_that_it_fills() -> None:
    assert [kind for kind, _ in READS] == list(BLOCKS)


@pytest.mark.parametrize(("kind", "settings"), READS)
def test_a_block_and_its_settings_have_the_same_fields_limits_and_defaults(
    kind: type[Block], settings: type[BaseModel]
) -> None:
    own = {name: field for name, field in kind.model_fields.items() if name not in Block.model_fields}
    assert list(own) == list(settings.model_fields)
    for name, field in settings.model_fields.items():
        assert own[name].default == field.default, name
        assert own[name].metadata == field.metadata, name
        assert get_args(own[name].annotation) == get_args(field.annotation), name


@pytest.mark.parametrize(("kind", "settings"), READS)
def test_a_value_of_each_field_reaches_the_settings(kind: type[Any], settings: type[BaseModel]) -> None:
    words = {"log_level": "DEBUG", "base_directory": Path("/var/tmp/boxes"), "network_access": False}
    words |= {"share": "never", "back_end": "docker", "time_budget": "2h30m"}
    words |= {"dask_address": "tcp://127.0.0.1:8786"}
    values = {
        name: words[name] if name in words else field.default + 1
        for name, field in settings.model_fields.items()
    }
    assert kind(**values).settings().model_dump() == values


def test_the_orchestrator_has_the_five_values_of_the_specification() -> None:
    assert Orchestrator().settings().model_dump() == {
        "max_concurrent_agents": 10,
        "default_timeout": 300,
        "retry_attempts": 3,
        "health_check_interval": 60,
        "log_level": "INFO",
        "share": "loopback",  # ours
        "unsafe_fixes": False,  # ours
        "time_budget": None,  # ours
        "max_state": 10 * GIB,  # ours
        "dask_address": None,  # ours
    }


def test_the_sandbox_has_the_five_values_of_the_specification_and_ours() -> None:
    assert Sandbox().settings().model_dump() == {
        "test_timeout": 180,
        "mutation_budget": 1,
        "back_end": "auto",
        "base_directory": Path("/tmp/agent_sandboxes"),
        "max_memory": 2 * GIB,
        "max_cpu_time": 300,
        "network_access": False,
        "cleanup_interval": 3600,
        "max_wall_time": 600,
        "max_processes": 512,
        "max_open_files": 4096,
        "max_file_size": GIB,
        "max_disk": 4 * GIB,
        "max_temporary": GIB,
        "max_output": 16 * MIB,
    }
    assert Sandbox().settings().limits == Limits()


def test_thresholds_keep_the_numbers_of_the_specification() -> None:
    assert Thresholds().settings().model_dump() == {
        "pep8_compliance": 95,
        "type_hint_coverage": 80,
        "documentation_coverage": 90,
        "issue_resolution_rate": 95,
        "analysis_coverage": 90,
        "concurrent_success_rate": 95,
        "response_seconds": 2.0,
        "high_severity_open": 0,
        "response_time": 2.0,
        "memory_usage": 80.0,
        "cpu_usage": 70.0,
        "error_rate": 5.0,
        "cache_hit_rate": 95,
    }


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (Orchestrator, "max_concurrent_agents", 0),
        (Orchestrator, "log_level", "LOUD"),
        (Sandbox, "network_access", True),
        (Sandbox, "max_memory", 1),
        (Sandbox, "back_end", "chroot"),
        (Thresholds, "pep8_compliance", 101),
    ],
)
def test_a_wrong_value_is_refused_and_names_the_field(kind: type[Block], field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=field):
        kind(**{field: value})
