"""Validation of a target and of what a night stands on, as the specification lists it."""

from prefect import flow, task
from prefect.artifacts import create_table_artifact

from blocks.load import configured
from flows.absolute import absolute
from flows.alive import shown
from flows.progress import say
from flows.watch import NightWatch
from nightmend.frozen import Frozen
from nightmend.monitoring.pulse import Pulse, watched
from nightmend.night import Night
from nightmend.nights import open_night
from nightmend.priority import lower_priority
from nightmend.privacy.discretion import discreetly
from nightmend.report.text import line
from nightmend.validation import automated, checklist
from nightmend.validation.automated import AutomatedValidation, FunctionalTests, SecurityScan
from nightmend.validation.checklist import ManualChecklist
from nightmend.workspace import Workspace
from tasks.logs import log_from
from tasks.master_orchestrator import MasterOrchestrator


class Validation(Frozen):
    """What the machine validated, and the list that a person goes through."""

    automated: AutomatedValidation
    manual: ManualChecklist

    @property
    def complaints(self) -> tuple[str, ...]:
        """One line for each thing that the machine could not pass."""
        failed = (f"{name}: {entry.found}" for name, entry in self.manual if entry.status == "failed")
        return (*self.automated.complaints, *failed)


@shown
@flow(name="validation", flow_run_name="validate {target}", persist_result=True, result_serializer="json")
def validation(target: str, python: str | None = None, build_environment: bool = True) -> Validation:
    """Validate a repository and what a night stands on; nothing is changed.

    Args:
        target: Path of the git repository to look at.
        python: Interpreter that has the target's dependencies; where none is named, one is built.
        build_environment: Whether to install what the target declares; else our own Python runs its tests.
    """
    lower_priority()
    absolute(target=target)
    night = open_night(target, python, build_environment=build_environment, tell=say, **configured())
    log_from(night.orchestrator.log_level)
    with discreetly(night):
        found = Validation(
            automated=run_automated_validation(night), manual=run_manual_validation_checklist(night)
        )
    show(found, discreet=night.discreet)
    return found


def run_automated_validation(night: Night) -> AutomatedValidation:
    """Validate system health, performance, the target's own tests, and its security."""
    pulse = Pulse("system_diagnostics", night.orchestrator.default_timeout)
    with NightWatch(night) as watch:
        health = MasterOrchestrator(night).health_check()
        tests, scan = watched(pulse, lambda: (run_functional_test_suite(night), run_security_scan(night)))
        watch.performance.count_commands(pulse.commands, pulse.failures)
        watch.performance.monitor_deployment_impact()
    return AutomatedValidation(
        system_health=health,
        performance=watch.performance.validate_performance_targets(),
        functionality=tests,
        security=scan,
    )


@task(name="functional test suite", persist_result=False)
def run_functional_test_suite(night: Night) -> FunctionalTests:
    """Run the target's own tests in a sandbox."""
    with discreetly(night):
        return automated.run_functional_test_suite(Workspace(night), night.base)


@task(name="security scan", persist_result=False)
def run_security_scan(night: Night) -> SecurityScan:
    """Look for what an attacker could use."""
    with discreetly(night):
        return automated.run_security_scan(Workspace(night), night.base)


@task(name="manual checklist", persist_result=False)
def run_manual_validation_checklist(night: Night) -> ManualChecklist:
    """Fill in what a machine can of the manual checklist, and say what is left for a person."""
    with discreetly(night):
        return checklist.fill_in(Workspace(night))


def rows(found: Validation) -> list[dict[str, str]]:
    """Return a row for each thing validated: how it stands, what was found, what is left to do."""
    machine = found.automated
    tests, scan = machine.functionality, machine.security
    metrics = (
        (
            f"performance: {metric.replace('_', ' ')}",
            target.passed,
            f"{target.current} (target {target.target:g})",
        )
        for metric, target in machine.performance.items()
    )
    counted = f"{tests.passed} tests pass, {tests.failed} fail"
    found_by = f"{len(scan.high)} issues of high severity by {', '.join(scan.tools)}"
    parts = (
        ("system health", machine.system_health.healthy, "; ".join(machine.system_health.complaints)),
        *metrics,
        ("functionality", tests.success, "; ".join(filter(None, (counted, tests.reason)))),
        ("security", scan.success, "; ".join((found_by, *scan.failures.values()))),
    )
    by_machine = [
        {"what": what, "status": _status(passed), "found": detail or "every part answers", "for a person": ""}
        for what, passed, detail in parts
    ]
    listed = [
        {
            "what": name.replace("_", " "),
            "status": entry.status,
            "found": entry.found,
            "for a person": entry.to_do,
        }
        for name, entry in found.manual
    ]
    return [{name: line(cell) for name, cell in row.items()} for row in by_machine + listed]


def show(found: Validation, *, discreet: bool = False) -> None:
    """Tell a validation line by line, and leave it as a table in the Prefect UI."""
    table = [{**row, "found": "", "for a person": ""} if discreet else row for row in rows(found)]
    for row in table:
        to_do = f"; for a person: {row['for a person']}" if row["for a person"] else ""
        say(f"{row['status']:12} {row['what']}: {row['found']}{to_do}")
    create_table_artifact(
        table, key="nightmend-validation", description="What was validated, and how it stands"
    )


def _status(passed: bool | None) -> str:
    return "unknown" if passed is None else "passed" if passed else "failed"
