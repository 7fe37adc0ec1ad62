"""The fixtures of the sandbox contract serve the hostile list too."""

import secrets
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.hostile.scene import Scene
from tests.hostile.trapped import Passed, pass_through
from tests.nightmend.sandboxes.conftest import Make, alive, backend, base, make

__all__ = ["alive", "backend", "base", "make"]


@pytest.fixture(scope="session")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Passed]:
    """Take a repository full of traps through a night, once for each back end."""
    return cache(lambda backend: pass_through(backend, tmp_path_factory.mktemp(f"night-{backend}")))


@pytest.fixture
def scene(backend: str, make: Make, nights: Callable[[str], Passed]) -> Iterator[Scene]:
    """A check's surroundings, in a folder that every user can reach: what is hidden is so by the sandbox."""
    with tempfile.TemporaryDirectory(prefix="hostile-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        yield Scene(
            folder=Path(folder),
            token=f"hostile{secrets.token_hex(8)}",
            backend=backend,
            make=make,
            night=lambda: nights(backend),
        )
