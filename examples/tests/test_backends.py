"""The neural backend, with a stand-in for torch: the extra is not installed where these tests run."""

import json
import sys
from types import ModuleType

import pytest

from models import backends


class Network:
    """As much of a torch module as the backend asks for."""

    def __init__(self, *layers):
        self.state, self.ready = {"layers": len(layers)}, False

    def state_dict(self):
        return self.state

    def load_state_dict(self, state):
        self.state = state

    def eval(self):
        self.ready = True


@pytest.fixture
def torch(monkeypatch):
    torch, nn = ModuleType("torch"), ModuleType("torch.nn")
    nn.Sequential, nn.Linear, nn.ReLU = Network, lambda *sizes: sizes, object
    torch.nn = nn
    torch.load = lambda path, **options: json.loads(path.read_text(encoding="utf-8"))
    torch.save = lambda state, path: path.write_text(json.dumps(state), encoding="utf-8")
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch.nn", nn)


def test_a_network_comes_back_ready(torch, tmp_path):
    network = backends.build_network(4)
    network.state["bias"] = 2
    backends.save_network(tmp_path / "net.pt", network)
    again = backends.load_network(tmp_path / "net.pt", 4)
    assert again.state == {"layers": 3, "bias": 2}
    assert again.ready


def test_what_is_missing_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert not backends.torch_available()
    with pytest.raises(backends.BackendMissing):
        backends.build_network(4)
