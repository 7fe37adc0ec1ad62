"""What the agents that repair have in common: propose from their patterns, prove, keep what is proved."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar, Literal

from nightmend.agent import Check, SelfTest
from nightmend.agent_run import Work, run_agent
from nightmend.diagnosis.diagnosis import Diagnosis, diagnose
from nightmend.evidence import Judgement
from nightmend.frozen import Frozen
from nightmend.issue import Issue
from nightmend.night import Night
from nightmend.nights import ambient_night
from nightmend.patterns.examples import replay
from nightmend.patterns.loader import FOLDER, load_patterns
from nightmend.patterns.pattern import Pattern
from nightmend.proof.baseline import Baseline, establish_baseline
from nightmend.proof.judge import judge
from nightmend.repairs.batches import prove_in_time
from nightmend.repairs.proposing import propose_all
from nightmend.repairs.repair import Repair, apply_repairs
from nightmend.repairs.settle import Settled, settle
from nightmend.results import AgentResult, Judgements, PhaseResult
from nightmend.snapshot import Snapshot
from nightmend.targets.config import target_config
from nightmend.workspace import Workspace


class RepairResult(Frozen):
    """What came of one issue; SUCCESS only where its repair was proved."""

    status: Literal["SUCCESS", "REFUSED", "ROLLED_BACK", "NO_PATTERN"]
    fixes_applied: int
    reason: str
    judgement: Judgement | None = None

    @property
    def validation_passed(self) -> bool:
        """Whether the repair was proved in a sandbox."""
        return self.status == "SUCCESS"


class RepairAgent:
    """An agent that repairs: it owns the patterns in the folder of its name."""

    name: ClassVar[str]
    folder: ClassVar[Path] = FOLDER
    """Where the patterns of all agents lie."""

    def __init__(self, night: Night | None = None) -> None:
        self.night = night or ambient_night()
        self.workspace = Workspace(self.night)
        self.patterns: dict[str, Pattern] = {}
        self._baselines: dict[str, Baseline] = {}
        self._repaired: dict[str, RepairResult] = {}

    def load_patterns(self) -> dict[str, Pattern]:
        """Load the agent's replay patterns; UsageError names a broken file and its field."""
        self.patterns = {
            name: pattern
            for name, pattern in load_patterns(self.folder).items()
            if pattern.agent == self.name
        }
        return self.patterns

    def self_test(self) -> SelfTest:
        """Replay every example of every pattern: each fault is mended as written, each refusal holds."""
        patterns = self.load_patterns()
        checks = [Check(name="patterns", passed=bool(patterns), detail=f"{len(patterns)} loaded")]
        for pattern in patterns.values():
            problem = replay(pattern)
            checks.append(Check(name=pattern.name, passed=problem is None, detail=problem or ""))
        return SelfTest(checks=tuple(checks))

    def propose(self, snapshot: Snapshot, issues: Iterable[Issue]) -> tuple[Repair, ...]:
        """Propose a repair for each issue that a pattern of the agent can mend for certain."""
        return propose_all(self.workspace, snapshot, issues, self.patterns or self.load_patterns())

    def repair_issues(
        self, snapshot: Snapshot, issues: Iterable[Issue], baseline: Baseline
    ) -> tuple[Judgement, ...]:
        """Propose repairs of the issues and prove them; nothing is applied."""
        return self.prove(snapshot, self.propose(snapshot, issues), baseline)

    def prove(
        self, snapshot: Snapshot, repairs: Iterable[Repair], baseline: Baseline
    ) -> tuple[Judgement, ...]:
        """Take repairs of a snapshot up the ladder."""
        floor = target_config(self.workspace.store, snapshot).python_floor
        return judge(self.workspace, snapshot, repairs, baseline, floor)

    def repair_issue(self, issue: Issue) -> RepairResult:
        """Prove one repair of an issue of the night's base, once; nothing is applied."""
        if issue.fingerprint not in self._repaired:
            snapshot = self.night.base
            judgements = self.repair_issues(snapshot, [issue], self.baseline(snapshot))
            self._repaired[issue.fingerprint] = repair_result(judgements)
        return self._repaired[issue.fingerprint]

    def repair_base(self) -> Settled:
        """Prove repairs of all the agent's issues in the base, and settle them; nothing is applied."""
        base = self.night.base
        baseline = self.baseline(base)
        judgements = self.repair_issues(base, own_issues(self.diagnosis(base), self.name), baseline)
        return settle(self.workspace, base, judgements, baseline)

    def work(self, start: PhaseResult) -> AgentResult:
        """Do the agent's part of a phase that starts from a validated one."""
        return run_agent(self.name, lambda: self._work(start))

    def _work(self, start: PhaseResult) -> Work:
        issues = (
            own_issues(self.workspace.get(start.diagnosis, Diagnosis), self.name) if start.diagnosis else ()
        )
        baseline = (
            self.workspace.get(start.baseline, Baseline) if start.baseline else self.baseline(start.snapshot)
        )
        judgements = prove_in_time(
            self.workspace,
            self.name,
            start,
            self.propose(start.snapshot, issues),
            lambda repairs: self.prove(start.snapshot, repairs, baseline),
        )
        return Work(
            metrics={"issues": len(issues), **verdict_counts(judgements)},
            judgements=self.workspace.put(Judgements(judgements=judgements)),
        )

    def mended(self, repair: Repair) -> dict[str, bytes]:
        """Return the new content of the files that a repair of the night's base changes."""
        contents = self.workspace.store.read_many(self.night.base, repair.paths)
        return apply_repairs([repair], contents)

    def baseline(self, snapshot: Snapshot) -> Baseline:
        """Return the test baseline of a snapshot, established once."""
        if snapshot.tree not in self._baselines:
            self._baselines[snapshot.tree] = establish_baseline(self.workspace, snapshot)
        return self._baselines[snapshot.tree]

    def diagnosis(self, snapshot: Snapshot) -> Diagnosis:
        """Return what the quick detectors, our patterns among them, find in a snapshot."""
        return diagnose(self.workspace, snapshot, deep=False)


def own_issues(diagnosis: Diagnosis, agent: str) -> tuple[Issue, ...]:
    """Return the issues that an agent owns and may act on."""
    return tuple(issue for issue in diagnosis.issues if issue.agent == agent and issue.actionable)


def verdict_counts(judgements: Sequence[Judgement]) -> dict[str, int]:
    """Count tried, kept, rolled back and refused repairs."""
    verdicts = Counter(judgement.verdict for judgement in judgements)
    return {
        "tried": len(judgements) - verdicts["unreached"],
        "kept": verdicts["kept"],
        "rolled_back": verdicts["rolled_back"],
        "refused": verdicts["refused"],
    }


def repair_result(judgements: Sequence[Judgement]) -> RepairResult:
    """Sum up the judgements of one issue."""
    if not judgements:
        return RepairResult(status="NO_PATTERN", fixes_applied=0, reason="no pattern is certain to mend it")
    best = next((one for one in judgements if one.verdict == "kept"), judgements[0])
    statuses: dict[str, Literal["SUCCESS", "REFUSED", "ROLLED_BACK"]] = {
        "kept": "SUCCESS",
        "refused": "REFUSED",
        "rolled_back": "ROLLED_BACK",
        "unreached": "REFUSED",
    }
    kept = sum(one.verdict == "kept" for one in judgements)
    return RepairResult(status=statuses[best.verdict], fixes_applied=kept, reason=best.reason, judgement=best)
