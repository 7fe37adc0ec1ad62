"""What proves nothing is refused, and what is not held off is seen."""

import pytest

from nightmend.settings import Limits
from tests.hostile.check import Check, UnprovedError, confined, flood, program, verify
from tests.hostile.checks.writing import base_is_whole, base_layer
from tests.hostile.listing import CHECKS
from tests.hostile.scene import Scene

pytestmark = pytest.mark.integration
OUTSIDE = "if os.getpid() < 100: raise OSError('inside')\n"
"""Sandboxes number their processes from 1."""


def checked(source: str, **options: object) -> Check:
    return program("x", "tries", source, **options)  # type: ignore[arg-type]


def test_an_attack_that_is_held_off_passes(scene: Scene) -> None:
    verify(checked(OUTSIDE), scene)


@pytest.mark.parametrize(
    "source", ["raise OSError('never works')", "import no_such_module", "syntax error ("]
)
def test_an_attack_that_never_works_is_no_check(scene: Scene, source: str) -> None:
    with pytest.raises(UnprovedError):
        verify(checked(source), scene)


def test_a_proof_that_shows_nothing_is_none(scene: Scene) -> None:
    attacked = []
    with pytest.raises(UnprovedError, match="never shown"):
        verify(Check("x", "tries", "holds", lambda _: False, attacked.append), scene)
    assert attacked == []


def test_an_attack_that_works_inside_too_is_seen(scene: Scene) -> None:
    with pytest.raises(AssertionError, match="worked"):
        verify(checked("pass"), scene)


@pytest.mark.parametrize("fault", ["import no_such_module", "undefined", "os._exit(0)"])
def test_an_attack_that_fails_for_another_reason_is_no_success(scene: Scene, fault: str) -> None:
    with pytest.raises(AssertionError):
        verify(checked(f"if os.getpid() < 100: {fault}"), scene)


def test_harm_is_seen(scene: Scene) -> None:
    harm = "open(given.outside + '/code.py', 'w').close()"
    verify(
        confined("x", "tries", harm, holds="", plant=base_layer, unharmed=base_is_whole, works_inside=False),
        scene,
    )
    with pytest.raises(UnprovedError, match="does not work"):
        verify(
            confined("x", "tries", "raise OSError", holds="", plant=base_layer, unharmed=base_is_whole), scene
        )
    with pytest.raises(UnprovedError, match="never shown"):
        verify(confined("x", "tries", "pass", holds="", plant=base_layer, unharmed=base_is_whole), scene)


def test_a_limit_that_is_not_reached_is_seen(scene: Scene) -> None:
    slow = "import time; time.sleep(0.5)"
    verify(flood("x", "tries", slow, limit="wall_seconds", tight=Limits(wall_seconds=0.3)), scene)
    with pytest.raises(AssertionError, match="worked"):
        verify(flood("x", "tries", slow, limit="wall_seconds", tight=Limits(wall_seconds=9)), scene)
    short = Limits(wall_seconds=0.3)
    with pytest.raises(UnprovedError):
        verify(flood("x", "tries", slow, limit="wall_seconds", tight=short, loose=short), scene)


def test_names_are_unique() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)
