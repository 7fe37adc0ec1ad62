from typing import Literal

from nightmend.frozen import Frozen
from nightmend.repairs.repair import Repair

Grade = Literal["A", "B", "C", "D"]
"""A equal by construction; B the tests notice a mutant there; C tests ran the changed lines; D none did."""
Verdict = Literal["kept", "rolled_back", "refused", "unreached"]
"""`unreached` is what the time budget of the night left untried."""


class Speed(Frozen):
    """A measured gain: CPU seconds of the same work before and after, over `pairs` alternating pairs."""

    before: float
    after: float
    gain: float
    """Share of the CPU time saved, by the median pair."""
    lower_bound: float
    """The gain that the measurement still supports: at 99 % confidence, at a first look its smallest."""
    pairs: int


class Evidence(Frozen):
    """What was shown of a repair. A field is None where that rung was not reached."""

    parses: bool | None = None
    equal_by_construction: bool | None = None
    issue_gone: bool | None = None
    """None also where the repair claims no issue."""
    new_issues: tuple[str, ...] = ()
    interface_breaks: tuple[str, ...] = ()
    """What others could call or import before and cannot afterwards."""
    imports_same: bool | None = None
    """Whether every module imports to the same names; asked where a repair changes imports."""
    lines_reached: bool | None = None
    """Whether the baseline run of the tests executed a changed line."""
    mistake_noticed: bool | None = None
    """Whether tests noticed a mistake that was planted on a changed line."""
    overlaps: str = ""
    """The repair that has its place; then nothing speaks against it but that."""
    tests_broken: tuple[str, ...] = ()
    speed: Speed | None = None


class Judgement(Frozen):
    """A repair with its verdict, the reason in one sentence, its grade and its evidence."""

    repair: Repair
    verdict: Verdict
    reason: str
    grade: Grade | None
    evidence: Evidence
