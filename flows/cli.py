"""The command line, thin over the flows.

Prefect is imported only by the commands that run a flow, behind the environment that it reads.
"""

import contextlib
import importlib
import logging
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

import click

from flows.environment import TERMINAL, prepare_environment
from flows.interruption import end_now, end_on_signals
from nightmend.advisories.database import advisories_folder
from nightmend.advisories.update import EXPORT, update_advisories
from nightmend.agents import PHASES, Phase
from nightmend.diffs.reading import LARGEST, branch_diff, read_diff
from nightmend.doctor import examine
from nightmend.durations import seconds_of
from nightmend.errors import NightmendError, PrerequisiteError, UsageError
from nightmend.files import write_atomically
from nightmend.git.branches import commit_of
from nightmend.git.store import Store
from nightmend.git.target import Target
from nightmend.home import state_folder
from nightmend.nights import open_night
from nightmend.preflight import preflight
from nightmend.priority import lower_priority
from nightmend.privacy.masking import masked
from nightmend.recovery.checkpoints import Checkpoints
from nightmend.recovery.lock import refuse_second
from nightmend.recovery.purging import purge as purge_state
from nightmend.report.story import count
from nightmend.report.text import line
from nightmend.review.dropping import drop_repairs
from nightmend.sandboxes import backends
from nightmend.settings import MIB, Profile
from nightmend.workspace import target_folder

MEGABYTE = 10**6
repository = click.argument("target", type=click.Path(path_type=Path))
interpreter = click.option("--python", metavar="PATH", help="Interpreter that has the target's dependencies.")
build_environment = click.option(
    "--build-environment/--no-build-environment",
    default=True,
    show_default=True,
    help="Without --python, install what the target declares that its tests need.",
)
allow_breaking = click.option(
    "--allow-breaking", is_flag=True, help="Keep also what is proved but breaks the public interface."
)
report_folder = click.option("--report", type=click.Path(path_type=Path), help="Folder for the report.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="nightmend")
def cli() -> None:
    """Ten agents that recover a Python codebase overnight, and prove every change they keep."""


@cli.command()
@repository
@interpreter
@build_environment
@report_folder
@click.option(
    "--profile",
    type=click.Choice(["ratchet", "strict"]),
    default="ratchet",
    show_default=True,
    help="ratchet: what is measured must not fall; strict: every target must be met.",
)
@click.option(
    "--through",
    type=click.Choice(tuple(PHASES)),
    default="quality",
    show_default=True,
    help="The last phase to do.",
)
@click.option("--only", multiple=True, metavar="AGENT", help="Let only this agent repair; may be said again.")
@click.option("--max-commits", type=click.IntRange(min=1), help="Publish no more commits; the rest waits.")
@click.option("--max-lines", type=click.IntRange(min=1), help="Publish no more lines; the rest waits.")
@allow_breaking
@click.option(
    "--unsafe-fixes/--no-unsafe-fixes",
    default=None,
    help="Prove also fixes that the linter calls unsafe; else the repository and the blocks say.",
)
@click.option("--budget", metavar="TIME", help="As 2h30m or 90m; then what is proved ships.")
@click.option(
    "--max-state", type=click.IntRange(min=MIB), help="Keep no more bytes of a repository's nights."
)
@click.option("--dask-address", metavar="ADDRESS", help="Let agents work on the workers of a Dask cluster.")
@click.option("--apply", "apply_result", is_flag=True, help="Fast-forward the current branch to the result.")
def recover(
    target: Path,
    python: str | None,
    build_environment: bool,
    report: Path | None,
    profile: Profile,
    through: Phase,
    only: tuple[str, ...],
    max_commits: int | None,
    max_lines: int | None,
    allow_breaking: bool,
    unsafe_fixes: bool | None,
    budget: str | None,
    max_state: int | None,
    dask_address: str | None,
    apply_result: bool,
) -> None:
    """Recover a repository: one branch, a commit for each fault pattern, and a report."""
    if budget is not None:
        seconds_of(budget)
    opened = look_at(target, python, report, through, only)
    if apply_result and not opened.clean():
        raise UsageError(
            f"{opened.path} has changes that are not committed: commit them, or leave out --apply"
        )
    if dask_address:
        look_at_cluster(dask_address)
    with night_environment("flows.recover"):
        from flows.recover import recover as flow

        published = flow(
            target=str(opened.path),
            python=python,
            profile=profile,
            report=str(report.absolute()) if report else None,
            through=through,
            only=list(only),
            max_commits=max_commits,
            max_lines=max_lines,
            build_environment=build_environment,
            allow_breaking=allow_breaking,
            unsafe_fixes=unsafe_fixes,
            budget=budget,
            max_state=max_state,
            dask_address=dask_address,
        )
    if apply_result and published.branch:
        store = Store(target_folder(state_folder(), opened.path) / "store.git", opened)
        store.fast_forward(opened, published.result_commit)
        click.echo(f"applied: {opened.path} stands at {published.result_commit[:12]}")


@cli.command()
@repository
@interpreter
@build_environment
@report_folder
def diagnose(target: Path, python: str | None, build_environment: bool, report: Path | None) -> None:
    """Say what is wrong with a repository, and change nothing."""
    opened = look_at(target, python, report, publishes=False)
    with night_environment("flows.diagnose"):
        from flows.diagnose import diagnose as flow

        flow(str(opened.path), python, str(report.absolute()) if report else None, build_environment)


@cli.command()
@repository
@click.option("--diff", "source", metavar="FILE", help="A unified diff of what is committed; - reads it.")
@click.option("--ref", metavar="BRANCH", help="A branch, instead: what it changed since it left HEAD.")
@interpreter
@build_environment
@allow_breaking
@report_folder
def prove(
    target: Path,
    source: str | None,
    ref: str | None,
    python: str | None,
    build_environment: bool,
    allow_breaking: bool,
    report: Path | None,
) -> None:
    """Prove what another tool wrote: of a diff, keep each edit that breaks nothing, as a branch."""
    if (source is None) == (ref is None):
        raise UsageError("say what to prove: --diff FILE (- is standard input), or --ref BRANCH")
    opened = look_at(target, python, report)
    with proposed(opened, source, ref) as diff, night_environment("flows.prove"):
        from flows.prove import prove as flow

        folder = str(report.absolute()) if report else None
        proved = flow(str(opened.path), str(diff), python, folder, build_environment, allow_breaking)
    if proved.kept < proved.tried:
        left = f"{proved.tried - proved.kept} of {proved.tried} edits"
        raise NightmendError(f"{left} are not kept: {proved.report}/report.html says why")


@cli.command()
@repository
@interpreter
@build_environment
def validate(target: Path, python: str | None, build_environment: bool) -> None:
    """Validate a repository and what a night stands on, and say what is left for a person."""
    opened = look_at(target, python, None, publishes=False)
    with night_environment("flows.validation"):
        from flows.validation import validation as flow

        found = flow(str(opened.path), python, build_environment)
    if found.complaints:
        raise NightmendError(f"{opened.path} is not valid: {'; '.join(found.complaints)}")


@cli.command()
@repository
def checkpoints(target: Path) -> None:
    """List the checkpoints of a repository's nights, oldest first."""
    opened = Target.open(target)
    listing = checkpoints_of(opened).listing()
    for entry in listing:
        known = entry.checkpoint
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(known.timestamp)) if known else "-"
        commit, size = (known.commit[:12], amount(entry.size)) if known else ("-", "-")
        click.echo(f"{entry.name:32}  {when:19}  {commit:12}  {size:>10}  {entry.state}")
    if not listing:
        click.echo(f"no night has left a checkpoint of {opened.path} yet")


@cli.command()
@repository
@click.argument("name", metavar="NAME")
def rollback(target: Path, name: str) -> None:
    """Take a night's branch, and its agents, back to the checkpoint NAME (<run>/<phase>)."""
    opened = Target.open(target)
    try:
        checkpoints_of(opened).get(name)
    except ValueError as error:
        raise UsageError(str(error)) from error
    refuse_second(state_folder(), opened)
    with night_environment("flows.rollback"):
        from flows.rollback import rollback as flow

        flow(str(opened.path), name)


@cli.command()
@click.argument("target", type=click.Path(path_type=Path), required=False)
def purge(target: Path | None) -> None:
    """Remove all that is kept of a repository; without one, of every repository."""
    with state_home() as home:
        removed = purge_state(home, target)
    for one in removed:
        click.echo(f"{one.what:40}  {count(one.files, 'file'):>14}  {amount(one.size):>10}")
    whole = amount(sum(one.size for one in removed))
    click.echo(f"removed {whole} of what nights kept" if removed else "no night has kept anything")


@cli.command()
@click.argument("run", metavar="RUN")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option("--target", type=click.Path(path_type=Path), help="Its repository, where two have such a run.")
def drop(run: str, ids: tuple[str, ...], target: Path | None) -> None:
    """Take repairs off the branch of a run for good; what is left is proved again."""
    backends.available()
    lower_priority()
    opened = Target.open(target).path if target else None
    with state_home() as home:
        left = drop_repairs(home, run, ids, opened)
    dropped = left.course.shipment.dropped if left.course.shipment else {}
    for name, why in dropped.items():
        click.echo(f"repair {name} is off the branch: {why}")
    click.echo(f"{left.published.sentence}, report {left.report}")


@cli.command()
def doctor() -> None:
    """Say what a night would run on here, and what is missing."""
    findings = examine(state_folder())
    for finding in findings:
        click.echo(f"{'ok' if finding.passed else 'missing':8} {finding.name}: {finding.detail}")
    if not all(finding.passed for finding in findings):
        raise PrerequisiteError("this machine cannot run a night yet: see what is missing above")


@cli.group()
def advisories() -> None:
    """Known vulnerabilities of dependencies, kept on this machine."""


@advisories.command()
@click.option(
    "--source", default=EXPORT, show_default=True, help="Address of an export of OSV, or a copy of it."
)
def update(source: str) -> None:
    """Fetch the advisories; nights and diagnoses look at this copy and ask no network."""
    index = update_advisories(advisories_folder(), source)
    click.echo(f"advisories of {len(index.packages)} packages, the newest of {index.date}")


def look_at(
    target: Path,
    python: str | None,
    report: Path | None,
    through: Phase = "quality",
    only: Sequence[str] = (),
    *,
    publishes: bool = True,
) -> Target:
    """Open a target, and refuse at once what would fail only behind the start of a server."""
    opened = Target.open(target)
    preflight(opened, state_folder(), report, publishes=publishes)
    with state_home() as home:
        if publishes:
            refuse_second(home, opened)
        open_night(opened.path, python, home=home, through=through, only=only)
    backends.available()
    return opened


def look_at_cluster(address: str) -> None:
    """Refuse at once a cluster that does not answer, or whose workers are not as we are."""
    with state_home() as home:
        prepare_environment(home)
    from tasks.elsewhere import reach

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    reach(address).close()


def amount(size: int) -> str:
    """Write bytes for people."""
    return f"{size / MEGABYTE:.1f} MB" if size >= MEGABYTE else f"{size / 1000:.0f} kB"


@contextlib.contextmanager
def proposed(target: Target, source: str | None, ref: str | None) -> Iterator[Path]:
    """Give a file with the diff to prove, refused at once where it cannot be; it is gone afterwards."""
    with state_home() as home:
        folder = target_folder(home, target.path)
        store = Store(folder / "store.git", target)
        diff = branch_diff(store, target.head(), commit_of(target, ref)) if ref else given(source or "-")
        read_diff(store, store.snapshot(target.head()), diff)
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".diff") as file:
            file.write(diff)
            file.flush()
            yield Path(file.name)


def given(source: str) -> bytes:
    """Read a diff from a file or from standard input, as far as one may be long."""
    try:
        if source == "-":
            return sys.stdin.buffer.read(LARGEST + 1)
        with Path(source).open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{source} cannot be read ({error.strerror}): give a file with a diff") from error


@contextlib.contextmanager
def state_home() -> Iterator[Path]:
    """Give the state folder, made where it is missing; what keeps it from use is one sentence."""
    home = state_folder()
    try:
        home.mkdir(parents=True, exist_ok=True)
        yield home
    except OSError as error:
        sentence = f"{home} cannot hold the state of a night ({error.strerror}): set NIGHTMEND_HOME"
        raise PrerequisiteError(f"{sentence} to a folder of yours") from error


def checkpoints_of(target: Target) -> Checkpoints:
    """Return the checkpoints of a target's nights."""
    return Checkpoints(target_folder(state_folder(), target.path) / "checkpoints")


@contextlib.contextmanager
def night_environment(flow: str) -> Iterator[None]:
    """Give a flow, by its module, what it needs on a terminal: quiet logs, and a Prefect API.

    The API is private where there is none.
    """
    with state_home() as home:
        prepare_environment(home)
    os.environ[TERMINAL] = "1"
    lower_priority()  # before the server starts, which inherits it
    from flows.server import prefect_api

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with prefect_api(home, meanwhile=lambda: importlib.import_module(flow)):
        yield


def main() -> NoReturn:
    """Run the command line; whatever goes wrong ends in one sentence and the exit code that fits."""
    end_on_signals()
    try:
        cli(standalone_mode=False)
    except NightmendError as error:
        _end(f"nightmend: {error}", error.exit_code)
    except click.ClickException as error:
        _end(f"nightmend: {error.format_message()}", UsageError.exit_code)
    except (KeyboardInterrupt, click.Abort):
        end_now()
    except Exception as error:
        _end(f"nightmend: {_unexpected(error)}", NightmendError.exit_code)
    sys.exit(0)


def _unexpected(error: Exception) -> str:
    """Keep the traceback for whoever mends us, and tell the rest in a sentence."""
    what = f"the night ended by what nightmend did not expect, {type(error).__name__}: {error}"
    log = state_folder() / "crash.log"
    try:
        write_atomically(log, masked("".join(traceback.format_exception(error))).encode(errors="replace"))
    except OSError:
        return what
    return f"{what}; its traceback is in {log}"


def _end(sentence: str, code: int) -> NoReturn:
    click.echo(line(sentence), err=True)
    sys.exit(code)
