from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from nightmend.advisories.database import advisories_date
from nightmend.agent import Check, SelfTest
from nightmend.agent_run import Work, run_agent
from nightmend.detectors import advisories
from nightmend.detectors.tree import line_count
from nightmend.diagnosis.diagnosis import Diagnosis, diagnose
from nightmend.diagnosis.import_graph import ImportGraph, import_graph
from nightmend.diagnosis.measures import measure
from nightmend.errors import UsageError
from nightmend.frozen import Frozen
from nightmend.issue import CATEGORIES, Issue
from nightmend.machine import Machine, examine_machine
from nightmend.night import Night
from nightmend.nights import ambient_night
from nightmend.proof.baseline import establish_baseline
from nightmend.proof.covered import coverage_of
from nightmend.proof.profile import Profile, profile_tests
from nightmend.results import AgentResult, PhaseResult
from nightmend.snapshot import Snapshot
from nightmend.targets.trees import python_sources
from nightmend.workspace import Workspace
from tasks.checkpoint import agent_task

TOOLS = ("bandit", "coverage", "mypy", "pycodestyle", "pylint", "ruff")
"""What diagnostics starts in sandboxes; each is a package that nightmend depends on."""


class Analysis(Frozen):
    """What the static tools say of some files."""

    issues: tuple[Issue, ...]
    coverage_percentage: float
    """Share of the files' lines that every static tool read."""

    @property
    def issues_detected(self) -> int:
        """Number of issues, each counted once however many tools saw it."""
        return len(self.issues)


class SystemDiagnosticsAgent:
    """Finds the issues of a target, each with the agent that owns it."""

    name = "system_diagnostics"

    def __init__(self, night: Night | None = None) -> None:
        self.night = night or ambient_night()
        self.workspace = Workspace(self.night)
        self._diagnosis: Diagnosis | None = None

    def initialize_tools(self) -> dict[str, str]:
        """Start every tool once in a sandbox; returns its version, an empty one where it does not start."""
        python = self.workspace.own.executable
        with self.workspace.sandbox(None, "tools") as box:
            answers = {tool: box.run([python, "-I", "-m", tool, "--version"]) for tool in TOOLS}
        return {
            tool: answer.stdout.decode(errors="replace").splitlines()[0]
            if answer.return_code == 0 and answer.stdout
            else ""
            for tool, answer in answers.items()
        }

    def self_test(self) -> SelfTest:
        """Every diagnostic tool starts in a sandbox and says its version."""
        versions = self.initialize_tools()
        return SelfTest(
            checks=tuple(
                Check(
                    name=tool,
                    passed=bool(version),
                    detail=version or f"{tool} does not start: install it again",
                )
                for tool, version in versions.items()
            )
        )

    def analyze_code_quality(self, files: Sequence[str]) -> Analysis:
        """Return the issues of these files; UsageError where one is not a file of the target."""
        known = self.workspace.store.files(self.night.base)
        missing = [file for file in files if file not in known]
        if missing:
            raise UsageError(
                f"{missing[0]} is not a file of {self.night.target} at {self.night.base_commit[:12]}"
            )
        diagnosis = self.diagnosis
        chosen = tuple(issue for issue in diagnosis.issues if issue.path in set(files))
        return Analysis(issues=chosen, coverage_percentage=self._coverage(files))

    def _coverage(self, files: Sequence[str]) -> float:
        contents = self.workspace.store.read_many(self.night.base, files)
        lines = {path: line_count(content) for path, content in contents.items()}
        unread = sum(lines[path] for path in files if path in self.diagnosis.unread)
        return 100 * (1 - unread / max(1, sum(lines.values())))

    @property
    def diagnosis(self) -> Diagnosis:
        """The diagnosis of the night's base, made once."""
        if self._diagnosis is None:
            self._diagnosis = diagnose(self.workspace, self.night.base)
        return self._diagnosis

    def get_issues_by_type(self, category: str) -> tuple[Issue, ...]:
        """Return the issues of a category, actionable ones first; UsageError where there is none such."""
        if category not in CATEGORIES:
            raise UsageError(f"{category!r} is no category of issues; known: {', '.join(CATEGORIES)}")
        found = (issue for issue in self.diagnosis.issues if issue.category == category)
        return tuple(sorted(found, key=lambda issue: not issue.actionable))

    def get_issues_for_agent(self, agent: str) -> tuple[Issue, ...]:
        """Return the issues that an agent owns."""
        return tuple(issue for issue in self.diagnosis.issues if issue.agent == agent)

    def map_dependencies(self) -> ImportGraph:
        """Return which modules of the target import which, with cycles, layers and hubs."""
        return import_graph(python_sources(self.workspace, self.night.base))

    def profile_performance(self) -> Profile:
        """Return in which functions the slowest tests of the target spend their time, and their memory."""
        return profile_tests(
            self.workspace, self.night.base, establish_baseline(self.workspace, self.night.base)
        )

    def examine_machine(self) -> Machine:
        """Look at the machine that the night runs on."""
        return examine_machine(self.workspace.folder)

    def work(self, snapshot: Snapshot) -> Work:
        """Diagnose a snapshot, measure it and run its tests, the slow ones side by side."""
        workspace = self.workspace
        with ThreadPoolExecutor(2) as pool:
            finding = pool.submit(diagnose, workspace, snapshot)
            testing = pool.submit(establish_baseline, workspace, snapshot)
            machine = self.examine_machine()
            quality = measure(workspace, snapshot)
            sources = python_sources(workspace, snapshot)
            graph = import_graph(sources)
            baseline = testing.result()
            profile = profile_tests(workspace, snapshot, baseline)
            diagnosis = finding.result()
        outcomes = Counter(baseline.suite.outcomes.values())
        return Work(
            metrics={
                "issues": len(diagnosis.issues),
                "actionable": sum(issue.actionable for issue in diagnosis.issues),
                **category_counts(diagnosis.issues),
                "vulnerable_dependencies": vulnerable_dependencies(diagnosis),
                "advisories_date": advisories_date(),
                "analysis_coverage": diagnosis.analysis_coverage,
                "test_coverage": coverage_of(baseline.suite, sources),
                "tests": len(baseline.suite.outcomes),
                "tests_passed": outcomes["passed"],
                "tests_unsteady": len(baseline.unsteady),
                "tests_usable": "yes" if baseline.suite.usable else "no",
                **profile.metrics,
                **graph.metrics,
                **machine.metrics,
            },
            diagnosis=workspace.put(diagnosis),
            baseline=workspace.put(baseline),
            quality=workspace.put(quality),
        )


def vulnerable_dependencies(diagnosis: Diagnosis) -> int | None:
    """Count the known vulnerabilities of what the target asks for; None where no database could say."""
    if advisories.name in diagnosis.tool_failures or advisories.name not in diagnosis.tool_seconds:
        return None
    return sum(issue.fault.startswith(f"{advisories.name}:") for issue in diagnosis.issues)


def category_counts(issues: Iterable[Issue]) -> dict[str, int]:
    """Count issues by category, the empty ones too."""
    counts = Counter(issue.category for issue in issues)
    return {category: counts[category] for category in CATEGORIES}


@agent_task("system_diagnostics")
def system_diagnostics(night: Night, start: PhaseResult) -> AgentResult:
    """Find the issues of the snapshot, each with the agent that owns it, and establish the test baseline."""
    agent = SystemDiagnosticsAgent(night)
    return run_agent(agent.name, lambda: agent.work(start.snapshot))
