"""One Prefect server for all tests that need one; nights that test their own private server start that."""

import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from flows.environment import QUIET
from tests.daemon import NoDaemonError
from tests.daemon import docker_daemon as running_daemon

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")  # a machine that does other work too makes any example slow
signal.signal(
    signal.SIGINT, signal.default_int_handler
)  # in a shell's background job it is ignored, and by heirs


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have workers that share the tests take whole files, which share a night, and all of the deployments."""
    for item in items:
        shared = item.path.parent if item.path.parent.name == "deployments" else item.path
        item.add_marker(pytest.mark.xdist_group(str(shared.relative_to(item.config.rootpath))))


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a Prefect server on loopback; gives the address of its API."""
    from flows.server import private_server

    with pytest.MonkeyPatch.context() as patch:
        for name, value in QUIET.items():
            patch.setenv(name, value)
        with private_server(tmp_path_factory.mktemp("prefect")) as url:
            yield url


@pytest.fixture(scope="session")
def docker_daemon() -> Iterator[str]:
    """Have DOCKER_HOST name a daemon that answers; the tests are skipped where none can be had."""
    try:
        with running_daemon() as address, pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_HOST", address)
            yield address
    except NoDaemonError as error:
        pytest.skip(str(error))
