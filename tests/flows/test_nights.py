"""Whole nights through the command line, on the example and on small repositories."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import psutil
import pytest

from nightmend.agents import AGENTS, PHASES
from scripts.recover import example_repository

ROOT = Path(__file__).resolve().parent.parent.parent
NIGHTMEND = Path(sys.executable).with_name("nightmend")
pytestmark = pytest.mark.night


def environment(home: Path) -> dict[str, str]:
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "NIGHTMEND_"))
    }
    return {**clean, "NIGHTMEND_HOME": str(home)}


def nightmend(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(NIGHTMEND), *arguments]
    return subprocess.run(
        command, cwd=home, env=environment(home), capture_output=True, text=True, timeout=900, check=False
    )


def git(repository: Path, *arguments: str) -> str:
    command = ["git", "-C", str(repository), "-c", "user.name=t", "-c", "user.email=t@localhost", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def untouched(repository: Path) -> dict[str, str]:
    """Digest every file of a repository but git's objects and the refs of nights, the rights with it."""
    digests = {}
    for path in sorted(repository.rglob("*")):
        name = str(path.relative_to(repository))
        if path.is_file() and not name.startswith((".git/objects/", ".git/refs/heads/nightmend/")):
            state = path.lstat()
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digests[name] = f"{content} {state.st_mode:o} {state.st_uid} {state.st_mtime_ns}"
    return digests


def left_over(home: Path) -> list[str]:
    """Name the processes that still work for a state folder."""
    names = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("NIGHTMEND_HOME") == str(home):
                names.append(" ".join(process.cmdline()))
        except (psutil.Error, OSError):
            continue
    return names


def gone(home: Path, within: float) -> bool:
    deadline = time.monotonic() + within
    while left_over(home) and time.monotonic() < deadline:
        time.sleep(0.2)
    return not left_over(home)


@dataclass
class Night:
    """What a night on the example left behind."""

    home: Path
    target: Path
    done: subprocess.CompletedProcess[str]
    report: dict[str, Any]
    before: dict[str, str]

    def agents(self) -> dict[str, dict[str, Any]]:
        return {agent["name"]: agent for phase in self.report["phases"] for agent in phase["agents"]}

    def kept(self) -> list[dict[str, Any]]:
        return [repair for repair in self.report["repairs"] if repair["verdict"] == "kept"]


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    """The first night on the example."""
    home = tmp_path_factory.mktemp("home")
    target = example_repository(home)
    before = untouched(target)
    done = nightmend(home, "recover", str(target), "--report", str(home / "report"))
    report = json.loads((home / "report" / "report.json").read_text())
    return Night(home, target, done, report, before)


def test_a_night_passes_all_phases_with_all_agents(night: Night) -> None:
    assert night.done.returncode == 0, night.done.stdout + night.done.stderr
    jsonschema.validate(night.report, json.loads((ROOT / "docs" / "report.schema.json").read_text()))
    assert [(phase["name"], phase["status"]) for phase in night.report["phases"]] == [
        (phase, "PASSED") for phase in PHASES
    ]
    assert tuple(night.agents()) == AGENTS
    assert len(night.kept()) >= 20
    assert len({repair["agent"] for repair in night.kept()}) >= 6
    assert night.report["tests"]["before"] == night.report["tests"]["after"]


def test_the_repair_agents_work_at_once_in_processes_of_their_own(night: Night) -> None:
    agents = [night.agents()[name] for name in PHASES["repairs"]]
    assert len({agent["pid"] for agent in agents}) == 3
    last_start = max(agent["started"] for agent in agents)
    assert all(agent["started"] + agent["seconds"] > last_start for agent in agents)


def test_what_breaks_a_test_is_rolled_back_alone_and_says_which(night: Night) -> None:
    (broken,) = [repair for repair in night.report["repairs"] if repair["evidence"]["tests_broken"]]
    assert (broken["pattern"], broken["verdict"]) == ("unused-import", "rolled_back")
    assert "tests/test_readers.py" in broken["reason"]
    assert any(repair["pattern"] == "unused-import" for repair in night.kept())


def test_the_branch_has_a_commit_for_each_pattern_that_names_its_repairs(night: Night) -> None:
    log = git(night.target, "log", "--format=%B%x00", f"main..{night.report['branch']}")
    messages = [message for message in log.split("\0") if message.strip()]
    assert len(messages) == len({repair["pattern"] for repair in night.kept()})
    named = {line.split()[1] for line in log.splitlines() if line.startswith("Nightmend-Repair: ")}
    assert named == {repair["id"] for repair in night.kept()}


def test_the_suite_of_the_example_is_green_on_the_branch(night: Night, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--branch", night.report["branch"], str(night.target), "clone")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path / "clone", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_nothing_else_of_the_repository_changes_and_nothing_stays_behind(night: Night) -> None:
    assert untouched(night.target) == night.before
    assert gone(night.home, within=10)


def test_a_second_night_reuses_every_phase(night: Night) -> None:
    again = nightmend(night.home, "recover", str(night.target), "--report", str(night.home / "again"))
    assert again.returncode == 0, again.stderr
    report = json.loads((night.home / "again" / "report.json").read_text())
    assert {phase["status"] for phase in report["phases"]} == {"CACHED"}
    trees = [git(night.target, "rev-parse", f"{one['branch']}^{{tree}}") for one in (night.report, report)]
    assert trees[0] == trees[1]


def test_checkpoints_are_listed_and_a_branch_goes_back_to_one(night: Night) -> None:
    listed = nightmend(night.home, "checkpoints", str(night.target))
    run = night.report["run"]
    lines = [line.split() for line in listed.stdout.splitlines() if line.startswith(run)]
    assert [line[0] for line in lines] == [f"{run}/{phase}" for phase in PHASES]
    commit = next(line[3] for line in lines if line[0] == f"{run}/repairs")
    done = nightmend(night.home, "rollback", str(night.target), f"{run}/repairs")
    assert done.returncode == 0, done.stderr
    assert git(night.target, "rev-parse", night.report["branch"]).startswith(commit)
    unknown = nightmend(night.home, "rollback", str(night.target), "never/was")
    assert unknown.returncode == 2
    assert "never/was" in unknown.stderr


def small_target(folder: Path) -> Path:
    """A package with one fault, a few tests, and a suite that takes a while."""
    (folder / "tests").mkdir(parents=True)
    (folder / "shop.py").write_text(
        "def price(prices, name):\n"
        "    try:\n"
        "        return prices[name]\n"
        "    except KeyError:\n"
        "        raise ValueError(f'no price for {name}')\n"
    )
    (folder / "tests" / "test_shop.py").write_text(
        "import time\n\nimport pytest\n\nfrom shop import price\n\n\n"
        "def test_known():\n    time.sleep(2)\n    assert price({'tea': 3}, 'tea') == 3\n\n\n"
        "def test_unknown():\n    with pytest.raises(ValueError):\n        price({}, 'tea')\n"
    )
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "a shop")
    return folder


def started(home: Path, target: Path) -> "subprocess.Popen[bytes]":
    home.mkdir(exist_ok=True)
    command = [str(NIGHTMEND), "recover", str(target), "--report", str(home / "report")]
    with (home / "log").open("wb") as log:
        return subprocess.Popen(command, cwd=home, env=environment(home), stdout=log, stderr=log)


def wait_for(home: Path, pattern: str) -> None:
    deadline = time.monotonic() + 180
    while not list((home / "results").glob(pattern)):
        assert time.monotonic() < deadline, (home / "log").read_text()
        time.sleep(0.05)


def test_a_night_that_is_killed_goes_on_behind_its_last_finished_agent(tmp_path: Path) -> None:
    home, target = tmp_path / "home", small_target(tmp_path / "shop")
    before = untouched(target)
    process = started(home, target)
    wait_for(home, "nightmend-agent_framework_repair-*")
    process.send_signal(signal.SIGKILL)
    process.wait()
    killed = time.time()
    assert gone(home, within=15), left_over(home)
    assert untouched(target) == before
    assert git(target, "branch", "--list", "nightmend/*") == ""
    done = nightmend(home, "recover", str(target), "--report", str(home / "report"))
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((home / "report" / "report.json").read_text())
    statuses = {phase["name"]: phase["status"] for phase in report["phases"]}
    assert statuses["foundation"] == statuses["diagnostics"] == "CACHED"
    began = {agent["name"]: agent["started"] for phase in report["phases"] for agent in phase["agents"]}
    reused = {name for name, moment in began.items() if moment < killed}
    assert {
        "master_orchestrator",
        "sandbox_manager",
        "system_diagnostics",
        "agent_framework_repair",
    } <= reused
    assert "code_quality" not in reused
    assert [repair["pattern"] for repair in report["repairs"] if repair["verdict"] == "kept"] == [
        "raise-without-cause"
    ]


def test_an_interrupted_night_ends_with_130_and_all_its_processes_within_seconds(tmp_path: Path) -> None:
    home, target = tmp_path / "home", small_target(tmp_path / "shop")
    process = started(home, target)
    wait_for(home, "nightmend-foundation-*")
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 130
    assert gone(home, within=10), left_over(home)
    assert "interrupted" in (home / "log").read_text()
    assert "Traceback" not in (home / "log").read_text()


def test_strict_closes_on_a_target_and_says_which(tmp_path: Path) -> None:
    home, target = tmp_path / "home", small_target(tmp_path / "shop")
    home.mkdir()
    done = nightmend(home, "recover", str(target), "--profile", "strict", "--report", str(home / "report"))
    assert done.returncode == 1
    assert "type_hint_coverage" in done.stderr
    assert "Traceback" not in done.stderr
    report = json.loads((home / "report" / "report.json").read_text())
    assert report["status"] == "FAILED"
    assert "quality" in report["error"]
    assert report["phases"][-1]["status"] == "ROLLED_BACK"
    assert report["branch"] is not None, "what the phases before achieved is published"


def bare(folder: Path) -> Path:
    git(folder.parent, "init", "-q", "--bare", str(folder))
    return folder


@pytest.mark.parametrize(
    "arguments",
    [
        ("recover", "{missing}"),
        ("recover", "{empty}"),
        ("recover", "{bare}"),
        ("recover", "{shop}", "--python", "{missing}"),
        ("recover", "{shop}", "--profile", "loose"),
        ("recover", "{dirty}", "--apply"),
        ("recover", "--no-such-option"),
        ("rollback", "{shop}", "never/was"),
    ],
    ids=" ".join,
)
def test_wrong_use_is_one_sentence_and_exit_code_2(arguments: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    dirty = small_target(tmp_path / "dirty")
    (dirty / "shop.py").write_text("changed = True\n")
    places = {
        "missing": tmp_path / "missing",
        "empty": tmp_path / "empty",
        "bare": bare(tmp_path / "bare.git"),
        "shop": small_target(tmp_path / "shop"),
        "dirty": dirty,
    }
    home = tmp_path / "home"
    home.mkdir()
    done = nightmend(home, *(argument.format(**places) for argument in arguments))
    assert done.returncode == 2, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert done.stderr.startswith("nightmend: ")
    assert (dirty / "shop.py").read_text() == "changed = True\n"


def test_apply_moves_the_current_branch_and_its_files(tmp_path: Path) -> None:
    home, target = tmp_path / "home", small_target(tmp_path / "shop")
    home.mkdir()
    done = nightmend(home, "recover", str(target), "--apply", "--report", str(home / "report"))
    assert done.returncode == 0, done.stderr
    assert "raise ValueError(f'no price for {name}') from" in (target / "shop.py").read_text()
    assert git(target, "status", "--porcelain") == ""
    assert git(target, "rev-parse", "--abbrev-ref", "HEAD").strip() == "main"


def test_doctor_finds_everything_that_a_night_needs_here(tmp_path: Path) -> None:
    done = nightmend(tmp_path, "doctor")
    assert done.returncode == 0, done.stdout
    assert "sandbox bubblewrap" in done.stdout
