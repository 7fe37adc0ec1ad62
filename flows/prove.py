import time
from pathlib import Path

from prefect import flow

from blocks.load import configured
from flows.absolute import absolute
from flows.alive import shown
from flows.looking import look
from flows.phase import weigh
from flows.progress import say, say_first
from nightmend.agents import PHASES
from nightmend.diffs.proving import Proved
from nightmend.errors import NightmendError
from nightmend.git.target import Target
from nightmend.home import state_folder
from nightmend.night import Night
from nightmend.nights import open_night
from nightmend.phases import repaired
from nightmend.preflight import preflight
from nightmend.priority import lower_priority
from nightmend.privacy.discretion import discreetly
from nightmend.recovery.lock import alone
from nightmend.results import Course, Judgements, PhaseRecord, PhaseResult
from nightmend.workspace import Workspace
from tasks.logs import log_from
from tasks.prove import prove_edits
from tasks.publish import publish
from tasks.tell import tell
from tasks.workers import workers


@shown
@flow(name="prove", flow_run_name="prove {target}", persist_result=True, result_serializer="json")
def prove(
    target: str,
    diff: str,
    python: str | None = None,
    report: str | None = None,
    build_environment: bool = True,
    allow_breaking: bool = False,
) -> Proved:
    """Prove what another tool wrote: each edit of a diff is kept only when it breaks nothing.

    The result is a branch `nightmend/<run>` in the target with the edits that were proved, and a report.

    Args:
        target: Path of the git repository that the diff is of.
        diff: Path of a file with a unified diff against what is checked out there.
        python: Interpreter that has the target's dependencies; where none is named, one is built.
        build_environment: Whether to install what the target declares; else our own Python runs its tests.
        report: Folder for the report; in the state folder where none is named.
        allow_breaking: Keep what is proved but takes a name or a way to call it from the public interface.
    """
    clock = time.perf_counter()
    lower_priority()
    absolute(target=target, diff=diff, report=report)
    place = Target.open(Path(target))
    preflight(place, state_folder(), report)
    with alone(state_folder(), place, "proof") as note_run:
        night = open_night(
            target,
            python,
            through="repairs",
            build_environment=build_environment,
            allow_breaking=allow_breaking,
            long_lines=True,
            tell=say,
            **configured(),
        )
        note_run(night.run)
        log_from(night.orchestrator.log_level)
        with discreetly(night):
            return _prove(night, diff, report, clock)


def _prove(night: Night, diff: str, report: str | None, clock: float) -> Proved:
    say(f"proof {night.run} on {night.target} at {night.base_commit[:12]}")
    looked = look(night)
    began = time.perf_counter()
    failure: object = None
    validated = list(looked.validated)
    try:
        validated.append(_settled(night, looked.last.bare, diff))
        record = PhaseRecord.of(validated[-1], time.perf_counter() - began, cached=False)
    except NightmendError as error:
        failure = error
        record = PhaseRecord.failed("repairs", error, time.perf_counter() - began)
    skipped = (
        PhaseRecord(phase=phase, status="SKIPPED", seconds=0) for phase in PHASES if phase not in night.phases
    )
    course = Course.of(looked.beginning, validated, (*looked.records, record, *skipped), failure)
    published = publish(night, course, stays=True)
    folder = tell(night, course, published, report, time.perf_counter() - clock)
    say_first(Path(folder), discreet=night.discreet)
    if failure:
        raise NightmendError(f"{course.error}; see {folder}/report.html")
    judged = Workspace(night).get(course.last.judgements or "", Judgements).judgements
    kept = sum(one.verdict == "kept" for one in judged)
    say(f"{kept} of {len(judged)} edits proved, {published.sentence}, report {folder}")
    return Proved(published=published, tried=len(judged), kept=kept, report=folder)


def _settled(night: Night, start: PhaseResult, diff: str) -> PhaseResult:
    """Prove the edits, settle those that hold as a phase does, and weigh its gates."""
    clock = time.perf_counter()
    agent = prove_edits(night, start, diff)
    with workers(night):
        result = repaired(Workspace(night), "repairs", start, [agent], (), clock)
    weigh(result, night.profile)
    return result
