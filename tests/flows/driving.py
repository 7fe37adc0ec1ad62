"""Nights driven as a person drives them: the real command line, a state folder, small targets."""

import contextlib
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent.parent
NIGHTMEND = Path(sys.executable).with_name("nightmend")

PATIENT_SUITE = "import time\n\n\ndef test_patience():\n    time.sleep(120)\n"
SHOP = '''\
"""Prices of a shop."""


def price(prices: dict[str, int], name: str) -> int:
    """Return the price of a thing."""
    try:
        return prices[name]
    except KeyError:
        raise ValueError(f"no price for {name}")


def greeting() -> str:
    """Greet whoever comes in."""
    return f"come in"
'''
TESTS = """\
import pytest

from shop import greeting, price


def test_known():
    assert price({"tea": 3}, "tea") == 3


def test_unknown():
    with pytest.raises(ValueError):
        price({}, "tea")


def test_greeting():
    assert greeting() == "come in"
"""
MENDED = 'except KeyError as error:\n        raise ValueError(f"no price for {name}") from error'


@dataclass
class House:
    """A state folder, and the person who works with it."""

    home: Path
    server: str | None = None
    """A Prefect API of the person's own; else each night starts a private one."""
    state: Path | None = None
    """What NIGHTMEND_HOME says where it is not `home`."""
    temporary: Path | None = None
    """A folder for temporary files of its own."""

    def __post_init__(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)

    @property
    def environment(self) -> dict[str, str]:
        own = ("PREFECT_", "NIGHTMEND_", "DASK_")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(own)}
        api = {"PREFECT_API_URL": self.server} if self.server else {}
        own_folder = {"TMPDIR": str(self.temporary)} if self.temporary else {}
        return {**clean, **api, **own_folder, "NIGHTMEND_HOME": str(self.state or self.home)}

    def run(self, *arguments: str | Path, saboteur: str = "", given: str = "") -> "Outcome":
        """Run `nightmend ARGUMENTS`, with what is given to it; a saboteur is code that runs there first."""
        clock = time.monotonic()
        done = subprocess.run(
            self._command(arguments, saboteur), cwd=self.home, env=self.environment,
            capture_output=True, text=True, timeout=900, check=False, input=given,
        )  # fmt: skip
        return Outcome(done, self.home / "report", time.monotonic() - clock)

    def recover(self, target: Path, *options: str, saboteur: str = "") -> "Outcome":
        report = ("--report", self.home / "report")
        return self.run("recover", target, *report, *options, saboteur=saboteur)

    @contextlib.contextmanager
    def night(self, target: Path, *options: str, saboteur: str = "") -> "Iterator[RunningNight]":
        """Start a night in a process group of its own, as a shell does, and leave nothing of it behind."""
        log = self.home / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                self._command(("recover", target, "--report", self.home / "report", *options), saboteur),
                cwd=self.home, env=self.environment, stdout=output, stderr=output, process_group=0,
            )  # fmt: skip
        night = RunningNight(self, process, log)
        try:
            yield night
        finally:
            for left in night.family():
                with contextlib.suppress(psutil.NoSuchProcess):
                    left.kill()
            process.kill()
            process.wait()

    def _command(self, arguments: tuple[str | Path, ...], saboteur: str) -> list[str]:
        words = [str(argument) for argument in arguments]
        if not saboteur:
            return [sys.executable, str(NIGHTMEND), *words]  # by the same name of Python as below
        code = f"{saboteur}\nif __name__ == '__main__':\n    from flows.cli import main\n    main()\n"
        script = self.home / "saboteur.py"
        script.write_text(code)
        return [sys.executable, str(script), *words]

    def processes(self, patience: float = 30) -> list[str]:
        """The commands that still run for this state folder, after those had a moment that were ending."""
        deadline = time.monotonic() + patience
        while (left := list(self._processes())) and time.monotonic() < deadline:
            time.sleep(0.1)
        return left

    def _processes(self) -> Iterator[str]:
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.environ().get("NIGHTMEND_HOME") == str(self.home) and lives(process):
                    yield command_of(process)

    def runs(self, table: str) -> list[tuple[str, str]]:
        """What the private server knows of `flow_run` or `task_run`: names, each with its last state."""
        with sqlite3.connect(f"file:{self.home / 'prefect' / 'prefect.db'}?mode=ro", uri=True) as database:
            rows = database.execute(f"SELECT name, state_name FROM {table} ORDER BY created")
            return [(name, state) for name, state in rows]


@dataclass
class RunningNight:
    """A night under way, with its output so far."""

    house: House
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def said(self) -> str:
        return self.log.read_text()

    def wait_for_record(self, pattern: str) -> None:
        """Wait until a result is kept under a name like this."""
        self.wait_until(lambda: bool(list((self.house.home / "results").glob(pattern))), pattern)

    def wait_for_line(self, text: str) -> None:
        self.wait_until(lambda: text in self.said, text)

    def wait_for_process(self, word: str) -> None:
        """Wait until one of its processes has this word in its command."""
        self.wait_until(lambda: any(word in command_of(process) for process in self.family()), word)

    def wait_until(self, come: Callable[[], bool], what: str) -> None:
        """Wait until something has come, which the night has to live to see."""
        deadline = time.monotonic() + 300
        while not come():
            assert self.process.poll() is None, f"the night ended before {what} came:\n{self.said}"
            assert time.monotonic() < deadline, f"{what} never came:\n{self.said}"
            time.sleep(0.05)

    def family(self) -> list[psutil.Process]:
        """All processes of the night, those in sandboxes too."""
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def end(self, number: int, *, whole_group: bool = False) -> "Ending":
        """Send a signal, as `kill` or as Ctrl-C does, and see how the night ends."""
        family = self.family()
        clock = time.monotonic()
        (os.killpg if whole_group else os.kill)(self.process.pid, number)
        code = self.process.wait(120)
        while any(map(lives, family)) and time.monotonic() - clock < 60:
            time.sleep(0.05)
        seconds = time.monotonic() - clock
        return Ending(code, seconds, [command_of(process) for process in family if lives(process)])


@dataclass
class Ending:
    """How a night ended that was told to: seconds until its last process was gone, and what never went."""

    code: int
    seconds: float
    left: list[str]


def lives(process: psutil.Process) -> bool:
    """Say whether a process is there, and more than an entry that nobody has read."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@dataclass
class Outcome:
    """How a command ended."""

    done: "subprocess.CompletedProcess[str]"
    folder: Path
    seconds: float
    known: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        file = self.folder / "report.json"
        self.known = json.loads(file.read_text()) if file.exists() else {}

    @property
    def code(self) -> int:
        return self.done.returncode

    @property
    def said(self) -> str:
        return self.done.stdout + self.done.stderr

    @cached_property
    def statuses(self) -> dict[str, str]:
        return {phase["name"]: phase["status"] for phase in self.known["phases"]}

    @cached_property
    def agents(self) -> dict[str, dict[str, Any]]:
        return {agent["name"]: agent for phase in self.known["phases"] for agent in phase["agents"]}

    @cached_property
    def kept(self) -> list[dict[str, Any]]:
        return [repair for repair in self.known["repairs"] if repair["verdict"] == "kept"]

    def gate(self, phase: str, name: str) -> dict[str, Any]:
        [chosen] = [one for one in self.known["phases"] if one["name"] == phase]
        [gate] = [gate for gate in chosen["gates"] if gate["name"] == name]
        return gate


def git(repository: Path, *arguments: str | Path) -> str:
    command = ["git", "-C", repository, "-c", "user.name=t", "-c", "user.email=t@localhost", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def shop(folder: Path, files: dict[str, str] | None = None) -> Path:
    """Commit a small package with a fault for a repair agent and one for a quality agent."""
    for path, content in (files or {"shop.py": SHOP, "tests/test_shop.py": TESTS}).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "a shop")
    return folder


def untouched(repository: Path) -> dict[str, str]:
    """Digest every file of a repository, its rights and time, but git's objects and the refs of nights."""
    digests = {}
    for path in sorted(repository.rglob("*")):
        name = str(path.relative_to(repository))
        if path.is_symlink():
            digests[name] = str(path.readlink())
        elif path.is_file() and not name.startswith((".git/objects/", ".git/refs/heads/nightmend/")):
            state = path.lstat()
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digests[name] = f"{content} {state.st_mode:o} {state.st_uid} {state.st_mtime_ns}"
    return digests


def schema() -> dict[str, Any]:
    """Return the published contract of report.json."""
    known: dict[str, Any] = json.loads((ROOT / "docs" / "report.schema.json").read_text())
    return known


def branches(repository: Path) -> list[str]:
    return git(repository, "branch", "--list", "nightmend/*", "--format=%(refname:short)").split()
