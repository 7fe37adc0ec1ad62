"""The fixtures of the sandbox contract serve the hostile list too."""

import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.scene import Scene
from tests.nightmend.sandboxes.conftest import Make, alive, backend, base, make

__all__ = ["alive", "backend", "base", "make"]


@pytest.fixture
def scene(backend: str, make: Make) -> Iterator[Scene]:
    """A check's surroundings, in a folder that every user can reach: what is hidden is so by the sandbox."""
    with tempfile.TemporaryDirectory(prefix="hostile-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        yield Scene(folder=Path(folder), token=f"hostile{secrets.token_hex(8)}", backend=backend, make=make)
