"""Make an environment from files that were fetched, without a network: here code of packages runs.

What comes out is hostile data. It is taken when nothing of the sandbox lives any more, and nothing in it is
ever started outside of one.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from nightmend.environments.declared import Missing
from nightmend.environments.interpreter import Interpreter
from nightmend.environments.own_wheel import OwnWheel
from nightmend.environments.spec import FILES, LIMITS, SETTINGS, UV, last_words, shown, uv_binary
from nightmend.environments.take import ENVIRONMENT, take
from nightmend.frozen import Frozen
from nightmend.sandboxes import backends
from nightmend.sandboxes.protocol import Bind, Sandbox, SandboxSpec

BUILT = "built"
OWN = "what the target's own build makes"
OFFLINE = {"UV_OFFLINE": "1", "UV_NO_INDEX": "1", "UV_FIND_LINKS": FILES, "UV_LINK_MODE": "hardlink"}
INSTALLED = re.compile(r"^ \+ (\S+)==(\S+?)(?: \(.*\))?$", re.MULTILINE)


TREE = "/nightmend/tree"
BUILDING = {
    "SETUPTOOLS_SCM_PRETEND_VERSION": "{}",
    "PDM_BUILD_SCM_VERSION": "{}",
    "POETRY_DYNAMIC_VERSIONING_BYPASS": "{}",
}
"""Tells build back ends the version that they would ask git for."""


class Build(Frozen):
    """What was built."""

    installed: tuple[str, ...]
    """As name==version."""
    missing: tuple[Missing, ...]


def build(
    files: Path,
    wheels: Sequence[str],
    sources: Sequence[str],
    own: OwnWheel | None,
    base: Interpreter,
    boxes: Path,
    folder: Path,
) -> Build:
    """Put a virtual environment of the Python `base` into `folder`, which is made: `env` in it.

    `wheels` and `sources` name what to install of `files`, `own` is what stands for the target.
    """
    spec = SandboxSpec(
        name="build",
        base_directory=str(boxes),
        lower=None,
        workdir=str(folder),  # so that its commands know their place
        binds=shown(
            base.binds,
            (Bind(host=uv_binary(), inside=UV), Bind(host=str(files), inside=FILES)),
            (Bind(host=str(own.tree), inside=TREE),) if own and own.tree else (),
        ),
        limits=LIMITS,
        environment={**SETTINGS, **OFFLINE, "UV_CACHE_DIR": str(folder / BUILT / "cache")},
    )
    with backends.create(spec) as box:
        made, missing = _make(box, wheels, sources, own, base)
        box.run(("rm", "-rf", BUILT))
        take(box, folder, base)
    return Build(installed=made, missing=missing)


def _make(
    box: Sandbox,
    wheels: Sequence[str],
    sources: Sequence[str],
    own: OwnWheel | None,
    base: Interpreter,
) -> tuple[tuple[str, ...], tuple[Missing, ...]]:
    missing = list(_build_sources(box, sources, base))
    box.execute_command(f"mkdir -p {BUILT}")
    if own is not None:
        missing += _build_own(box, own, base)
    built = box.execute_command(f"ls {BUILT}").stdout.decode("utf-8", "replace").split()
    files = [f"{FILES}/{name}" for name in wheels]
    files += [f"./{BUILT}/{name}" for name in built if re.fullmatch(r"[\w.+!-]+\.whl", name, re.ASCII)]
    box.run(("rm", "-rf", ENVIRONMENT))  # whatever a build back end left there
    made = box.run((UV, "venv", "--python", base.executable, "--no-project", ENVIRONMENT))
    if made.return_code:
        return (), (Missing(requirement="a virtual environment", path="", why=last_words(made)),)
    installed, failed = _install(box, files)
    return installed, (*missing, *failed)


def _build_sources(box: Sandbox, sources: Iterable[str], base: Interpreter) -> Iterable[Missing]:
    """Build a wheel of each source distribution with what was fetched for it."""
    for name in sources:
        command = (UV, "build", "--wheel", "--python", base.executable, "--out-dir", BUILT, f"{FILES}/{name}")
        result = box.run(command)
        if result.return_code:
            yield Missing(requirement=name, path="", why=f"it cannot be built: {last_words(result)}")


def _build_own(box: Sandbox, own: OwnWheel, base: Interpreter) -> list[Missing]:
    """Put down what stands for the target: built by its own back end where it must be, else our wheel."""
    missing = []
    if own.tree is not None:
        version = {name: text.format(own.version) for name, text in BUILDING.items()}
        box.execute_command(f"cp -r {TREE} tree")
        command = (UV, "build", "--wheel", "--python", base.executable, "--out-dir", BUILT, "./tree")
        result = box.run(command, env=version)
        box.run(("rm", "-rf", "tree"))
        if result.return_code == 0:
            return []
        missing.append(Missing(requirement=OWN, path="", why=f"it cannot be built: {last_words(result)}"))
    box.write(f"{BUILT}/{own.file}", own.content)
    return missing


def _install(box: Sandbox, files: Sequence[str]) -> tuple[tuple[str, ...], list[Missing]]:
    """Install all at once, or each by itself where one of them cannot be."""
    together = _pip(box, files) if files else ()
    if not isinstance(together, str):
        return together, []
    installed: list[str] = []
    missing = []
    for file in files:
        alone = _pip(box, [file])
        if isinstance(alone, str):
            missing.append(Missing(requirement=file.rpartition("/")[2], path="", why=alone))
        else:
            installed += alone
    return tuple(installed), missing


def _pip(box: Sandbox, files: Sequence[str]) -> tuple[str, ...] | str:
    """Return what was installed, or why nothing was."""
    command = (UV, "pip", "install", "--no-deps", "--python", f"{ENVIRONMENT}/bin/python", *files)
    result = box.run(command)
    if result.return_code:
        return last_words(result)
    said = result.stderr.decode("utf-8", "replace")
    return tuple(f"{name}=={version}" for name, version in INSTALLED.findall(said))
