"""Released projects as repositories: a pinned source distribution, a commit of it, and its environment.

Everything is made by pip and git below one folder, once, and used again.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LISTED = Path(__file__).with_suffix("").parent / "real_projects.toml"
WRITTEN_BY_BUILDS = ("*.egg-info", "build", "__pycache__", ".pytest_cache")
DATE = "2026-01-01T00:00:00+0000"


@dataclass(frozen=True)
class Project:
    """A source distribution by its digest."""

    name: str
    version: str
    sha256: str
    kind: str
    needs: tuple[str, ...] = ()
    """What its tests need beside what it declares; a night without any has to find out by itself."""

    @property
    def label(self) -> str:
        return f"{self.name} {self.version}"


def listed() -> dict[str, Project]:
    """Return the projects of the list by name."""
    entries = tomllib.loads(LISTED.read_text())["project"]
    return {entry["name"]: Project(**{**entry, "needs": tuple(entry.get("needs", ()))}) for entry in entries}


def repository(project: Project, folder: Path) -> Path:
    """Return a git repository with the project's files in one commit."""
    place = folder / "repository"
    if (place / ".git").exists():
        return place
    unpacked = folder / "unpacked"
    shutil.rmtree(unpacked, ignore_errors=True)
    with tarfile.open(_download(project, folder)) as archive:
        archive.extractall(unpacked, filter="data")
    (source,) = unpacked.iterdir()
    for stale in source.glob("*.egg-info"):
        shutil.rmtree(stale)
    _commit(source, project.label)
    source.rename(place)
    return place


def environment(project: Project, place: Path, folder: Path) -> Path:
    """Return an interpreter that has the project, from its repository, and what its tests need."""
    home = folder / "environment"
    done = home / ".done"
    wanted = "\n".join((sys.version, str(place), *project.needs))
    if not done.exists() or done.read_text() != wanted:
        shutil.rmtree(home, ignore_errors=True)
        venv.create(home, with_pip=True)
        _pip(home / "bin" / "python", "install", "-e", str(place), *project.needs, version=project.version)
        done.write_text(wanted)
    return home / "bin" / "python"


def _download(project: Project, folder: Path) -> Path:
    into = folder / "download"
    if not into.exists():
        fresh = folder / "downloading"
        shutil.rmtree(fresh, ignore_errors=True)
        options = ("--no-deps", "--no-binary", ":all:", "--dest", str(fresh))
        _pip(Path(sys.executable), "download", *options, f"{project.name}=={project.version}")
        fresh.rename(into)
    (archive,) = into.iterdir()
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != project.sha256:
        raise SystemExit(f"{archive} is not what was pinned: sha256 {digest}, expected {project.sha256}")
    return archive


def _pip(python: Path, command: str, *words: str, version: str = "") -> None:
    pretend = {"SETUPTOOLS_SCM_PRETEND_VERSION": version} if version else {}
    subprocess.run(
        [str(python), "-m", "pip", command, "--quiet", "--disable-pip-version-check", *words],
        env={**os.environ, **pretend},
        check=True,
    )


def _commit(source: Path, label: str) -> None:
    _git(source, "init", "--quiet", "--initial-branch=main", "--template=")
    (source / ".git" / "info").mkdir(exist_ok=True)
    (source / ".git" / "info" / "exclude").write_text("\n".join(WRITTEN_BY_BUILDS) + "\n")
    _git(source, "add", "--all", "--force", ".")
    _git(source, "commit", "--quiet", "-m", f"Release {label}")


def _git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=release", "-c", "user.email=release@localhost", "-c", "commit.gpgsign=false")
    dates = {"GIT_AUTHOR_DATE": DATE, "GIT_COMMITTER_DATE": DATE}
    command: Sequence[str] = ("git", "-C", str(folder), *who, *words)
    subprocess.run(command, env={**os.environ, **dates}, check=True)
