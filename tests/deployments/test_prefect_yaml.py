"""What prefect.yaml says, read as data: what every deployment must have, whoever adds one."""

from importlib import import_module
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from prefect import Flow

ROOT = Path(__file__).resolve().parent.parent.parent
DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]


def flow_of(deployment: dict[str, Any]) -> Flow[..., Any]:
    module, name = deployment["entrypoint"].rsplit(".", 1)
    flow: Flow[..., Any] = getattr(import_module(module), name)
    return flow


def test_nights_run_on_schedule_and_on_demand_and_can_be_taken_back() -> None:
    assert [(flow_of(one).name, one["name"]) for one in DEPLOYMENTS] == [
        ("recover", "nightly"),
        ("recover", "on-demand"),
        ("rollback", "on-demand"),
    ]


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda one: f"{one['entrypoint']}/{one['name']}")
def test_nothing_is_imported_from_a_working_directory_nothing_is_tracked_and_results_are_json(
    deployment: dict[str, Any],
) -> None:
    pool = deployment["work_pool"]
    assert pool["name"] == "nightmend"
    assert pool["job_variables"]["working_dir"] == "/"
    assert {
        "PYTHONSAFEPATH": "1",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
    }.items() <= pool["job_variables"]["env"].items()


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda one: f"{one['entrypoint']}/{one['name']}")
def test_parameters_are_those_of_the_flow(deployment: dict[str, Any]) -> None:
    schema = flow_of(deployment).parameters
    assert set(deployment.get("parameters", {})) <= set(schema.properties)


def test_a_night_of_every_night_has_its_time_and_publishes_no_more_than_a_person_reviews() -> None:
    names = ("max_commits", "max_lines", "budget")
    limits = {
        one["name"]: {name: one.get("parameters", {}).get(name) for name in names}
        for one in DEPLOYMENTS
        if flow_of(one).name == "recover"
    }
    assert limits == {
        "nightly": {"max_commits": 10, "max_lines": 400, "budget": "4h"},
        "on-demand": {"max_commits": None, "max_lines": None, "budget": None},
    }


def test_a_schedule_names_its_time_zone() -> None:
    schedules = [schedule for one in DEPLOYMENTS for schedule in one.get("schedules", [])]
    assert [schedule["cron"] for schedule in schedules] == ["0 2 * * *"]
    assert [ZoneInfo(schedule["timezone"]).key for schedule in schedules] == ["Europe/London"]


def test_whoever_starts_a_night_reads_what_each_parameter_means() -> None:
    for deployment in DEPLOYMENTS:
        properties = flow_of(deployment).parameters.properties
        assert [name for name, told in properties.items() if not told.get("description")] == []
