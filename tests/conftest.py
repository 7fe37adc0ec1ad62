"""One Prefect server for all tests that need one; nights that test their own private server start that."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

from flows.environment import QUIET
from tests.daemon import NoDaemonError
from tests.daemon import docker_daemon as running_daemon

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")  # a machine that does other work too makes any example slow


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
