"""What a night would run on here."""

import platform
import shutil
import sys
from importlib import metadata
from pathlib import Path

import docker
import psutil
from docker.errors import DockerException

from nightmend.advisories.database import advisories_date, advisories_folder
from nightmend.agent import Check
from nightmend.errors import PrerequisiteError
from nightmend.git.runner import git_executable
from nightmend.sandboxes.backends import BACKENDS, diagnose_backend

TOOLS = ("prefect", "prefect-dask", "distributed", "ruff", "pylint", "bandit", "mypy", "coverage", "pytest")


def examine(home: Path) -> tuple[Check, ...]:
    """Try everything that a night needs; a check that did not pass says in its detail what to do."""
    works = [(name, *diagnose_backend(name)) for name in BACKENDS]
    return (
        Check(
            name="python",
            passed=sys.version_info >= (3, 11),
            detail=f"{platform.python_version()} at {sys.executable}",
        ),
        _git(),
        *(Check(name=f"sandbox {name}", passed=passed, detail=sentence) for name, passed, sentence in works),
        Check(name="docker", passed=True, detail=_docker()),
        _state(home),
        Check(name="advisories", passed=True, detail=_advisories()),
        *(_tool(tool) for tool in TOOLS),
    )


def _git() -> Check:
    try:
        return Check(name="git", passed=True, detail=git_executable())
    except PrerequisiteError as error:
        return Check(name="git", passed=False, detail=str(error))


def _docker() -> str:
    """Docker is not needed: this says whether a daemon answers."""
    try:
        client = docker.from_env(timeout=5)
        try:
            version = client.version()["Version"]
        finally:
            client.close()
    except (DockerException, OSError):
        return "no daemon answers; nightmend does not need one"
    return f"daemon {version} answers; nightmend does not need it"


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
