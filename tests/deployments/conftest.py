"""One Prefect server for this folder, with all of prefect.yaml deployed, and one night on demand on it."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.executable).parent

START_SERVER = """
import os, sys
from pathlib import Path
from flows.environment import prepare_environment
home = Path(sys.argv[1])
prepare_environment(home)
from flows.server import prefect_api
with prefect_api(home) as url:
    print(url, flush=True)
    sys.stdin.read()
"""
A_YEAR_AHEAD = {
    "PREFECT_SERVER_SERVICES_SCHEDULER_MIN_RUNS": "366",
    "PREFECT_SERVER_SERVICES_SCHEDULER_MAX_RUNS": "366",
    "PREFECT_SERVER_SERVICES_SCHEDULER_MAX_SCHEDULED_TIME": "P370D",
}
"""A server schedules three runs ahead; the clocks change within a year."""
SET_BY_PEOPLE = """
from blocks.orchestrator import Orchestrator
from blocks.thresholds import Thresholds
Orchestrator(max_concurrent_agents=2).save("nightmend", overwrite=True)
Thresholds(documentation_coverage=12).save("nightmend", overwrite=True)
"""
SHOP = """\
def price(prices, name):
    try:
        return prices[name]
    except KeyError:
        raise ValueError(f'no price for {name}')


def read_prices(path):
    with open(path) as file:
        return dict(line.split(",") for line in file)
"""
TESTS = """\
import pytest

from shop import price, read_prices


def test_known():
    assert price({"tea": 3}, "tea") == 3


def test_unknown():
    with pytest.raises(ValueError):
        price({}, "tea")


def test_read(tmp_path):
    (tmp_path / "prices.csv").write_text("tea,3", encoding="utf-8")
    assert read_prices(tmp_path / "prices.csv") == {"tea": "3"}
"""


@dataclass
class Prefect:
    """A private server, and the environment in which commands find it."""

    url: str
    environment: dict[str, str]
    folder: Path

    def run(self, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command of our environment, by default in an empty folder."""
        return subprocess.run(
            [str(BIN / command[0]), *command[1:]],
            cwd=cwd or self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )

    def ask(self, path: str, **body: object) -> Any:
        """Return what the API answers; with a body it is asked by POST."""
        request = urllib.request.Request(
            f"{self.url}/{path}",
            data=json.dumps(body).encode() if body else None,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def all(self, kind: str, **filters: object) -> list[dict[str, Any]]:
        """Return everything that a filter finds, page by page."""
        found: list[dict[str, Any]] = []
        while page := self.ask(f"{kind}/filter", limit=200, offset=len(found), **filters):
            found += page
        return found


@dataclass
class Registered:
    """What `deployments.register_blocks` said, before and after people changed values."""

    first: subprocess.CompletedProcess[str]
    changed: subprocess.CompletedProcess[str]
    second: subprocess.CompletedProcess[str]


@dataclass
class OnDemand:
    """A night that `prefect deployment run --watch` waited for."""

    done: subprocess.CompletedProcess[str]
    run: dict[str, Any]
    report: dict[str, Any]
    target: Path


@pytest.fixture(scope="session")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    """A server with everything of prefect.yaml deployed on it."""
    folder = tmp_path_factory.mktemp("prefect")
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PREFECT_", "NIGHTMEND_", "DO_NOT_TRACK"))
    }
    command = [sys.executable, "-c", START_SERVER, str(folder / "server")]
    with subprocess.Popen(
        command,
        cwd=folder,
        env=clean | A_YEAR_AHEAD,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        scratch = folder / "scratch"
        scratch.mkdir()
        environment = clean | {
            "TMPDIR": str(scratch),  # Prefect's runner shares a folder there that one user owns
            "NIGHTMEND_HOME": str(folder / "home"),
            "PREFECT_HOME": str(folder / "client"),
            "PREFECT_API_URL": url,
            "PREFECT_WORKER_QUERY_SECONDS": "1",
        }
        started = Prefect(url, environment, folder)
        try:
            _deploy(started)
            yield started
        finally:
            server.communicate("")


def _deploy(prefect: Prefect) -> None:
    for command in (
        ("work-pool", "create", "nightmend", "--type", "process"),
        ("work-pool", "set-concurrency-limit", "nightmend", "1"),
        ("--no-prompt", "deploy", "--all"),
    ):
        done = prefect.run("prefect", *command, cwd=ROOT)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def registered(prefect: Prefect) -> Registered:
    """Blocks registered twice, values changed in between."""
    command = ("python", "-P", "-m", "deployments.register_blocks")
    return Registered(
        first=prefect.run(*command),
        changed=prefect.run("python", "-P", "-c", SET_BY_PEOPLE),
        second=prefect.run(*command),
    )


@pytest.fixture(scope="session")
def worker(prefect: Prefect) -> Iterator[Path]:
    """A worker of the pool, in a folder whose modules are named like ours and must never be imported."""
    folder = prefect.folder / "elsewhere"
    for room in ("flows", "tasks", "blocks", "nightmend"):
        (folder / room).mkdir(parents=True)
        (folder / room / "__init__.py").write_text("raise SystemExit('not ours')")
    command = [str(BIN / "prefect"), "worker", "start", "--pool", "nightmend"]
    with (prefect.folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=prefect.environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield folder
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def night(prefect: Prefect, registered: Registered, worker: Path) -> OnDemand:
    """A night on a small repository, asked for in a folder where nothing is."""
    target = _small_repository(prefect.folder / "shop")
    report = prefect.folder / "report"
    parameters = ("-p", f"target={target}", "-p", f"report={report}")
    done = prefect.run("prefect", "deployment", "run", "recover/on-demand", *parameters, "--watch")
    log = (prefect.folder / "worker.log").read_text(errors="replace")
    assert done.returncode == 0, done.stdout + done.stderr + log
    (run,) = prefect.all("flow_runs", flow_runs={"name": {"any_": [f"recover {target}"]}})
    return OnDemand(done, run, json.loads((report / "report.json").read_text()), target)


def _small_repository(folder: Path) -> Path:
    """Commit a package with two faults and three tests."""
    (folder / "tests").mkdir(parents=True)
    (folder / "shop.py").write_text(SHOP)
    (folder / "tests" / "test_shop.py").write_text(TESTS)
    git = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@localhost"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "a shop"]):
        subprocess.run([*git, *arguments], check=True)
    return folder
