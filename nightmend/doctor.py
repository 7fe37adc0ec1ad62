"""What a night would run on here."""

import platform
import shutil
import sys
from importlib import metadata
from pathlib import Path

import psutil

from nightmend.advisories.database import advisories_date, advisories_folder
from nightmend.agent import Check
from nightmend.errors import PrerequisiteError
from nightmend.git.runner import git_executable
from nightmend.sandboxes.backends import BACKENDS, diagnose_backend
from nightmend.sandboxes.cgroups import UNIFIED, group_places

TOOLS = (
    "prefect",
    "prefect-dask",
    "distributed",
    "ruff",
    "pylint",
    "bandit",
    "mypy",
    "coverage",
    "pytest",
    "uv",
)


def examine(home: Path) -> tuple[Check, ...]:
    """Try everything that a night needs; a check that did not pass says in its detail what to do."""
    return (
        Check(
            name="python",
            passed=sys.version_info >= (3, 11),
            detail=f"{platform.python_version()} at {sys.executable}",
        ),
        _git(),
        *_sandboxes(),
        Check(name="memory of sandboxes", passed=True, detail=_memory()),
        _state(home),
        Check(name="advisories", passed=True, detail=_advisories()),
        *(_tool(tool) for tool in TOOLS),
    )


def _git() -> Check:
    try:
        return Check(name="git", passed=True, detail=git_executable())
    except PrerequisiteError as error:
        return Check(name="git", passed=False, detail=str(error))


def _sandboxes() -> tuple[Check, ...]:
    """One back end that works is enough; what keeps the others from it is said all the same."""
    found = {name: diagnose_backend(name) for name in BACKENDS}
    enough = any(works for works, _ in found.values())
    return tuple(
        Check(
            name=f"sandbox {name}",
            passed=works or enough,
            detail=sentence if works or not enough else f"not needed; {sentence}",
        )
        for name, (works, sentence) in found.items()
    )


def _memory() -> str:
    """Say how the limit of a sandbox's memory is held here."""
    places = group_places()
    if UNIFIED in places:
        giver = "systemd's user session" if "user@" in str(places[UNIFIED]) else "the machine"
        return f"control groups version 2, below {places[UNIFIED]}, by leave of {giver}"
    if places:
        return f"control groups version 1, below {places['memory']}"
    return "counted by a supervisor, fifty times a second: no control group can be made here"


def _advisories() -> str:
    """Advisories are not needed: without them a night does not say what is known of dependencies."""
    date = advisories_date()
    if date is None:
        return "none; run `nightmend advisories update` to learn of vulnerable dependencies"
    return f"{advisories_folder()}, the newest of {date}"


def _state(home: Path) -> Check:
    try:
        home.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(home).free // 2**20
    except OSError as error:
        detail = f"{home} cannot be made: {error.strerror}; set NIGHTMEND_HOME to a folder of yours"
        return Check(name="state folder", passed=False, detail=detail)
    memory = psutil.virtual_memory().available // 2**20
    detail = f"{home}, {free} MB free on disk, {memory} MB of memory, {psutil.cpu_count()} cores"
    return Check(name="state folder", passed=True, detail=detail)


def _tool(name: str) -> Check:
    try:
        return Check(name=name, passed=True, detail=metadata.version(name))
    except metadata.PackageNotFoundError:
        return Check(name=name, passed=False, detail=f"install it: pip install {name}")
