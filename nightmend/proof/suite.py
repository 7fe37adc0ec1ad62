"""The target's own test suite on a snapshot, inside a sandbox, with the target's own interpreter.

The work layer stands at the target's own path, so that an editable install leads to it, and the snapshot's
package covers an installed copy; the run itself proves that no module came from anywhere else.
"""

import re
import secrets
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from nightmend.errors import PrerequisiteError
from nightmend.frozen import Frozen
from nightmend.proof.overlaid import built_in_place, lay_copy
from nightmend.proof.packages import Package, copies_among, packages_of, roots_missing
from nightmend.proof.pytest_config import PytestConfig, pytest_config
from nightmend.proof.records import Outcome, Record, SuiteRun, judge_run, parse_records
from nightmend.proof.survey import INSIDE, Survey, environment, survey
from nightmend.sandboxes.protocol import Bind, CommandResult, Sandbox
from nightmend.settings import SUITE_LIMITS, Limits
from nightmend.snapshot import Snapshot
from nightmend.workspace import Workspace, hand_over

__all__ = ["Outcome", "SuiteRun", "run_suite"]

PLUGIN = Bind(host=str(INSIDE / "pytest_plugin.py"), inside="/nightmend/plugin/nightmend_witness.py")
COVERAGE = "/nightmend/coverage"
STARTS = 4
"""Starts of pytest, each without the options that the one before did not know."""


class Plan(Frozen):
    """How the suite of one snapshot is run."""

    packages: tuple[Package, ...]
    survey: Survey
    config: PytestConfig
    copies: dict[str, Package]
    """Packages that are installed as copies, by place."""
    built: tuple[Bind, ...]


class Orders(Frozen):
    """What the plugin is told, as JSON."""

    root: str
    records: str
    modules: tuple[str, ...]
    copies: dict[str, str]
    only: tuple[str, ...] | None
    coverage: str | None
    repeat: int


def run_suite(
    workspace: Workspace,
    snapshot: Snapshot,
    *,
    changes: Mapping[str, bytes] = {},
    only: Sequence[str] | None = None,
    coverage: bool = False,
    limits: Limits = SUITE_LIMITS,
    repeat: int = 1,
) -> SuiteRun:
    """Run the tests on a snapshot with `changes` (path to new content) laid over it.

    `only` names the test ids to run, None is all; `repeat` runs the body of each test that often.
    """
    plan = _plan(workspace, snapshot)
    if plan.survey.pytest is None:
        why = plan.survey.trouble or f"{workspace.interpreter.executable} has no pytest"
        return SuiteRun(usable=False, reason=f"the tests cannot be run: {why}")
    files = _files_of(only, workspace.checkout(snapshot))
    if files == []:
        return SuiteRun(usable=True, reason="none of the tests asked for is in the tree")
    with _copies(workspace, snapshot, plan, changes) as copies:
        binds = [PLUGIN, *plan.built, *copies, *([_coverage()] if coverage else [])]
        with workspace.sandbox(snapshot, "suite", limits=limits, at_target=True, binds=binds) as box:
            for path, content in changes.items():
                box.write(path, content)
            run = _Run(workspace, plan, box, files)
            result, records = run.start(only=only, coverage=COVERAGE if coverage else None, repeat=repeat)
    return judge_run(result, records, only=only, changed=bool(changes))


class _Run:
    """One sandbox with the command that runs in it."""

    def __init__(self, workspace: Workspace, plan: Plan, box: Sandbox, files: Sequence[str] | None) -> None:
        self.plan = plan
        self.box = box
        self.files = files or ()
        self.root = workspace.target.path
        self.python = workspace.interpreter
        self.folder = f".nightmend-{secrets.token_hex(4)}"
        roots = roots_missing(plan.packages, plan.survey.places)
        paths = [str(Path(PLUGIN.inside).parent), *(str(self.root / root) for root in roots)]
        self.environment = environment(workspace, path=paths)
        self.environment["NIGHTMEND_ORDERS"] = str(self.root / self.folder / "orders.json")
        if self.python.version >= (3, 12):
            self.environment["COVERAGE_CORE"] = "sysmon"

    def start(
        self, *, only: Sequence[str] | None, coverage: str | None, repeat: int
    ) -> tuple[CommandResult, list[Record]]:
        """Run pytest to its end; once more without the options that it does not know."""
        orders = Orders(
            root=str(self.root),
            records=str(self.root / self.folder / "records"),
            modules=tuple(name for package in self.plan.packages for name in package.modules),
            copies={place: package.path for place, package in self.plan.copies.items()},
            only=None if only is None else tuple(only),
            coverage=coverage,
            repeat=repeat,
        )
        self.box.write(f"{self.folder}/orders.json", orders.model_dump_json().encode())
        addopts = list(self.plan.config.addopts)
        for _ in range(STARTS):
            self.box.write(f"{self.folder}/records", b"")
            result = self.box.run(self._command(addopts), env=self.environment)
            unknown = unknown_options(result, addopts) if result.return_code else frozenset()
            if not unknown:
                break
            addopts = [word for at, word in enumerate(addopts) if at not in unknown]
        return result, parse_records(self.box.read(f"{self.folder}/records"))

    def _command(self, addopts: Sequence[str]) -> list[str]:
        command = [self.python.executable, "-m", "pytest", "-p", "nightmend_witness", "--tb=no", "-q"]
        command += ["--continue-on-collection-errors", f"--rootdir={self.root}"]
        command += ["-o", "cache_dir=/tmp/.pytest_cache", "-o", f"addopts={shlex.join(addopts)}"]
        if self.plan.config.file:
            command += ["-c", str(self.root / self.plan.config.file)]
        for plugin in ("randomly", "random_order"):
            if plugin in self.plan.survey.plugins:
                command += ["-p", f"no:{plugin}"]
        return [*command, *self.files]


@lru_cache(maxsize=8)
def _plan(workspace: Workspace, snapshot: Snapshot) -> Plan:
    files = workspace.store.files(snapshot)
    packages = packages_of(files)
    found = survey(workspace, snapshot, packages)

    def read(path: str) -> bytes | None:
        return workspace.store.read(snapshot, path) if path in files else None

    return Plan(
        packages=packages,
        survey=found,
        config=pytest_config(read, found.pytest_version),
        copies=copies_among(packages, found.places, str(workspace.target.path)),
        built=tuple(built_in_place(workspace, snapshot, packages)),
    )


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


def _coverage() -> Bind:
    spec = find_spec("coverage")
    if spec is None or not spec.submodule_search_locations:
        raise PrerequisiteError("our own package `coverage` is missing: install nightmend again")
    return Bind(host=spec.submodule_search_locations[0], inside=f"{COVERAGE}/coverage")


def _files_of(only: Sequence[str] | None, checkout: Path) -> list[str] | None:
    """Return the files that hold the tests and are there; None is the target's own choice."""
    if only is None:
        return None
    files = dict.fromkeys(name.partition("::")[0] for name in only)
    return [file for file in files if not file.startswith("-") and (checkout / file).is_file()]


def unknown_options(result: CommandResult, addopts: Sequence[str]) -> frozenset[int]:
    """Return the places in addopts of what this pytest refused: options and plugins not installed."""
    said = (result.stderr + result.stdout).decode("utf-8", "replace")
    refused = re.search(r"unrecognized arguments: (.*)", said)
    plugins = re.findall(r'Error importing plugin "([^"]+)"', said)
    options = set(refused[1].split()) if refused else set()
    places = set()
    for at, word in enumerate(addopts):
        if word in options and word.startswith("-"):
            places.add(at)
            following = addopts[at + 1 : at + 2]
            if "=" not in word and following and not following[0].startswith("-"):
                places.add(at + 1)
        elif word == "-p" and addopts[at + 1 : at + 2] and addopts[at + 1] in plugins:
            places |= {at, at + 1}
    return frozenset(places)
