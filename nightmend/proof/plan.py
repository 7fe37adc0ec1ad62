"""How the suite of a snapshot is run here: worked out once, for every run on it."""

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from functools import lru_cache

from nightmend.frozen import Frozen
from nightmend.proof.brought import DJANGO, Brought, brought
from nightmend.proof.fixed_seed import fixed_hash_seed
from nightmend.proof.overlaid import built_in_copies, built_in_place
from nightmend.proof.packages import Package, copies_among, packages_of, roots_missing
from nightmend.proof.pytest_command import PytestCommand
from nightmend.proof.pytest_config import PytestConfig, pytest_config, random_seed
from nightmend.proof.survey import Survey, environment, survey
from nightmend.sandboxes.protocol import Bind, CommandResult
from nightmend.snapshot import Snapshot
from nightmend.workspace import Workspace

STARTS = 4
"""Starts of pytest to learn its options, each without those that the one before did not know."""
RANDOMLY = "--randomly-seed="


class Plan(Frozen):
    """How the suite of one snapshot is run."""

    packages: tuple[Package, ...]
    brought: Brought
    command: tuple[str, ...]
    """Starts pytest with the target's own configuration, made fit for a measured run."""
    import_roots: tuple[str, ...]
    """Folders to put on sys.path, since the environment does not have the target."""
    copies: dict[str, Package]
    """Packages that are installed as copies, by place."""
    built: tuple[Bind, ...]
    """Files of the working tree that a build made."""
    paths: tuple[str, ...] = ()
    """What holds the tests by the target's own word; else its pytest finds them."""
    hash_seed: int | None = None
    """PYTHONHASHSEED, where the target fixes it for its tests."""
    random_seed: int | None = None
    """What pytest-randomly begins each test with, where it is there."""
    by_exit_code: bool = False
    """Whether `command` is one of the target's own that is not pytest's, and tells nothing else."""


@lru_cache(maxsize=8)
def plan_suite(workspace: Workspace, snapshot: Snapshot) -> Plan:
    """Find the packages, the environment and the configuration of a snapshot."""
    files = workspace.store.files(snapshot)
    packages = packages_of(files)
    found = survey(workspace, snapshot, packages)
    root = str(workspace.target.path)
    wanted = workspace.night.declared.test_command or PytestCommand()

    def read(path: str) -> bytes | None:
        return workspace.store.read(snapshot, path) if path in files else None

    python = workspace.interpreter.version
    extra = Brought(trouble=found.trouble) if wanted.other else brought(found, python, files, read)
    config = pytest_config(read, extra.version)
    copies = copies_among(packages, found.places, root)
    lacking = roots_missing(packages, found.places, copies.values(), root)
    roots = [os.path.normpath(os.path.join(root, place)) for place in (*extra.roots, *lacking)]
    command = wanted.other or _command(workspace, snapshot, found, extra, config, wanted, roots)
    return Plan(
        packages=packages,
        brought=extra,
        command=command,
        import_roots=tuple(roots),
        copies=copies,
        built=_built(workspace, snapshot, packages, copies),
        paths=wanted.paths,
        by_exit_code=bool(wanted.other),
        hash_seed=fixed_hash_seed(read),
        random_seed=random_seed(config) if any(RANDOMLY in word for word in command) else None,
    )


def _built(
    workspace: Workspace, snapshot: Snapshot, packages: Sequence[Package], copies: Mapping[str, Package]
) -> tuple[Bind, ...]:
    """Return what builds made, the working tree's own before that of installed copies."""
    found = (*built_in_copies(workspace, snapshot, copies), *built_in_place(workspace, snapshot, packages))
    return tuple({bind.inside: bind for bind in found}.values())


def _command(
    workspace: Workspace,
    snapshot: Snapshot,
    found: Survey,
    extra: Brought,
    config: PytestConfig,
    wanted: PytestCommand,
    roots: Sequence[str],
) -> tuple[str, ...]:
    root = workspace.target.path
    command = [workspace.interpreter.executable, *extra.start, *extra.plugins, f"--rootdir={root}"]
    command += ["-c", str(root / config.file)] if config.file else extra.options
    command += ["-p", "no:random_order"] if "random_order" in found.plugins else []
    addopts = config.addopts
    if "randomly" in found.plugins:  # it seeds each test; where the target switches it off, these are unknown
        addopts = (f"{RANDOMLY}{random_seed(config)}", "--randomly-dont-reorganize", *addopts)
    if not extra.trouble:
        start = [*command, *wanted.options]
        addopts = _known_options(workspace, snapshot, start, extra, addopts, roots)
    return (*command, *_options(addopts), *wanted.options)


def _options(addopts: Sequence[str]) -> tuple[str, ...]:
    settings = (f"addopts={shlex.join(addopts)}", "cache_dir=/tmp/.pytest_cache", "faulthandler_timeout=0")
    return tuple(word for setting in settings for word in ("-o", setting))


def _known_options(
    workspace: Workspace,
    snapshot: Snapshot,
    command: list[str],
    extra: Brought,
    addopts: tuple[str, ...],
    roots: Sequence[str],
) -> tuple[str, ...]:
    """Return addopts without what this pytest refuses: options and plugins that are not installed."""
    variables = environment(workspace, path=[os.path.dirname(DJANGO.inside), *roots]) | extra.variables
    settings = workspace.night.sandbox
    limits = settings.limits.model_copy(update={"wall_seconds": settings.test_timeout})
    for _ in range(STARTS if addopts else 0):
        binds = extra.binds
        with workspace.sandbox(snapshot, "options", limits=limits, at_target=True, binds=binds) as box:
            result = box.run([*command, *_options(addopts), "--markers"], env=variables)
        unknown = unknown_options(result, addopts) if result.return_code else frozenset()
        if not unknown:
            break
        addopts = tuple(word for at, word in enumerate(addopts) if at not in unknown)
    return addopts


def unknown_options(result: CommandResult, addopts: Sequence[str]) -> frozenset[int]:
    """Return the places in addopts of the options and plugins that pytest complains of."""
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
