"""The target's own test suite on a snapshot, inside a sandbox, with the target's own interpreter.

The work layer stands at the target's own path, so that an editable install leads to it, and the snapshot's
package covers an installed copy; the run itself proves that no module came from anywhere else.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from nightmend.errors import SandboxError
from nightmend.frozen import Frozen
from nightmend.git.objects import blob_id
from nightmend.proof.brought import bring
from nightmend.proof.overlaid import lay_copy
from nightmend.proof.plan import Plan, plan_suite
from nightmend.proof.records import (
    COMMAND,
    Outcome,
    Record,
    SuiteRun,
    judge_command,
    judge_run,
    parse_records,
)
from nightmend.proof.survey import INSIDE, environment
from nightmend.sandboxes.protocol import Bind, CommandResult, Sandbox
from nightmend.settings import SUITE_LIMITS, Limits
from nightmend.snapshot import Snapshot
from nightmend.workspace import Workspace, hand_over

__all__ = ["Outcome", "SuiteRun", "run_suite"]

PLUGIN = Bind(host=str(INSIDE / "pytest_plugin.py"), inside="/nightmend/plugin/nightmend_witness.py")
ORDER = Bind(host=str(INSIDE / "pytest_order.py"), inside="/nightmend/plugin/nightmend_order.py")
REACH = Bind(host=str(INSIDE / "pytest_reach.py"), inside="/nightmend/plugin/nightmend_reach.py")
PROFILER = Bind(host=str(INSIDE / "pytest_profiler.py"), inside="/nightmend/plugin/nightmend_profiler.py")
COVERAGE, PROFILERS = "/nightmend/coverage", "/nightmend/profilers"
PROFILING = ("line_profiler", "memory_profiler", "psutil", "typing_extensions")
"""Packages of ours that profile, with what they import."""
FOLDER = ".nightmend-run"
"""Of the work layer; only what is there outlives the sandbox."""
OPTIONS = ("-p", "nightmend_witness", "--tb=no", "-q", "--continue-on-collection-errors")


TIMES, FLOOR_SECONDS = 5, 30
"""A run on repairs may take so many times what the baseline took, and these seconds."""


class Orders(Frozen):
    """What the plugin is told, as JSON."""

    root: str
    records: str
    modules: dict[str, str]
    """Blob of every module, by dotted name."""
    copies: dict[str, str]
    only: tuple[str, ...] | None
    without: tuple[str, ...]
    patience: float
    """Seconds that one test may take."""
    coverage: str
    profilers: str
    repeat: dict[str, int]
    order: int | None


def limits_beside(baseline: SuiteRun) -> Limits:
    """Return what a run on repairs may use, so that one that hangs costs minutes and no night."""
    return SUITE_LIMITS.model_copy(
        update={
            "wall_seconds": min(SUITE_LIMITS.wall_seconds, FLOOR_SECONDS + TIMES * baseline.seconds),
            "cpu_seconds": min(SUITE_LIMITS.cpu_seconds, FLOOR_SECONDS + TIMES * baseline.cpu_seconds),
        }
    )


def run_suite(
    workspace: Workspace,
    snapshot: Snapshot,
    *,
    changes: Mapping[str, bytes] = {},
    only: Sequence[str] | None = None,
    without: Sequence[str] = (),
    coverage: bool = False,
    profilers: bool = False,
    limits: Limits = SUITE_LIMITS,
    repeat: Mapping[str, int] = {},
    hash_seed: int = 0,
    order: int | None = None,
) -> SuiteRun:
    """Run the tests on a snapshot with `changes` (path to new content) laid over it.

    `only` names the test ids to run, None is all; `without` those, and files of tests, that are left out.
    `coverage` records the lines that each test reaches.
    `profilers` has line-profiler and memory-profiler watch the bodies of tests.
    `repeat` has the bodies of tests run eight times as often as it says, for their CPU time alone.
    `hash_seed` is PYTHONHASHSEED, where the suite fixes none; `order` the seed of another order than its own.
    """
    plan = plan_suite(workspace, snapshot)
    if plan.brought.trouble:
        return SuiteRun(usable=False, reason=f"the tests cannot be run: {plan.brought.trouble}")
    if plan.by_exit_code and (only is None or COMMAND in only):
        return _run_command(workspace, snapshot, plan, changes, limits, hash_seed)
    files = _files_of(only, workspace.checkout(snapshot))
    if files == []:
        return SuiteRun(usable=True, reason="none of the tests asked for is in the tree")
    binds = [PLUGIN, *plan.brought.binds]
    binds += [ORDER] if order is not None else []
    binds += [REACH, bring("coverage", COVERAGE)] if coverage else []
    binds += [PROFILER, *(bring(name, PROFILERS) for name in PROFILING)] if profilers else []
    with _box(workspace, snapshot, plan, changes, limits, binds) as box:
        blobs = {path: entry.blob for path, entry in workspace.store.files(snapshot).items()}
        blobs |= {path: blob_id(content) for path, content in changes.items()}
        orders = Orders(
            root=str(workspace.target.path),
            records=f"{workspace.target.path}/{FOLDER}/records",
            modules={
                name: blobs[path] for package in plan.packages for name, path in package.modules.items()
            },
            copies={place: package.path for place, package in plan.copies.items()},
            only=None if only is None else tuple(only),
            without=tuple(without),
            patience=workspace.night.sandbox.test_timeout,
            coverage=COVERAGE,
            profilers=PROFILERS,
            repeat=dict(repeat),
            order=order,
        )
        ignored = [f"--ignore={name}" for name in without if "::" not in name]
        asked = {"order": order is not None, "reach": coverage, "profiler": profilers}
        hooks = [name for name, wanted in asked.items() if wanted]
        plugins = [word for name in hooks for word in ("-p", f"nightmend_{name}")]
        chosen = [*plugins, *ignored, *(plan.paths if files is None else files)]
        result, records = _run(workspace, plan, box, chosen, orders, hash_seed)
    return judge_run(result, records, only=only, changed=bool(changes), without=without)


def _run_command(
    workspace: Workspace,
    snapshot: Snapshot,
    plan: Plan,
    changes: Mapping[str, bytes],
    limits: Limits,
    hash_seed: int,
) -> SuiteRun:
    """Run a command of the target's own, of which only the exit code tells."""
    with _box(workspace, snapshot, plan, changes, limits, ()) as box:
        result = box.run(plan.command, env=_variables(workspace, plan, hash_seed))
    return judge_command(result, changed=bool(changes))


def _variables(workspace: Workspace, plan: Plan, hash_seed: int, *path: str) -> dict[str, str]:
    variables = environment(workspace, path=[*path, *plan.import_roots]) | plan.brought.variables
    return {**variables, "PYTHONHASHSEED": str(hash_seed if plan.hash_seed is None else plan.hash_seed)}


def _run(
    workspace: Workspace, plan: Plan, box: Sandbox, files: Sequence[str], orders: Orders, hash_seed: int
) -> tuple[CommandResult, list[Record]]:
    """Run pytest in the sandbox to its end."""
    box.write(f"{FOLDER}/orders.json", orders.model_dump_json().encode())
    box.write(f"{FOLDER}/records", b"")
    variables = _variables(workspace, plan, hash_seed, os.path.dirname(PLUGIN.inside))
    variables["NIGHTMEND_ORDERS"] = f"{orders.root}/{FOLDER}/orders.json"
    variables["COVERAGE_CORE"] = "ctrace"  # the only one that knows which test runs
    result = box.run([*plan.command, *OPTIONS, *files], env=variables)
    try:
        return result, parse_records(box.read(f"{FOLDER}/records"))
    except (FileNotFoundError, SandboxError):  # the tests have it away, or put something else there
        return result, []


@contextmanager
def _box(
    workspace: Workspace,
    snapshot: Snapshot,
    plan: Plan,
    changes: Mapping[str, bytes],
    limits: Limits,
    binds: Sequence[Bind],
) -> Iterator[Sandbox]:
    """Lay a snapshot with its changes where the target stands, and over its installed copies."""
    with _copies(workspace, snapshot, plan, changes) as copies:
        shown = [*binds, *plan.built, *copies]
        with workspace.sandbox(snapshot, "suite", limits=limits, at_target=True, binds=shown) as box:
            for path, content in changes.items():
                box.write(path, content)
            yield box


@contextmanager
def _copies(
    workspace: Workspace, snapshot: Snapshot, plan: Plan, changes: Mapping[str, bytes]
) -> Iterator[list[Bind]]:
    """Build what covers the installed copies for one run, and remove it afterwards."""
    folder = Path(tempfile.mkdtemp(dir=workspace.private("copies")))
    try:
        binds = []
        for at, (place, package) in enumerate(plan.copies.items()):
            into = folder / str(at)
            into.mkdir()
            copy = lay_copy(workspace, snapshot, package, Path(place), changes, into)
            binds.append(Bind(host=str(copy), inside=place))
        hand_over(folder)
        yield binds
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _files_of(only: Sequence[str] | None, checkout: Path) -> list[str] | None:
    """Return the files that hold the tests and are there; None is the target's own choice."""
    if only is None:
        return None
    files = dict.fromkeys(name.partition("::")[0] for name in only)
    return [file for file in files if not file.startswith("-") and (checkout / file).is_file()]
