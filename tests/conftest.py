"""One Prefect server for all tests that need one; nights that test their own private server start that."""

from collections.abc import Iterator

import pytest

from flows.environment import QUIET


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a Prefect server on loopback; gives the address of its API."""
    from flows.server import private_server

    with pytest.MonkeyPatch.context() as patch:
        for name, value in QUIET.items():
            patch.setenv(name, value)
        with private_server(tmp_path_factory.mktemp("prefect")) as url:
            yield url
