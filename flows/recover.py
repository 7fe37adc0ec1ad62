"""The night: five phases in order, then one branch and one report."""

import logging
import time
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect_dask.task_runners import DaskTaskRunner

from blocks.load import configured
from flows.absolute import absolute
from flows.alive import shown
from flows.cluster import NightCluster
from flows.diagnostics import diagnostics
from flows.foundation import foundation
from flows.optimization import optimization
from flows.phase import saved
from flows.progress import Progress, say, say_first
from flows.quality import quality
from flows.repairs import repairs
from flows.watch import NightWatch
from nightmend.agents import Phase
from nightmend.durations import seconds_of
from nightmend.errors import NightmendError, PrerequisiteError, UsageError
from nightmend.estimate import estimate
from nightmend.git.target import Target
from nightmend.home import state_folder
from nightmend.ledger.people import learn
from nightmend.ledger.recording import record_night
from nightmend.night import Night
from nightmend.nights import open_night
from nightmend.phases import beginning, issues_resolved
from nightmend.preflight import preflight
from nightmend.priority import lower_priority
from nightmend.privacy.discretion import discreetly
from nightmend.recovery.lock import alone
from nightmend.recovery.pruning import NIGHTS, prune
from nightmend.results import Course, PhaseRecord, PhaseResult
from nightmend.review.publication import Published
from nightmend.settings import MIB, Budget, Profile
from nightmend.workspace import Workspace
from tasks.elsewhere import going, reach
from tasks.logs import log_from
from tasks.publish import publish, ship
from tasks.tell import tell

PHASE_FLOWS: dict[Phase, Any] = {
    "foundation": foundation,
    "diagnostics": diagnostics,
    "repairs": repairs,
    "optimization": optimization,
    "quality": quality,
}
ON_DASK: tuple[Phase, ...] = ("foundation", "repairs")
"""Foundation only asks a Dask process to answer; the repair agents work there."""


@shown
@flow(name="recover", flow_run_name="recover {target}", persist_result=True, result_serializer="json")
def recover(
    target: str,
    python: str | None = None,
    profile: Profile = "ratchet",
    report: str | None = None,
    through: Phase = "quality",
    only: list[str] | None = None,
    max_commits: int | None = None,
    max_lines: int | None = None,
    build_environment: bool = True,
    allow_breaking: bool = False,
    unsafe_fixes: bool | None = None,
    budget: str | None = None,
    max_state: int | None = None,
    dask_address: str | None = None,
) -> Published:
    """Recover a Python codebase overnight: ten agents in five phases, and nothing is kept on trust.

    The result is a branch `nightmend/<run>` in the target, one commit for each fault pattern, and a report.
    A closed gate rolls its phase back; what the phases before it achieved is published all the same.

    Args:
        target: Path of the git repository to recover.
        python: Interpreter that has the target's dependencies; where none is named, one is built.
        build_environment: Whether to install what the target declares; else our own Python runs its tests.
        profile: ratchet: what is measured must not fall; strict: every target must be met as well.
        report: Folder for the report; in the state folder where none is named.
        through: The last phase to do; the phases behind it are skipped.
        only: The agents that may repair; all of them where none is named.
        max_commits: Commits to publish at most, the gravest and best proved repairs first; the others wait.
        max_lines: Lines to publish at most, taken away and put in.
        allow_breaking: Keep what is proved but takes a name or a way to call it from the public interface.
        unsafe_fixes: Prove also the fixes that the linter calls unsafe, or not; else target and block say it.
        budget: Time for the night, as 4h, 90m or 2h30m; then what is proved is published, and the rest waits.
        max_state: Bytes that may be kept of the target's nights; else the smaller one of target and block.
        dask_address: Scheduler of a Dask cluster for the repair agents; else that of the block, else our own.
    """
    clock, began = time.perf_counter(), time.time()
    lower_priority()
    absolute(target=target, report=report)
    place = Target.open(Path(target))
    preflight(place, state_folder(), report)
    review = _budget(max_commits, max_lines)
    if max_state is not None and max_state < MIB:
        raise UsageError(f"max_state is {max_state}: give {MIB} bytes at least, or leave it out")
    with alone(state_folder(), place, "night") as note_run:
        learn(state_folder(), place, say)
        settings = configured()
        address = dask_address or settings["orchestrator"].dask_address
        if address:
            reach(address).close()  # refused before anything is installed or diagnosed
        time_budget = budget or settings["orchestrator"].time_budget
        night = open_night(
            target,
            python,
            profile,
            through=through,
            only=only or (),
            budget=review,
            build_environment=build_environment,
            allow_breaking=allow_breaking,
            unsafe_fixes=unsafe_fixes,
            deadline=began + seconds_of(time_budget) if time_budget else None,
            tell=say,
            **settings,
        )
        note_run(night.run)
        log_from(night.orchestrator.log_level)
        _prune(night, max_state)
        with discreetly(night):
            return _recover(night, report, clock, address)


def _budget(max_commits: int | None, max_lines: int | None) -> Budget:
    for name, limit in (("max_commits", max_commits), ("max_lines", max_lines)):
        if limit is not None and limit < 1:
            raise UsageError(f"{name} is {limit}: give a number from 1 on, or leave it out")
    return Budget(max_commits=max_commits, max_lines=max_lines)


def _prune(night: Night, asked: int | None) -> None:
    """Make room before the night; the last one is never touched, so that this one can go on behind it."""
    said = (night.orchestrator.max_state, night.declared.max_state)
    limit = asked or min(limit for limit in said if limit is not None)
    try:
        pruned = prune(Workspace(night), limit)
    except (NightmendError, OSError) as error:
        say(f"state: what earlier nights kept could not be made less: {error}", logging.WARNING)
        return
    if any(one.what == NIGHTS for one in pruned.removed):
        say(f"state: the oldest nights are removed, since {limit} bytes may be kept")
    if pruned.size > limit:
        kept = f"state: {pruned.size} bytes are kept, though {limit} may be"
        say(f"{kept}: the last nights, or a diagnosis under way, need them", logging.WARNING)


def _recover(night: Night, report: str | None, clock: float, dask_address: str | None) -> Published:
    say(f"night {night.run} on {night.target} at {night.base_commit[:12]}")
    with NightCluster(night, dask_address) as cluster, NightWatch(night, cluster) as watch:
        course = _phases(night, cluster, watch)
    published, course = _published(night, course)
    folder = tell(night, course, published, report, time.perf_counter() - clock, watch.summary())
    record_night(Workspace(night), course, published, time.perf_counter() - clock)
    say_first(Path(folder), discreet=night.discreet)
    say(f"{published.sentence}, report {folder}")
    if course.error:
        unfit = course.exit_code == PrerequisiteError.exit_code
        raise (PrerequisiteError if unfit else NightmendError)(f"{course.error}; see {folder}/report.html")
    return published


def _published(night: Night, course: Course) -> tuple[Published, Course]:
    """Publish what was achieved; where the target takes no branch, the report is written all the same."""
    try:
        shipped = ship(night, course) if night.budget.limited else course
        return publish(night, shipped), shipped
    except NightmendError as error:
        told = {"error": str(error), "exit_code": error.exit_code}
    nothing = Published(
        run=night.run, branch=None, base_commit=night.base_commit, result_commit=course.last.commit
    )
    return nothing, course if course.error else course.model_copy(update=told)


def _phases(night: Night, cluster: NightCluster, watch: NightWatch) -> Course:
    start = last = beginning(night)
    validated: list[PhaseResult] = []
    records: list[PhaseRecord] = []
    failure: object = None
    with Progress(night, night.phases, watch.performance) as progress:
        for phase in PHASE_FLOWS:
            if failure is not None or phase not in night.phases:
                records.append(PhaseRecord(phase=phase, status="SKIPPED", seconds=0))
                continue
            progress.begin(phase)
            clock = time.perf_counter()
            state = _run(phase, night, last, cluster)
            outcome = state.result(raise_on_failure=False)
            seconds = time.perf_counter() - clock
            if isinstance(outcome, PhaseResult):
                last = outcome
                validated.append(outcome)
                records.append(PhaseRecord.of(outcome, seconds, cached=state.name == "Cached"))
            else:
                failure = outcome
                records.append(PhaseRecord.failed(phase, outcome, seconds))
            progress.end(records[-1], issues_resolved(night, outcome))
            if phase == "diagnostics" != night.phases[-1] and isinstance(outcome, PhaseResult):
                say(estimate(Workspace(night), outcome).sentence(night.deadline))
    return Course.of(start, validated, records, failure)


def _run(phase: Phase, night: Night, last: PhaseResult, cluster: NightCluster) -> State[Any]:
    """Run the subflow of a phase; only one that has work to do starts the Dask processes."""
    subflow, arguments = PHASE_FLOWS[phase], (night, last.bare)
    if phase in ON_DASK and not cluster.elsewhere and not saved(night, phase, last):
        subflow = subflow.with_options(task_runner=DaskTaskRunner(address=cluster.address))
    with going(cluster.elsewhere):
        state: State[Any] = subflow(*arguments, return_state=True)
    return state
