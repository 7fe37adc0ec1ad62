"""A night survives whatever happens to it: nothing of the repository is half done, and no work is lost.

`make faults` injects more of the same, and others; docs/reliability.md has its figures.
"""

import os
import random
from collections.abc import Iterator

import pytest

from flows.server import private_server
from tests.faults import deaths, storage
from tests.faults.harness import Fault, Scene

pytestmark = pytest.mark.night

SEED = int(os.environ.get("NIGHTMEND_FAULT_SEED", "0")) or random.randrange(1, 10**6)
"""Another one each time; name it to see a failure again."""
FAULTS = {
    "the flow process killed at random instants": deaths.kills(10, SEED),
    "the flow process killed between objects and branch": deaths.STEPS["between objects and branch"],
    "the flow process killed behind the branch": deaths.STEPS["behind the branch"],
    "a corrupted byte in a file of every kind": storage.anywhere(SEED),
}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One house for all faults, in their order."""
    folder = tmp_path_factory.mktemp("faults")
    with private_server(folder / "server") as url:
        yield Scene.lay(folder, url)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_night_survives(scene: Scene, fault: Fault) -> None:
    assert scene.suffer(fault).problems == (), f"seed {SEED}"
