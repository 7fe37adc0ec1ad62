"""The experimental neural model. Needs the extra `torch`; the service works without it."""

from pathlib import Path


class BackendMissing(ImportError):
    """The extra of a backend is not installed."""


def torch_available() -> bool:
    """Whether the extra is installed."""
    try:
        import torch
    except ImportError:
        return False
    return True


def build_network(features: int):
    """One hidden layer; more did not help."""
    try:
        from torch import nn
    except ImportError:
        raise BackendMissing("the neural model needs: pip install 'agent-service[torch]'")
    return nn.Sequential(nn.Linear(features, 32), nn.ReLU(), nn.Linear(32, 1))


def load_network(path: str | Path, features: int):
    """The network with the weights of a checkpoint, ready to predict."""
    network = build_network(features)
    import torch

    network.load_state_dict(torch.load(path))
    network.eval()
    return network


def save_network(path: str | Path, network) -> None:
    import torch

    torch.save(network.state_dict(), path)
