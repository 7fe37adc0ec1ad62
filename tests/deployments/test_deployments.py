"""Prefect as its users know it: deploy, run on demand from a worker elsewhere, and scheduled nights."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.executable).parent
ZONE = ZoneInfo("Europe/Berlin")
pytestmark = pytest.mark.night

START_SERVER = """
import os, sys, time
from pathlib import Path
from flows.environment import prepare_environment
home = Path(sys.argv[1])
prepare_environment(home)
from flows.server import prefect_api
with prefect_api(home) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@dataclass
class Prefect:
    """A private server, and the environment in which commands find it."""

    url: str
    environment: dict[str, str]
    folder: Path

    def run(self, *command: str, cwd: Path = ROOT, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(BIN / command[0]), *command[1:]],
            cwd=cwd,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def post(self, path: str, **body: object) -> list[dict[str, object]]:
        request = urllib.request.Request(
            f"{self.url}/{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: list[dict[str, object]] = json.load(answer)
        return found


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    """A server with everything of prefect.yaml deployed on it."""
    folder = tmp_path_factory.mktemp("prefect")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "NIGHTMEND_"))
    }
    environment |= {"NIGHTMEND_HOME": str(folder / "home"), "PREFECT_HOME": str(folder / "client")}
    environment |= {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    starting = {name: value for name, value in environment.items() if name != "PREFECT_HOME"}
    command = [sys.executable, "-c", START_SERVER, str(folder / "server")]
    with subprocess.Popen(
        command, cwd=ROOT, env=starting, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        started = Prefect(url, {**environment, "PREFECT_API_URL": url}, folder)
        made = started.run("prefect", "work-pool", "create", "nightmend", "--type", "process")
        assert made.returncode == 0, made.stderr
        deployed = started.run("prefect", "--no-prompt", "deploy", "--all")
        assert deployed.returncode == 0, deployed.stdout + deployed.stderr
        try:
            yield started
        finally:
            server.communicate("")


@pytest.fixture
def worker(prefect: Prefect, tmp_path: Path) -> Iterator[None]:
    """A worker of the pool, started in a folder of its own."""
    command = [str(BIN / "prefect"), "worker", "start", "--pool", "nightmend"]
    with (tmp_path / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=tmp_path, env=prefect.environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def small_target(folder: Path) -> Path:
    """A package with a fault and three tests."""
    (folder / "tests").mkdir(parents=True)
    (folder / "shop.py").write_text(
        "def price(prices, name):\n"
        "    try:\n"
        "        return prices[name]\n"
        "    except KeyError:\n"
        "        raise ValueError(f'no price for {name}')\n"
    )
    (folder / "tests" / "test_shop.py").write_text(
        "import pytest\n\nfrom shop import price\n\n\n"
        "def test_known():\n    assert price({'tea': 3}, 'tea') == 3\n\n\n"
        "def test_unknown():\n    with pytest.raises(ValueError):\n        price({}, 'tea')\n\n\n"
        "def test_zero():\n    assert price({'air': 0}, 'air') == 0\n"
    )
    git = ["git", "-C", str(folder), "-c", "user.name=t", "-c", "user.email=t@localhost"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "a shop"]):
        subprocess.run([*git, *arguments], check=True)
    return folder


def test_a_night_on_demand_runs_to_success_from_a_worker_in_another_folder(
    prefect: Prefect, worker: None, tmp_path: Path
) -> None:
    target = small_target(tmp_path / "shop")
    parameters = ("-p", f"target={target}", "-p", f"report={tmp_path / 'report'}")
    done = prefect.run(
        "prefect", "deployment", "run", "recover/on-demand", *parameters, "--watch", cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert report["status"] == "PASSED"
    assert [repair["pattern"] for repair in report["repairs"] if repair["verdict"] == "kept"] == [
        "raise-without-cause"
    ]
    diff = subprocess.run(
        ["git", "-C", str(target), "diff", f"main..{report['branch']}"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "from error" in diff or "from exc" in diff
    flows = {str(run["name"]) for run in prefect.post("flow_runs/filter", limit=50)}
    assert {"foundation", "diagnostics", "repairs", "optimization", "quality"} <= flows
    tasks = {str(run["name"]) for run in prefect.post("task_runs/filter", limit=100)}
    assert {"master_orchestrator", "sandbox_manager", "system_diagnostics", "performance_tuning"} <= tasks
    assert {"agent_framework_repair", "model_system_repair", "data_pipeline_repair"} <= tasks
    assert {"async_optimization", "code_quality", "documentation_update"} <= tasks
    kinds = {str(artifact["type"]) for artifact in prefect.post("artifacts/filter", limit=50)}
    assert {"progress", "markdown", "table"} <= kinds


def asked_for(prefect: Prefect) -> int:
    """Count the runs that nobody's schedule made."""
    return sum(not run["auto_scheduled"] for run in prefect.post("flow_runs/filter", limit=200))


def test_a_wrong_parameter_is_refused_before_any_run(prefect: Prefect) -> None:
    before = asked_for(prefect)
    wrong = ("-p", "target=/x", "-p", "profile=loose")
    done = prefect.run("prefect", "deployment", "run", "recover/on-demand", *wrong)
    assert done.returncode != 0
    assert "profile" in done.stdout + done.stderr
    assert asked_for(prefect) == before


def test_the_schedule_makes_runs_at_two_local_time(prefect: Prefect) -> None:
    deadline = time.monotonic() + 90
    scheduled: list[dict[str, object]] = []
    while time.monotonic() < deadline and len(scheduled) < 3:
        wanted = {"state": {"type": {"any_": ["SCHEDULED"]}}}
        scheduled = prefect.post("flow_runs/filter", flow_runs=wanted, limit=50)
        scheduled = [run for run in scheduled if run["auto_scheduled"]]
        time.sleep(1)
    times = [
        datetime.fromisoformat(str(run["expected_start_time"]).replace("Z", "+00:00")) for run in scheduled
    ]
    assert len(times) >= 3
    assert {(when.astimezone(ZONE).hour, when.astimezone(ZONE).minute) for when in times} == {(2, 0)}


def test_blocks_are_registered_once_and_keep_what_people_set(prefect: Prefect) -> None:
    first = prefect.run("python", "-m", "deployments.register_blocks")
    assert "nightmend-orchestrator/nightmend" in first.stdout, first.stderr
    change = (
        "from blocks.orchestrator import Orchestrator as O; "
        "O(max_concurrent_agents=2).save('nightmend', overwrite=True)"
    )
    assert prefect.run("python", "-c", change).returncode == 0
    assert "nothing new" in prefect.run("python", "-m", "deployments.register_blocks").stdout
    show = "from blocks.load import configured; print(configured()['orchestrator'].max_concurrent_agents)"
    assert prefect.run("python", "-c", show).stdout.strip() == "2"
