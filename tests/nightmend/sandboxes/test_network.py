"""A network is for the download of packages alone, and never beside a tree."""

import socket
from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from nightmend.sandboxes.network import Network
from nightmend.sandboxes.protocol import SandboxSpec

from .conftest import PYTHON

KNOCK = "import socket, sys; socket.create_connection(('127.0.0.1', int(sys.argv[1])), 2)"


@pytest.fixture
def port() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield str(server.getsockname()[1])


def test_only_who_asks_reaches_the_network(make, port):
    assert make().run([PYTHON, "-c", KNOCK, port]).return_code != 0
    assert make(network=Network()).run([PYTHON, "-c", KNOCK, port]).return_code == 0


@pytest.mark.parametrize("more", [{"lower": "/srv/tree"}, {"workdir": "/srv/target"}])
def test_a_network_stands_beside_no_tree(more):
    with pytest.raises(ValidationError, match="holds no tree"):
        SandboxSpec.model_validate(
            {"name": "x", "base_directory": "/srv", "lower": None, "network": Network(), **more}
        )


@pytest.mark.parametrize("wish", [True, {}, "yes"])
def test_nothing_but_the_value_itself_asks_for_it(wish):
    with pytest.raises(ValidationError, match="network"):
        SandboxSpec.model_validate({"name": "x", "base_directory": "/srv", "lower": None, "network": wish})
