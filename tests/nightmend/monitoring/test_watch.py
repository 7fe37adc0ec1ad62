import time
from contextvars import ContextVar

import pytest

from nightmend.monitoring.watch import Round, Watch

pytestmark = pytest.mark.integration

NIGHT = ContextVar("NIGHT", default="none")


def test_each_round_goes_at_its_own_interval_in_the_context_of_the_night() -> None:
    seen: list[str] = []
    often: list[float] = []
    NIGHT.set("this one")
    with Watch([Round(0.4, lambda: seen.append(NIGHT.get())), Round(0.05, lambda: often.append(0))]):
        clock = time.monotonic()
        while (len(seen) < 3 or len(often) < 9) and time.monotonic() - clock < 60:
            time.sleep(0.01)
        assert time.monotonic() - clock > 0.7, "not before their time"
    count = len(seen)
    assert count >= 3
    assert set(seen) == {"this one"}
    assert len(often) > count
    time.sleep(0.6)
    assert len(seen) == count, "nothing goes on behind the block"


def test_a_long_interval_is_not_waited_for() -> None:
    clock = time.monotonic()
    with Watch([Round(600, lambda: None)]):
        pass
    assert time.monotonic() - clock < 30
