"""The report of a night as data: `report.json`, whose schema is published in docs/report.schema.json."""

from typing import Literal

from pydantic import Field

from nightmend.agents import Phase
from nightmend.evidence import Evidence, Grade, Verdict
from nightmend.frozen import Frozen
from nightmend.gate import Gate
from nightmend.monitoring.summary import Monitoring
from nightmend.proof.quarantine import Quarantined
from nightmend.repairs.repair import Safety
from nightmend.results import Metric, PhaseStatus
from nightmend.settings import Profile


class TestCounts(Frozen):
    """How the target's tests ended."""

    __test__ = False  # no test of pytest's

    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0


class TestNumbers(Frozen):
    """The tests before and after the night; `usable` says whether repairs could be judged by them."""

    __test__ = False

    before: TestCounts
    after: TestCounts
    usable: bool = True
    reason: str = ""
    unsteady: tuple[str, ...] = ()
    """Tests that did not end alike each time, so that no repair is judged by them."""
    quarantined: tuple[Quarantined, ...] = ()
    """What was found out about those that were known before the night."""
    runs: int = 0
    """Of the whole suite before anything was changed, that were compared."""
    order_seed: int = 0
    """Of the other order in which one of them ran; 0 where there is but one order."""
    hash_seed: int = 0
    """PYTHONHASHSEED in that one."""
    random_seed: int | None = None
    """What pytest-randomly began each test with; None where the target does not use it."""
    note: str = ""
    """What else that one showed."""
    not_passed: dict[str, str] = Field(default_factory=dict)
    """Tests and files of tests that failed or could not run before the night; a hundred at most."""
    could_not_run: int = 0
    """Tests that want what a sandbox does not have: a module, a network, a service, a secret."""
    counted: int = 0
    """Tests in all, those included that could not be collected."""
    wants: dict[str, int] = Field(default_factory=dict)
    """Of those that could not run, how many want what."""


class MissingReport(Frozen):
    """A dependency of the target that could not be had."""

    requirement: str
    path: str
    """The file that asks for it; empty for one that another dependency asks for."""
    why: str


class EnvironmentReport(Frozen):
    """What was installed for the tests, where no interpreter was named."""

    packages: int
    """How many; 0 where none was built."""
    seconds: float
    """What the build took, when it was built."""
    missing: tuple[MissingReport, ...] = ()
    note: str = ""


class AgentReport(Frozen):
    """One agent's part."""

    name: str
    status: str
    seconds: float
    started: float
    """Seconds since the epoch."""
    pid: int
    metrics: dict[str, Metric] = Field(default_factory=dict)


class PhaseReport(Frozen):
    """One phase: its agents, and the gates that it had to pass."""

    name: Phase
    status: PhaseStatus
    seconds: float
    agents: tuple[AgentReport, ...] = ()
    gates: tuple[Gate, ...] = ()
    error: str = ""


class CategoryCounts(Frozen):
    """Issues of one category."""

    identified: int
    resolved: int


class IssueCounts(Frozen):
    """Issues over all; rates are shares of 1, None where there was nothing to resolve."""

    identified: int
    actionable: int
    resolved: int
    resolution_rate: float | None
    """resolved / identified"""
    actionable_rate: float | None
    """Actionable issues resolved / actionable."""
    by_category: dict[str, CategoryCounts]


class RepairReport(Frozen):
    """One repair that was tried, with its verdict and its evidence."""

    id: str
    agent: str
    pattern: str
    safety: Safety
    grade: Grade | None
    issues: tuple[str, ...]
    files: tuple[str, ...]
    line: int
    summary: str
    commit: str | None
    patch: str | None = None
    """File beside the report that takes this repair alone back: `git apply --reverse`."""
    no_patch: str = ""
    """Why a kept repair has none."""
    verdict: Verdict
    reason: str
    evidence: Evidence
    waits: str = ""
    """Why a kept repair is not on the branch yet: the review budget of the night; else empty."""


class QualityNumbers(Frozen):
    """The state of the code in percent; None is not measurable here."""

    pep8_compliance: float | None
    type_hint_coverage: float | None
    documentation_coverage: float | None


class QualityChange(Frozen):
    """The state of the code before and after the night."""

    before: QualityNumbers
    after: QualityNumbers


class ShipmentReport(Frozen):
    """What the review budget of the night let through; a limit of None is none."""

    max_commits: int | None
    max_lines: int | None
    commits: int
    lines: int
    """Taken away and put in, at most."""
    repairs: int
    waiting: int
    gates: tuple[Gate, ...]
    """Weighed on exactly the tree that ships."""


class Report(Frozen):
    """Everything a night has to tell."""

    schema_version: Literal["1"] = "1"
    target: str
    run: str
    base_commit: str
    result_commit: str
    branch: str | None
    replaced: str = ""
    """The branch of an earlier night that this one took the place of."""
    withheld: str = ""
    """Why repairs were kept and no branch was made."""
    shipment: ShipmentReport | None = None
    """What is on the branch, where the review budget let only a part of the kept repairs through."""
    profile: Profile
    status: Literal["PASSED", "FAILED"]
    seconds: float
    python: str
    environment: EnvironmentReport | None = None
    """None where an interpreter was named, or the target declares nothing."""
    error: str = ""
    tests: TestNumbers
    phases: tuple[PhaseReport, ...]
    issues: IssueCounts
    repairs: tuple[RepairReport, ...]
    quality: QualityChange
    tool_failures: dict[str, str] = Field(default_factory=dict)
    """Diagnostic tools that could not say anything, with the reason."""
    monitoring: Monitoring | None = None
    """What watched over the night; None for one that nothing watched."""


class Told(Frozen):
    """A report with all that is written beside it: diffs and patches by repair id, SARIF by file name.

    Likely secrets are masked in everything but the patches, and a repair that shows one has no patch.
    """

    report: Report
    diffs: dict[str, str] = Field(default_factory=dict)
    patches: dict[str, str] = Field(default_factory=dict)
    sarif: dict[str, str] = Field(default_factory=dict)
