"""What every agent is to the rooms that deploy and watch it."""

from typing import Literal, Protocol

from nightmend.frozen import Frozen


class Check(Frozen):
    """One thing an agent tried on itself, with what came of it."""

    name: str
    passed: bool
    detail: str = ""


class SelfTest(Frozen):
    """The outcome of an agent's self-test: PASS only when every check passed."""

    checks: tuple[Check, ...]

    @property
    def status(self) -> Literal["PASS", "FAIL"]:
        """PASS or FAIL, as the specification reads it."""
        return "PASS" if all(check.passed for check in self.checks) else "FAIL"

    @property
    def success(self) -> bool:
        """Whether every check passed."""
        return self.status == "PASS"

    @property
    def error(self) -> str:
        """The failed checks in one line, under the specification's name."""
        return self.failures

    @property
    def failures(self) -> str:
        """The failed checks in one line."""
        return "; ".join(f"{check.name}: {check.detail}" for check in self.checks if not check.passed)


class Agent(Protocol):
    """An agent that can be deployed: it has one of the ten names and can test itself."""

    @property
    def name(self) -> str:
        """One of the ten names."""
        ...

    def self_test(self) -> SelfTest:
        """Try, for real, what the agent needs for its work."""
        ...
