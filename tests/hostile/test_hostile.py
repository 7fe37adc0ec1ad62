"""Every check of the hostile list, on every back end; each first proves that its attack works."""

import os
from collections.abc import Callable

import pytest

from tests.hostile.check import Check, verify
from tests.hostile.listing import CHECKS
from tests.hostile.scene import Scene

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_hostile(
    check: Check, scene: Scene, alive: Callable[[str], bool], request: pytest.FixtureRequest
) -> None:
    if check.only_root and os.geteuid() != 0:
        pytest.skip(check.only_root)
    if reason := check.cannot():
        pytest.skip(reason)
    if gap := check.gaps.get(scene.backend):
        request.applymarker(pytest.mark.xfail(reason=gap, strict=True))
    verify(check, scene)
    assert not alive(scene.mark), "something of the check still runs"
