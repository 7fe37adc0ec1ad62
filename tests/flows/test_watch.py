"""The watch beside a night, on a real Prefect server and real Dask workers."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from nightmend.monitoring.summary import Monitoring
from nightmend.night import Night
from nightmend.settings import OrchestratorSettings, SandboxSettings
from tests.flows.driving import shop

pytestmark = pytest.mark.night


@pytest.fixture(scope="module", autouse=True)
def server(prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    from prefect.settings import PREFECT_API_URL, PREFECT_LOCAL_STORAGE_PATH, temporary_settings

    storage = tmp_path_factory.mktemp("results")
    with temporary_settings({PREFECT_API_URL: prefect_server, PREFECT_LOCAL_STORAGE_PATH: storage}):
        yield


def night_on(folder: Path, sandbox: SandboxSettings | None = None) -> Night:
    from nightmend.nights import open_night

    settings = OrchestratorSettings(health_check_interval=0.2, max_concurrent_agents=1)
    target = shop(folder / "shop")
    return open_night(target, home=folder / "home", orchestrator=settings, sandbox=sandbox)


def watched(night: Night, seconds: float, *, dask: bool = False) -> Monitoring:
    """Watch for some seconds, with Dask workers or before there are any."""
    from prefect import flow

    from flows.cluster import NightCluster
    from flows.watch import NightWatch

    @flow(persist_result=False)
    def resting() -> Monitoring:
        with NightCluster(night) as cluster:
            address = cluster.address if dask else cluster.running_address
            assert bool(address) == dask
            with NightWatch(night, cluster) as watch:
                time.sleep(seconds)
            return watch.summary()

    return resting()


def test_all_parts_that_a_night_stands_on_answer(tmp_path: Path) -> None:
    found = watched(night_on(tmp_path), 4, dask=True)
    assert found.health.checks >= 2
    assert (found.health.failed, found.health.troubles) == (0, ())
    assert found.performance.targets["response_time"].passed is True


def test_a_part_that_does_not_answer_is_recorded_once(tmp_path: Path) -> None:
    (tmp_path / "no-folder").write_text("")
    found = watched(night_on(tmp_path, SandboxSettings(base_directory=tmp_path / "no-folder")), 4)
    assert found.health.failed == found.health.checks >= 2
    [trouble] = found.health.troubles
    [complaint] = trouble.complaints
    assert complaint.startswith("sandbox: PrerequisiteError: no sandbox can be made in")
