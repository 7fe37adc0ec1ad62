"""What is wrong with a snapshot, as every detector sees it."""

from collections.abc import Container

from nightmend.detectors import nightmend as own
from nightmend.detectors.registry import detectors, taxonomies
from nightmend.detectors.tree import line_count
from nightmend.diagnosis.merging import Names, clusters, issues
from nightmend.diagnosis.survey import survey
from nightmend.frozen import Frozen
from nightmend.issue import Finding, Issue
from nightmend.patterns.loader import load_patterns
from nightmend.repairs.recheck import FaultCounts, Variant, recheck
from nightmend.snapshot import Snapshot
from nightmend.targets.config import target_config
from nightmend.targets.trees import checkout_view, documents, left_out, python_sources
from nightmend.workspace import Workspace

__all__ = ["Diagnosis", "FaultCounts", "Variant", "diagnose", "recheck"]


class Diagnosis(Frozen):
    """The issues of a snapshot, sorted by path, line and fault, and how much of it the tools could read."""

    issues: tuple[Issue, ...]
    analysed_lines: int
    """Lines of the Python files that every tool read."""
    total_lines: int
    """Lines of all Python files but vendored and generated ones."""
    unread: tuple[str, ...] = ()
    """Python files that some tool could not read."""
    tool_failures: dict[str, str]
    """One line for each tool that is missing, crashed or ran out of its limits."""
    tool_seconds: dict[str, float]

    @property
    def analysis_coverage(self) -> float | None:
        """Percent of lines that every tool read; None where there is no Python."""
        return round(100 * self.analysed_lines / self.total_lines, 2) if self.total_lines else None

    @property
    def actionable(self) -> "Diagnosis":
        """The same with only the issues that an agent may act on."""
        return self.model_copy(update={"issues": tuple(issue for issue in self.issues if issue.actionable)})


def diagnose(
    workspace: Workspace, snapshot: Snapshot, *, deep: bool = True, tools: Container[str] | None = None
) -> Diagnosis:
    """Run every detector, or those of `tools`; without `deep` only those that read each file by itself.

    A tool that fails costs its own findings and one line in `tool_failures`.
    """
    config = target_config(workspace.store, snapshot)
    declared, patterns = workspace.night.declared, load_patterns()
    sources = python_sources(workspace, snapshot)
    contents = sources | documents(workspace, snapshot)
    chosen = [
        detector
        for detector in detectors().values()
        if (deep or detector.per_file) and (tools is None or detector.name in tools)
    ]
    workspace.checkout(snapshot)
    answers = survey(
        [detector for detector in chosen if sources or detector.name == own.name],
        lambda name: workspace.sandbox(snapshot, f"diagnose-{name}"),
        checkout_view(workspace, snapshot, contents),
        config,
        patterns.values(),
        declared.asked,
    )
    unlooked = [own.left_out(path, why) for path, why in left_out(workspace, snapshot).items()]
    found = [*config.broken, *unlooked, *_missing(workspace, snapshot)]
    found += [finding for answer in answers.values() for finding in answer.findings]
    found = [declared.marked(finding) for finding in found]
    names = Names(taxonomies(), patterns, config.declined)
    unread = {finding.path for finding in found if names.meaning(finding).unread}
    failures = {name: answer.failure for name, answer in answers.items() if answer.failure}
    blind = any(taxonomies()[name].reads_code for name in failures)
    return Diagnosis(
        issues=tuple(map(declared.weighed, issues(clusters(found, names), names, contents))),
        analysed_lines=0 if blind else sum(line_count(sources[path]) for path in sources.keys() - unread),
        total_lines=sum(map(line_count, sources.values())),
        unread=tuple(sorted(sources if blind else unread)),
        tool_failures=failures,
        tool_seconds={name: round(answer.seconds, 3) for name, answer in answers.items()},
    )


def _missing(workspace: Workspace, snapshot: Snapshot) -> tuple[Finding, ...]:
    """Return a finding for each dependency that the night's environment lacks."""
    there = workspace.store.files(snapshot)
    paths = {one.path for one in workspace.environment.missing if one.path in there}
    return workspace.environment.findings(workspace.store.read_many(snapshot, sorted(paths)))
