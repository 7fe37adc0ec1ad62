"""Put the report of a night together from what its phases left in the store."""

from collections.abc import Iterable
from itertools import islice

from nightmend.diagnosis.diagnosis import Diagnosis
from nightmend.diagnosis.measures import Quality
from nightmend.environments.environment import Environment
from nightmend.evidence import Judgement
from nightmend.issue import CATEGORIES
from nightmend.monitoring.summary import Monitoring
from nightmend.night import Night
from nightmend.patterns.loader import load_patterns
from nightmend.phases import resolved
from nightmend.privacy.discretion import revealed
from nightmend.privacy.masking import Masker
from nightmend.proof.baseline import Baseline
from nightmend.report.changes import Change, changes_of, secrets_of
from nightmend.report.model import (
    AgentReport,
    CategoryCounts,
    EnvironmentReport,
    IssueCounts,
    MissingReport,
    PhaseReport,
    QualityChange,
    QualityNumbers,
    RepairReport,
    Report,
    ShipmentReport,
    TestCounts,
    TestNumbers,
    Told,
)
from nightmend.report.sarif import after_log, before_log
from nightmend.results import Course, Judgements, PhaseRecord, PhaseResult, Shipment
from nightmend.review.publication import Published
from nightmend.workspace import Workspace

MOST_NOT_PASSED = 100
UNMEASURED = QualityNumbers(pep8_compliance=None, type_hint_coverage=None, documentation_coverage=None)


def build_report(
    night: Night, course: Course, published: Published, seconds: float, monitoring: Monitoring | None = None
) -> Told:
    """Return the report of a night, and the diff of every repair that was tried."""
    workspace = Workspace(night)
    course = _revealed(workspace, course)
    mask = Masker(secrets_of(workspace, course.beginning.snapshot))
    judged = [pair for _, result in course.results for pair in _judged(workspace, result)]
    judged += _undone(workspace, course)
    changes = changes_of(workspace, course, mask, published=published.branch is not None)
    report = Report(
        target=night.target,
        run=night.run,
        base_commit=night.base_commit,
        result_commit=course.shipped.commit,
        branch=published.branch,
        replaced=published.replaced,
        withheld=published.withheld,
        shipment=_shipment(night, course.shipment) if course.shipment and night.budget.limited else None,
        profile=night.profile,
        status="FAILED" if course.error else "PASSED",
        seconds=round(seconds, 2),
        python=night.python,
        environment=_environment(workspace.environment),
        error=course.error,
        tests=_tests(workspace, course),
        phases=tuple(_phase(record) for record in course.records),
        issues=_issues(workspace, course.shipped),
        repairs=tuple(
            _shipped(_repair(judgement, commit, changes[judgement.repair.id]), course.shipment)
            for judgement, commit in judged
        ),
        quality=_quality(workspace, course),
        tool_failures=_tool_failures(workspace, course.last),
        monitoring=monitoring,
    )
    return Told(
        report=mask.model(report),
        diffs={name: change.shown for name, change in changes.items()},
        patches={name: change.patch for name, change in changes.items() if change.patch},
        sarif=_sarif(workspace, report, course.shipped, mask),
    )


def _revealed(workspace: Workspace, course: Course) -> Course:
    """Put back what the Prefect server was not told."""
    records = tuple(
        record.model_copy(update={"error": revealed(workspace, record.error)}) for record in course.records
    )
    return course.model_copy(update={"error": revealed(workspace, course.error), "records": records})


def _judged(workspace: Workspace, result: PhaseResult) -> Iterable[tuple[Judgement, str | None]]:
    if result.judgements is None:
        return
    held = workspace.get(result.judgements, Judgements)
    for judgement in held.judgements:
        yield judgement, held.commits.get(judgement.repair.id)


def _undone(workspace: Workspace, course: Course) -> Iterable[tuple[Judgement, None]]:
    """Yield what a phase had judged that was rolled back: nothing of it is kept."""
    if course.undone is None:
        return
    why = f"phase {course.undone.phase} was rolled back as a whole"
    judged = (pair for _, result in course.undone_steps for pair in _judged(workspace, result))
    for judgement, _ in judged:
        fell = {"verdict": "rolled_back", "reason": why} if judgement.verdict == "kept" else {}
        yield judgement.model_copy(update=fell), None


def _repair(judgement: Judgement, commit: str | None, change: Change) -> RepairReport:
    repair = judgement.repair
    return RepairReport(
        id=repair.id,
        agent=repair.agent,
        pattern=repair.pattern,
        safety=repair.safety,
        grade=judgement.grade,
        issues=repair.issues,
        files=repair.paths,
        line=repair.line,
        summary=repair.summary,
        commit=commit,
        patch=f"patches/{repair.id}.patch" if change.patch else None,
        no_patch=change.no_patch,
        verdict=judgement.verdict,
        reason=judgement.reason,
        evidence=judgement.evidence,
    )


def _shipped(repair: RepairReport, shipment: Shipment | None) -> RepairReport:
    """Tell whether a kept repair ships, under which commit, why it waits, or that a person dropped it."""
    if shipment is None or repair.verdict != "kept":
        return repair
    if repair.id in shipment.dropped:
        fallen = {"verdict": "rolled_back", "reason": shipment.dropped[repair.id], "commit": None}
        return repair.model_copy(update=fallen)
    found = {"commit": shipment.commits.get(repair.id), "waits": shipment.waits.get(repair.id, "")}
    return repair.model_copy(update=found)


def _shipment(night: Night, shipment: Shipment) -> ShipmentReport:
    return ShipmentReport(
        max_commits=night.budget.max_commits,
        max_lines=night.budget.max_lines,
        commits=len(set(shipment.commits.values())),
        lines=shipment.lines,
        repairs=len(shipment.commits),
        waiting=len(shipment.waits),
        gates=shipment.result.gates,
    )


def _phase(record: PhaseRecord) -> PhaseReport:
    agents = tuple(
        AgentReport(
            name=agent.agent,
            status=agent.status,
            seconds=round(agent.seconds, 2),
            started=agent.started,
            pid=agent.pid,
            metrics=agent.metrics,
        )
        for agent in record.agents
    )
    return PhaseReport(
        name=record.phase,
        status=record.status,
        seconds=round(record.seconds, 2),
        agents=agents,
        gates=record.gates,
        error=record.error,
    )


def _tests(workspace: Workspace, course: Course) -> TestNumbers:
    if course.origin_baseline is None or course.last.baseline is None:
        return TestNumbers(
            before=TestCounts(), after=TestCounts(), usable=False, reason="the tests were not run"
        )
    before = workspace.get(course.origin_baseline, Baseline)
    after = workspace.get(course.shipped.baseline or course.last.baseline, Baseline)
    return TestNumbers(
        before=_counts(before),
        after=_counts(after),
        usable=before.suite.usable,
        reason=before.suite.reason,
        unsteady=before.unsteady,
        quarantined=before.quarantined,
        runs=before.runs,
        order_seed=before.order_seed,
        hash_seed=before.hash_seed,
        random_seed=before.random_seed,
        note=before.note,
        not_passed=_not_passed(before),
        could_not_run=before.unrunnable.count,
        counted=before.unrunnable.total,
        wants=before.unrunnable.wants,
    )


def _environment(built: Environment) -> EnvironmentReport | None:
    if built == Environment():
        return None
    return EnvironmentReport(
        packages=len(built.installed),
        seconds=built.seconds,
        missing=tuple(
            MissingReport(requirement=one.requirement, path=one.path, why=one.why) for one in built.missing
        ),
        note=built.note,
    )


def _not_passed(baseline: Baseline) -> dict[str, str]:
    suite = baseline.suite
    failed = {
        name: why for name, why in suite.messages.items() if suite.outcomes[name] in {"failed", "error"}
    }
    hanging = dict.fromkeys(suite.left_out, "it hangs")
    return dict(islice((hanging | suite.collection_errors | failed).items(), MOST_NOT_PASSED))


def _counts(baseline: Baseline) -> TestCounts:
    suite = baseline.suite
    return TestCounts(
        passed=suite.count("passed", "xpassed"),
        failed=suite.count("failed"),
        errors=suite.count("error") + len(suite.collection_errors),
        skipped=suite.count("skipped", "xfailed"),
    )


def _issues(workspace: Workspace, last: PhaseResult) -> IssueCounts:
    if last.origin is None or last.diagnosis is None:
        return IssueCounts(
            identified=0, actionable=0, resolved=0, resolution_rate=None, actionable_rate=None, by_category={}
        )
    before = workspace.get(last.origin, Diagnosis)
    after = before if last.diagnosis == last.origin else workspace.get(last.diagnosis, Diagnosis)
    gone = resolved(before, after)
    gone_actionable = resolved(before.actionable, after.actionable)
    identified, actionable = len(before.issues), len(before.actionable.issues)
    return IssueCounts(
        identified=identified,
        actionable=actionable,
        resolved=gone.total(),
        resolution_rate=gone.total() / identified if identified else None,
        actionable_rate=gone_actionable.total() / actionable if actionable else None,
        by_category={
            category: CategoryCounts(
                identified=sum(issue.category == category for issue in before.issues), resolved=gone[category]
            )
            for category in CATEGORIES
        },
    )


def _quality(workspace: Workspace, course: Course) -> QualityChange:
    before, after = course.origin_quality, course.shipped.quality
    return QualityChange(
        before=_numbers(workspace.get(before, Quality)) if before else UNMEASURED,
        after=_numbers(workspace.get(after, Quality)) if after else UNMEASURED,
    )


def _numbers(quality: Quality) -> QualityNumbers:
    return QualityNumbers(
        pep8_compliance=quality.pep8_compliance,
        type_hint_coverage=quality.type_hint_coverage,
        documentation_coverage=quality.documentation_coverage,
    )


def _sarif(workspace: Workspace, report: Report, last: PhaseResult, mask: Masker) -> dict[str, str]:
    if last.origin is None or last.diagnosis is None:
        return {}
    before, after = workspace.get(last.origin, Diagnosis), workspace.get(last.diagnosis, Diagnosis)
    patterns = load_patterns()
    return {
        "before.sarif": before_log(report.run, before, patterns, mask, report.repairs),
        "after.sarif": after_log(report.run, before, after, patterns, mask, report.repairs),
    }


def _tool_failures(workspace: Workspace, last: PhaseResult) -> dict[str, str]:
    return workspace.get(last.origin, Diagnosis).tool_failures if last.origin else {}
