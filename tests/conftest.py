"""One Prefect server for all tests that need one; nights that test their own private server start that."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from flows.environment import QUIET
from tests.daemon import NoDaemonError
from tests.daemon import docker_daemon as running_daemon

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")  # a machine that does other work too makes any example slow
# In a background job of a shell it is ignored, and by all that is started there.
signal.signal(signal.SIGINT, signal.default_int_handler)


class SharedNights(LoadFileScheduling):
    """Files go whole to a process, since their tests share a night; so do all those of deployments."""

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        return str(Path(file).parent) if Path(file).parent.name == "deployments" else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    """Share the tests as above where files are shared."""
    return SharedNights(config, log) if config.getvalue("dist") == "loadfile" else None


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
