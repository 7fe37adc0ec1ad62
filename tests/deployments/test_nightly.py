"""The cron schedule makes real runs, each night at two on the clock of its time zone."""

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
import yaml

if TYPE_CHECKING:
    from tests.deployments.conftest import Prefect

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.night


@pytest.fixture(scope="module")
def zone() -> ZoneInfo:
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    (schedule,) = next(one for one in deployments if one["name"] == "nightly")["schedules"]
    return ZoneInfo(schedule["timezone"])


@pytest.fixture(scope="module")
def nights(prefect: "Prefect") -> list[datetime]:
    """When the scheduler wants the next year's nights to begin."""
    deadline = time.monotonic() + 120
    runs: list[dict[str, object]] = []
    while len(runs) < 366 and time.monotonic() < deadline:
        time.sleep(1)
        runs = prefect.all(
            "flow_runs",
            deployments={"name": {"any_": ["nightly"]}},
            flow_runs={"state": {"type": {"any_": ["SCHEDULED"]}}},
        )
    return sorted(datetime.fromisoformat(str(run["expected_start_time"])) for run in runs)


def test_there_is_one_run_each_night_at_two_local_time(nights: list[datetime], zone: ZoneInfo) -> None:
    first = nights[0].astimezone(zone).date()
    expected = [two_o_clock(first + timedelta(days=number), zone) for number in range(366)]
    assert nights == expected


def test_two_stays_two_when_the_clocks_change(nights: list[datetime], zone: ZoneInfo) -> None:
    local = [when.astimezone(zone) for when in nights]
    assert len({when.utcoffset() for when in local}) == 2
    assert {(when.hour, when.minute) for when in local} == {(2, 0)}


def test_the_first_run_is_the_next_two_o_clock(nights: list[datetime], zone: ZoneInfo) -> None:
    now = datetime.now(zone)
    today, tomorrow = (two_o_clock(now.date() + timedelta(days=number), zone) for number in (0, 1))
    assert nights[0] == (today if now < today else tomorrow) or abs(now - today) < timedelta(minutes=10)


def two_o_clock(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, 2, tzinfo=zone).astimezone(UTC)
