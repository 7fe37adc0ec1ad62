"""The health of what a night stands on, checked again and again."""

import time
from collections.abc import Callable

from nightmend.agent import Check
from nightmend.frozen import Frozen


class Health(Frozen):
    """Which agents are deployed, and whether the parts that a night stands on answer."""

    agents: tuple[str, ...]
    checks: tuple[Check, ...]
    """One for each part that a night stands on."""

    @property
    def healthy(self) -> bool:
        """Whether every part answers."""
        return all(check.passed for check in self.checks)

    @property
    def complaints(self) -> tuple[str, ...]:
        """One line for each part that does not answer."""
        return tuple(f"{check.name}: {check.detail}" for check in self.checks if not check.passed)


class Trouble(Frozen):
    """Parts that did not answer, from one check to the next that found another state."""

    since: float
    """Seconds since the epoch."""
    complaints: tuple[str, ...]


class HealthSummary(Frozen):
    """The health checks of a night as its report tells them."""

    interval: float
    """Seconds between two checks."""
    checks: int = 0
    failed: int = 0
    seconds: float = 0
    """Spent on all checks together."""
    troubles: tuple[Trouble, ...] = ()


class HealthLog:
    """Asks for the health, keeps the outcome, and tells when it changes."""

    def __init__(self, interval: float, ask: Callable[[], Health], tell: Callable[[Health], None]) -> None:
        self._ask = ask
        self._tell = tell
        self._complaints: tuple[str, ...] = ()
        self.summary = HealthSummary(interval=interval)

    def check(self) -> None:
        """Ask once."""
        clock = time.perf_counter()
        health = self._ask()
        old = self.summary
        changed = health.complaints != self._complaints
        self._complaints = health.complaints
        new = (Trouble(since=time.time(), complaints=health.complaints),)
        self.summary = old.model_copy(
            update={
                "checks": old.checks + 1,
                "failed": old.failed + (not health.healthy),
                "seconds": round(old.seconds + time.perf_counter() - clock, 3),
                "troubles": old.troubles + (new if changed and not health.healthy else ()),
            }
        )
        if changed:
            self._tell(health)
