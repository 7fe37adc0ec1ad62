import time
from pathlib import Path

from prefect import flow

from blocks.load import configured
from flows.absolute import absolute
from flows.alive import shown
from flows.looking import look
from flows.progress import say, say_first
from nightmend.git.target import Target
from nightmend.home import state_folder
from nightmend.nights import open_night
from nightmend.preflight import preflight
from nightmend.priority import lower_priority
from nightmend.review.publication import Published
from tasks.logs import log_from
from tasks.tell import tell


@shown
@flow(name="diagnose", flow_run_name="diagnose {target}", persist_result=True, result_serializer="json")
def diagnose(
    target: str, python: str | None = None, report: str | None = None, build_environment: bool = True
) -> str:
    """Say what is wrong with a Python codebase, and change nothing; returns the folder of the report.

    Args:
        target: Path of the git repository to look at.
        python: Interpreter that has the target's dependencies; where none is named, one is built.
        build_environment: Whether to install what the target declares; else our own Python runs its tests.
        report: Folder for the report; in the state folder where none is named.
    """
    clock = time.perf_counter()
    lower_priority()
    absolute(target=target, report=report)
    preflight(Target.open(Path(target)), state_folder(), report, publishes=False)
    night = open_night(
        target,
        python,
        through="diagnostics",
        build_environment=build_environment,
        tell=say,
        **configured(),
    )
    log_from(night.orchestrator.log_level)
    course = look(night)
    nothing = Published(
        run=night.run, branch=None, base_commit=night.base_commit, result_commit=night.base_commit
    )
    folder = tell(night, course, nothing, report, time.perf_counter() - clock)
    say_first(Path(folder), discreet=night.discreet)
    say(f"report {folder}")
    return folder
