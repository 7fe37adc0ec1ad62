"""Run a night on real released projects and write what it did to docs/results.md.

`python benchmarks/real_projects.py [NAME ...]`: the projects of projects.toml, each downloaded, checked by
its hash, and recovered by the command line as anyone would.
"""

import hashlib
import os
import platform
import subprocess
import sys
import tarfile
import threading
import time
import tomllib
from collections import Counter
from pathlib import Path

import psutil

from nightmend.errors import UsageError
from nightmend.frozen import Frozen
from nightmend.home import state_folder
from nightmend.report.model import Report

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "docs" / "results.md"
BEGIN, END = "<!-- real projects: begin -->", "<!-- real projects: end -->"
REST = "the start of the server and of Dask, deployment, settling of the phases, and the report"
SERVER = "prefect.server.api.server"


class Project(Frozen):
    """A source distribution, and what its tests need beside it."""

    name: str
    version: str
    sha256: str
    needs: tuple[str, ...]


class Night(Frozen):
    """A report with what the process outside saw."""

    project: Project
    report: Report
    lines: int
    wall_seconds: float
    peak_mb: int
    """Largest sum of the resident memory of our own processes; the server and the sandboxes are apart."""


def main(names: list[str]) -> None:
    """Recover each project and rewrite the table."""
    known = projects()
    unknown = sorted(set(names) - known.keys())
    if unknown:
        raise UsageError(f"{unknown[0]} is not in projects.toml; known: {', '.join(known)}")
    nights = [night(known[name]) for name in names or known]
    write(nights)


def projects() -> dict[str, Project]:
    """Read projects.toml."""
    data = tomllib.loads((ROOT / "benchmarks" / "projects.toml").read_text(encoding="utf-8"))
    return {name: Project(name=name, **fields) for name, fields in data.items()}


def night(project: Project) -> Night:
    """Recover a project in a fresh state folder."""
    folder = state_folder() / "benchmarks" / f"{project.name}-{project.version}-{time.time_ns()}"
    repository, python = repository_of(project, folder), environment_of(project, folder)
    lines = sum(len(path.read_bytes().splitlines()) for path in repository.rglob("*.py"))
    command = [
        str(Path(sys.executable).with_name("nightmend")),
        "recover",
        str(repository),
        "--python",
        str(python),
    ]
    environment = {**os.environ, "NIGHTMEND_HOME": str(folder / "state")}
    clock = time.perf_counter()
    with subprocess.Popen([*command, "--report", str(folder / "report")], env=environment) as process:
        memory = Memory(process.pid)
        memory.start()
        code = process.wait()
    report = Report.model_validate_json((folder / "report" / "report.json").read_bytes())
    print(f"{project.name}: exit code {code}, report in {folder / 'report'}")
    seconds = time.perf_counter() - clock
    return Night(
        project=project, report=report, lines=lines, wall_seconds=seconds, peak_mb=memory.peak // 2**20
    )


class Memory(threading.Thread):
    """Watches the memory of a process and its children, without the server and what runs in sandboxes."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.process = psutil.Process(pid)
        self.peak = 0

    def run(self) -> None:
        """Look twice a second until the process is gone."""
        while self.process.is_running() and self.process.status() != psutil.STATUS_ZOMBIE:
            self.peak = max(self.peak, self._resident(self.process))
            time.sleep(0.5)

    def _resident(self, process: psutil.Process) -> int:
        try:
            if process.name() == "bwrap" or any(SERVER in word for word in process.cmdline()):
                return 0
            return process.memory_info().rss + sum(map(self._resident, process.children()))
        except psutil.Error:
            return 0


def repository_of(project: Project, folder: Path) -> Path:
    """Download, check and unpack a project, and commit it as released.

    pip asks the build back end of the project for its metadata: trust it as you would to install it.
    """
    folder.mkdir(parents=True)
    pin = f"{project.name}=={project.version}"
    download = [sys.executable, "-m", "pip", "download", "-q", "--no-deps"]
    run([*download, "--no-binary", ":all:", "-d", str(folder), pin])
    (archive,) = folder.glob("*.tar.gz")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != project.sha256:
        raise UsageError(
            f"{archive.name} has the hash {digest}, projects.toml says {project.sha256}: check both"
        )
    with tarfile.open(archive) as content:
        content.extractall(folder, filter="data")
    repository = next(path for path in folder.iterdir() if path.is_dir())
    git = ["git", "-C", str(repository), "-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost"]
    run([*git, "init", "-q", "-b", "main"])
    run([*git, "add", "-A", "-f"])
    run([*git, "commit", "-q", "-m", f"{pin} as released"])
    return repository


def environment_of(project: Project, folder: Path) -> Path:
    """Make an environment with what the project's tests need; returns its interpreter."""
    run([sys.executable, "-m", "venv", str(folder / "environment")])
    python = folder / "environment" / "bin" / "python"
    run([str(python), "-m", "pip", "install", "-q", *project.needs])
    return python


def run(command: list[str]) -> None:
    """Run a command that must succeed."""
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def write(nights: list[Night]) -> None:
    """Put the nights between the markers of docs/results.md."""
    text = RESULTS.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    body = "\n\n".join([machine(), overview(nights), *map(details, nights)])
    RESULTS.write_text(f"{before}{BEGIN}\n{body}\n{END}{after}", encoding="utf-8")


def machine() -> str:
    """Say where this was measured."""
    memory = round(psutil.virtual_memory().total / 2**30)
    place = f"{os.cpu_count()} cores, {memory} GiB, Python {platform.python_version()}, {platform.system()}"
    return f"Measured on {time.strftime('%Y-%m-%d')}: {place}. Times drift with the machine; counts do not."


def overview(nights: list[Night]) -> str:
    """One row a project."""
    columns = (
        "project", "lines", "tests before", "tests after", "issues", "actionable", "resolved",
        "repairs tried", "kept", "rolled back", "refused", "night s", "peak MB",
    )  # fmt: skip
    rows = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    for one in nights:
        report = one.report
        verdicts = Counter(repair.verdict for repair in report.repairs)
        cells = (
            f"{one.project.name} {one.project.version}", one.lines, tests(report.tests.before),
            tests(report.tests.after), report.issues.identified, report.issues.actionable,
            report.issues.resolved, len(report.repairs), verdicts["kept"], verdicts["rolled_back"],
            verdicts["refused"], round(report.seconds), one.peak_mb,
        )  # fmt: skip
        rows.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(rows)


def tests(counts: object) -> str:
    """Passed, failed, errors and skipped in one cell."""
    return " / ".join(str(getattr(counts, name)) for name in ("passed", "failed", "errors", "skipped"))


def details(one: Night) -> str:
    """Say by agent, category, reason and phase what happened."""
    report = one.report
    kept = Counter(repair.agent for repair in report.repairs if repair.verdict == "kept")
    grades = Counter(str(repair.grade) for repair in report.repairs if repair.verdict == "kept")
    reasons = Counter(
        (repair.verdict.replace("_", " "), repair.reason.split(" tests/")[0][:80])
        for repair in report.repairs
        if repair.verdict != "kept"
    )
    lines = [f"**{one.project.name}**", ""]
    lines.append(f"- kept by agent: {counted(kept)}; by grade: {counted(grades)}")
    lines += [f"- {verdict} {count}: {reason}" for (verdict, reason), count in reasons.most_common()]
    by_category = report.issues.by_category.items()
    found = (f"{name} {counts.resolved} of {counts.identified}" for name, counts in by_category)
    lines.append(f"- issues resolved by category: {', '.join(found)}")
    lines.append(
        "- seconds by phase: " + ", ".join(f"{phase.name} {phase.seconds:.0f}" for phase in report.phases)
    )
    work = sum(max((agent.seconds for agent in phase.agents), default=0) for phase in report.phases[:3])
    work += sum(agent.seconds for phase in report.phases[3:] for agent in phase.agents)
    lines.append(f"- agents were at work for {work:.0f} of {one.wall_seconds:.0f} s; the rest is {REST}")
    return "\n".join(lines)


def counted(counts: Counter[str]) -> str:
    """Name each with its number, the most first."""
    return ", ".join(f"{name} {count}" for name, count in counts.most_common()) or "none"


if __name__ == "__main__":
    main(sys.argv[1:])
