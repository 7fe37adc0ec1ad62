"""Processes that die: the night's own, and all that it stands on."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil

from flows.server import private_server
from nightmend.agents import AGENTS, PHASES
from tests.faults.harness import REPAIRS, WHOLE, Fault, Scene
from tests.flows.driving import command_of
from tests.flows.test_cluster import running

DEADLY = """
import signal
import {module} as deadly_module

deadly_sound = deadly_module.{function}


def deadly(*arguments, **named):
    if {before}:
        os.kill(os.getpid(), signal.SIGKILL)
    deadly_sound(*arguments, **named)
    os.kill(os.getpid(), signal.SIGKILL)


deadly_module.{function} = deadly
"""
PLACES = {
    "that tries its sandbox": ("nightmend.sandboxes.layered", "Layered.execute_command", True),
    "before a phase's checkpoint is listed": ("nightmend.recovery.checkpoints", "Checkpoints.put", True),
    "before the branch is noted": ("nightmend.review.publication", "Branches.write", True),
    "between objects and branch": ("nightmend.git.publish", "send_objects", False),
    "behind the branch": ("nightmend.git.store", "publish", False),
    "before the ledger has the night": ("nightmend.ledger.recording", "record_night", True),
    "behind the ledger": ("nightmend.ledger.recording", "record_night", False),
}
"""Instants of a night that a random kill hardly meets, by the function before or behind which they lie."""


def kills(times: int, seed: int, number: int = 1) -> Fault:
    """SIGKILL of the flow process at random instants of one whole night, which is resumed each time."""
    chance = random.Random(seed)
    marks = sorted(chance.randrange(len(AGENTS) + len(PHASES)) for _ in range(times))
    pauses = [chance.uniform(0, 4) for _ in range(times)]

    def inject(scene: Scene) -> None:
        for mark, pause in zip(marks, pauses, strict=True):
            while not _killed(scene, mark, pause):
                pause /= 2  # noqa: PLW2901 -- the night was faster

    return Fault(
        f"SIGKILL of the flow process at random instants of night {number}",
        inject,
        "foundation",
        WHOLE,
        times,
    )


def _killed(scene: Scene, mark: int, pause: float) -> bool:
    """Kill a night some seconds behind its record of this number; whether it still ran."""
    with scene.night() as night:
        while night.process.poll() is None and scene.records < mark:
            time.sleep(0.05)
        with contextlib.suppress(subprocess.TimeoutExpired):
            night.process.wait(pause)
        return scene.kill(night)


def _dies_at(module: str, function: str, before: bool) -> Callable[[Scene], None]:
    def inject(scene: Scene) -> None:
        with scene.night(DEADLY.format(module=module, function=function, before=before)) as night:
            scene.end_of(night, -signal.SIGKILL)

    return inject


STEPS = {
    name: Fault(f"SIGKILL of the flow process {name}", _dies_at(*step), work=None)
    for name, step in PLACES.items()
}


def _worker_dies(scene: Scene) -> None:
    with scene.night() as night:
        os.kill(scene.wait_for(night, "agent_framework_repair"), signal.SIGKILL)
        scene.end_of(night, 0)


def _scheduler_dies(scene: Scene) -> None:
    """Kill the scheduler of a cluster that people run, while an agent works there."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as cluster:
        worker = cluster.add("a")
        cluster.wait(1)
        with scene.night(options=("--dask-address", cluster.address)) as night:
            visits = worker.home / "visits"
            night.wait_until(lambda: any(visits.glob("*")), "a visit to the cluster")
            cluster.scheduler.kill()
            scene.end_of(night, 0, 1, 3)


def _sandbox_dies(scene: Scene) -> None:
    with scene.night() as night:
        scene.wait_for(night, "code_quality")
        night.wait_until(lambda: any(map(_kill_box, night.family())), "a sandbox")
        scene.end_of(night, 0)


def _kill_box(process: psutil.Process) -> bool:
    """Kill a process if it is a sandbox's; whether it was."""
    with contextlib.suppress(psutil.NoSuchProcess):
        if process.name() == "bwrap":
            process.kill()
            return True
    return False


def _server_dies(scene: Scene) -> None:
    """Kill the server that a person has: its calls are tried again for minutes, for it may come back."""
    with _doomed(scene) as (other, server), other.night() as night:
        other.wait_for(night, "code_quality")
        server.kill()
        other.end_of(night, 0, 1)
        scene.problems += other.problems


def _private_server_dies(scene: Scene) -> None:
    """Kill the private server that a night starts where a person has none."""
    with private_server(scene.house.home) as url:
        scene.configure(url)
    other = replace(scene, house=replace(scene.house, server=None), problems=[])
    with other.night() as night:
        other.wait_for(night, "code_quality")
        (server,) = [one for one in night.family() if "uvicorn" in command_of(one)]
        server.kill()
        other.end_of(night, 1)
    scene.problems += other.problems


def _machine_restarts(scene: Scene) -> None:
    with _doomed(scene) as (other, server), other.night() as night:
        other.wait_for(night, "code_quality")
        for process in (night.process, server, *night.family()):
            process.kill()
        night.process.wait()
    for folder in (scene.sandboxes, scene.temporary):
        shutil.rmtree(folder)
    scene.temporary.mkdir()


@contextlib.contextmanager
def _doomed(scene: Scene):
    """Give the scene with a server that may die, and its process."""
    before = psutil.Process().children()
    with private_server(scene.house.home.parent / "doomed") as url:
        (server,) = [
            one for one in psutil.Process().children() if one not in before and "uvicorn" in command_of(one)
        ]
        scene.configure(url)
        yield replace(scene, house=replace(scene.house, server=url), problems=[]), server


WORKER = Fault("SIGKILL of a Dask worker", _worker_dies, "repairs", REPAIRS)
SCHEDULER = Fault("SIGKILL of the scheduler of a person's Dask cluster", _scheduler_dies, "repairs", REPAIRS)
SANDBOX = Fault("SIGKILL of a sandbox", _sandbox_dies)
SERVER = Fault("SIGKILL of the Prefect server that a person named", _server_dies)
PRIVATE_SERVER = Fault("SIGKILL of the private Prefect server", _private_server_dies)
RESTART = Fault("restart of the machine", _machine_restarts)
