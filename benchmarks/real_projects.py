"""Recover released projects that none of us wrote: `python benchmarks/real_projects.py [NAME ...]`.

Each is downloaded by its pinned digest, recovered in a state folder of its own, and gets its column in
docs/results.md. Without a name all of real_projects.toml are recovered, one after the other.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import page
from row import row_of
from sources import Project, environment, listed, repository
from watch import watch

from nightmend.home import state_folder
from nightmend.report.model import Report

ROOT = Path(__file__).resolve().parent.parent


def main(names: list[str]) -> int:
    """Recover the named projects; returns how many nights did not pass."""
    projects = listed()
    unknown = sorted(set(names) - projects.keys())
    if unknown:
        raise SystemExit(f"{unknown[0]} is not in real_projects.toml: known are {', '.join(projects)}")
    failures = 0
    for name in names or projects:
        failures += not recover(projects[name])
        page.draw(page.rows())
    return failures


def recover(project: Project) -> bool:
    """Spend a night on a project and keep its row; returns whether the night passed."""
    folder = state_folder() / "benchmarks" / f"{project.name}-{project.version}"
    folder.mkdir(parents=True, exist_ok=True)
    place = repository(project, folder)
    python = ["--python", str(environment(project, place, folder))] if project.needs else []
    shutil.rmtree(folder / "state", ignore_errors=True)  # a first night: nothing comes from a checkpoint
    report = folder / "report"
    shutil.rmtree(report, ignore_errors=True)
    nightmend = Path(sys.executable).with_name("nightmend")
    command = [str(nightmend), "recover", str(place), *python, "--report", str(report)]
    print(f"{project.label}: {place}", flush=True)
    seen = watch(command, {**os.environ, "NIGHTMEND_HOME": str(folder / "state")}, folder / "night.log")
    print((folder / "night.log").read_text(errors="replace"), flush=True)
    if not (report / "report.json").exists():
        return False
    told = Report.model_validate_json((report / "report.json").read_bytes())
    page.save(row_of(project.label, project.kind, _lines(place), told, seen, engine()))
    return seen.return_code == 0


def _lines(place: Path) -> int:
    tracked = _output("git", "-C", str(place), "ls-files", "-z", "--", "*.py").split("\0")
    return sum((place / path).read_bytes().count(b"\n") for path in tracked if path)


def engine() -> str:
    """Return our commit, with a mark where something is not committed."""
    changed = _output("git", "-C", str(ROOT), "status", "--porcelain", "--", "nightmend", "flows", "tasks")
    return _output("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD").strip() + ("+" if changed else "")


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
