"""A night on a Dask cluster that people run: a scheduler and workers that share no folder with it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nightmend.agents import PHASES
from tests.flows.driving import MENDED, SHOP, TESTS, House, Outcome, branches, git, shop

pytestmark = pytest.mark.night

OLD = """\
from importlib import metadata

real = metadata.real = getattr(metadata, "real", metadata.version)  # Dask loads this twice
metadata.version = lambda name: "2.0.0" if name == "pydantic" else real(name)
"""
"""What a worker imports first to be one with another pydantic."""

NOTING = """\
from nightmend.visiting import Visit

sound = Visit.sound = getattr(Visit, "sound", Visit.__init__)  # Dask loads this twice


def noted(self, brought):
    with open("brought", "a") as file:
        print(brought.night.run, file=file)
    sound(self, brought)


Visit.__init__ = noted
"""
"""What a worker imports first to write down in its folder which nights it is brought."""

DEADLY = """\
import os
from pathlib import Path

import nightmend.agent_run as agent_run

sound = agent_run.sound = getattr(agent_run, "sound", agent_run.run_agent)  # Dask loads this twice
spared = {spared!r} and Path({spared!r})


def deadly(agent, work):
    if agent == "agent_framework_repair" and not (spared and spared.exists()):
        if spared:
            spared.touch()
        os._exit(1)
    return sound(agent, work)


agent_run.run_agent = deadly
"""
"""What a worker imports first to die under one agent; where `spared` names a file, once for all workers."""


@dataclass
class Worker:
    """A worker process with a folder and a home of its own."""

    folder: Path
    process: "subprocess.Popen[bytes]"

    @property
    def home(self) -> Path:
        return self.folder / "home"


@dataclass
class Cluster:
    """A scheduler and what workers it was given, each in a folder of its own."""

    folder: Path
    address: str = ""
    scheduler: "subprocess.Popen[bytes] | None" = None
    workers: list[Worker] = field(default_factory=list)

    def start(self, name: str, *arguments: str) -> "subprocess.Popen[bytes]":
        place = self.folder / name
        (place / "home").mkdir(parents=True)
        keep = {"PATH", "LANG", "TMPDIR"}
        clean = {key: value for key, value in os.environ.items() if key in keep}
        environment = {**clean, "HOME": str(place / "home"), "NIGHTMEND_HOME": str(place / "home")}
        with (place / "log").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", f"distributed.cli.dask_{name.partition('-')[0]}", *arguments],
                cwd=place, env=environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def add(self, name: str, *, preload: str = "", threads: int = 1) -> Worker:
        folder = self.folder / f"worker-{name}"
        fake = self.folder / f"{name}.py"
        fake.write_text(preload or "pass\n")
        process = self.start(
            folder.name, self.address, "--nthreads", str(threads), "--host", "127.0.0.1", "--no-dashboard",
            "--local-directory", str(folder), "--preload", str(fake), "--no-nanny",
        )  # fmt: skip
        self.workers.append(Worker(folder, process))
        return self.workers[-1]

    def wait(self, count: int) -> None:
        from distributed import Client

        with Client(self.address, set_as_default=False, timeout=60) as client:
            client.wait_for_workers(count, timeout=60)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """Run a scheduler, and leave nothing of it and of the workers that it is given."""
    cluster = Cluster(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    cluster.address = f"tcp://127.0.0.1:{port}"
    scheduler = cluster.scheduler = cluster.start(
        "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"
    )
    try:
        yield cluster
    finally:
        for process in (*(worker.process for worker in cluster.workers), scheduler):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running(tmp_path_factory.mktemp("cluster")) as one:
        one.add("a", preload=NOTING)
        one.add("b", preload=NOTING)
        one.wait(2)
        yield one


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> House:
    return House(tmp_path_factory.mktemp("home"), prefect_server)


FILES = {
    "shop.py": SHOP,
    "stock.py": '"""Stock of a shop."""\n\n\ndef stock(name: str) -> str:\n'
    '    """Read what is in stock."""\n    with open(name) as file:\n        return file.read()\n',
    "tests/test_shop.py": TESTS,
    "tests/test_stock.py": "from stock import stock\n\n\ndef test_stock(tmp_path):\n"
    '    (tmp_path / "tea").write_text("3")\n    assert stock(str(tmp_path / "tea")) == "3"\n',
}


@dataclass
class Night:
    target: Path
    outcome: Outcome

    @property
    def tree(self) -> str:
        [branch] = branches(self.target)
        return git(self.target, "rev-parse", f"{branch}^{{tree}}").strip()


def night(house: House, name: str, *options: str) -> Night:
    target = house.home / name / "shop"
    target.mkdir(parents=True)
    shop(target, FILES)
    return Night(target, house.recover(target, "--through", "repairs", *options))


@pytest.fixture(scope="module")
def away(house: House, cluster: Cluster) -> Night:
    return night(house, "away", "--dask-address", cluster.address)


def test_a_night_elsewhere_has_the_tree_of_one_at_home(house: House, away: Night) -> None:
    assert away.outcome.code == 0, away.outcome.said
    at_home = night(house, "home")
    assert at_home.outcome.code == 0, at_home.outcome.said
    assert away.tree == at_home.tree
    assert MENDED in git(away.target, "show", f"{branches(away.target)[0]}:shop.py")


def test_the_agents_worked_on_the_workers(cluster: Cluster, away: Night) -> None:
    pids = {away.outcome.agents[name]["pid"] for name in PHASES["repairs"]}
    assert pids == {worker.process.pid for worker in cluster.workers}


def test_nothing_of_a_night_is_left_on_the_workers(cluster: Cluster, away: Night) -> None:
    for worker in cluster.workers:
        assert [path.name for path in (worker.home / "visits").iterdir()] == []
        assert not (worker.home / "targets").exists()


def test_each_worker_was_brought_the_night_once(cluster: Cluster, away: Night) -> None:
    """Of three agents on two workers, one worker had two."""
    for worker in cluster.workers:
        assert (worker.folder / "brought").read_text().split() == [away.outcome.known["run"]]
        assert (worker.folder / "log").read_text().count("Run out-of-band function 'leave'") == 1


def test_an_agent_whose_worker_dies_is_done_by_another(house: House, away: Night, tmp_path: Path) -> None:
    deadly = DEADLY.format(spared=str(tmp_path / "spared"))
    with running(tmp_path) as cluster:
        cluster.add("a", preload=deadly)
        cluster.add("b", preload=deadly)
        cluster.wait(2)
        robbed = night(house, "robbed", "--dask-address", cluster.address)
    assert robbed.outcome.code == 0, robbed.outcome.said
    assert robbed.outcome.said.count("died under agent agent_framework_repair") == 1
    assert robbed.tree == away.tree


def test_an_agent_that_kills_every_worker_is_named_and_ends(house: House, tmp_path: Path) -> None:
    with running(tmp_path) as cluster:
        for name in "abcd":
            cluster.add(name, preload=DEADLY.format(spared=""))
        cluster.wait(4)
        killing = night(house, "killing", "--dask-address", cluster.address)
    assert killing.outcome.code != 0
    assert "agent agent_framework_repair failed: 3 workers died under it" in killing.outcome.said
    assert "Traceback" not in killing.outcome.said
    assert killing.outcome.statuses["repairs"] == "ROLLED_BACK"
    assert branches(killing.target) == []


def refused(house: House, address: str) -> str:
    """The sentence by which a night is refused, at the start."""
    target = house.home / "refused"
    if not target.exists():
        target.mkdir()
        shop(target)
    outcome = house.run("recover", target, "--dask-address", address)
    assert outcome.code == 3, outcome.said
    assert outcome.seconds < 60
    [sentence] = outcome.said.splitlines()  # and nothing that Dask would say
    assert branches(target) == []
    return sentence


def test_a_worker_with_another_version_is_refused_by_name(house: House, tmp_path: Path) -> None:
    with running(tmp_path) as cluster:
        cluster.add("old", preload=OLD)
        cluster.wait(1)
        sentence = refused(house, cluster.address)
    assert f"of {cluster.address} has other versions than this machine: pydantic 2.0.0 (here 2." in sentence
    assert "worker tcp://127.0.0.1:" in sentence


def test_a_worker_with_more_threads_is_refused_by_name(house: House, tmp_path: Path) -> None:
    with running(tmp_path) as cluster:
        cluster.add("wide", threads=2)
        cluster.wait(1)
        assert "has 2 threads" in refused(house, cluster.address)


def test_an_address_where_nobody_answers_is_refused(house: House) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{nobody.getsockname()[1]}"
        assert f"no Dask scheduler answers at '{address}'" in refused(house, address)


def test_a_cluster_without_workers_is_refused(house: House, tmp_path: Path) -> None:
    with running(tmp_path) as cluster:
        sentence = refused(house, cluster.address)
    assert "has no workers" in sentence


def test_what_is_no_address_is_refused(house: House) -> None:
    assert "no Dask scheduler answers at 'nonsense://x'" in refused(house, "nonsense://x")
