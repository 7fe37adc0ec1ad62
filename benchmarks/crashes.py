"""How soon a night whose process was killed is shown as crashed, on a Prefect server of the person's own.

`PYTHONPATH=$PWD .venv/bin/python benchmarks/crashes.py`, with `--times N`. The sentence in
docs/reliability.md is drawn from benchmarks/results/faults/crashes.json.
"""

import argparse
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import page
from faults import DOCUMENT
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.settings import PREFECT_API_URL, temporary_settings
from real_projects import engine
from row import Machine, machine

from flows.environment import QUIET
from flows.server import private_server
from nightmend.files import write_atomically
from nightmend.frozen import Frozen
from tests.faults.harness import Scene

RESULT = page.ROWS / "faults" / "crashes.json"
LONGEST = 600.0


class Crashes(Frozen):
    """Seconds from each kill to the first answer of the server that calls the run crashed."""

    machine: Machine
    seconds: tuple[float, ...]
    engine: str
    """Commit of nightmend."""


def measured(times: int, folder: Path) -> Iterator[float]:
    """Kill nights in the middle of an agent, one after the other."""
    with private_server(folder / "server") as url, temporary_settings({PREFECT_API_URL: url}):
        scene = Scene.lay(folder, url)
        with get_client(sync_client=True) as client:
            for _ in range(times):
                scene.forget("quality")
                yield _seconds_until_crashed(scene, client)
                scene.house.processes(LONGEST)


def _seconds_until_crashed(scene: Scene, client: SyncPrefectClient) -> float:
    with scene.night() as night:
        scene.wait_for(night, "code_quality")
        run = _last_night(client)
        os.kill(night.process.pid, signal.SIGKILL)
        clock = time.monotonic()
        while client.read_flow_run(run.id).state_type != StateType.CRASHED:
            if time.monotonic() - clock > LONGEST:
                raise SystemExit(f"the run {run.name} is not crashed after {LONGEST:.0f} s")
            time.sleep(1)
        return time.monotonic() - clock


def _last_night(client: SyncPrefectClient) -> FlowRun:
    """Return the newest run that no other one started."""
    newest = client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=20)
    return next(run for run in newest if run.parent_task_run_id is None)


def draw(known: Crashes) -> None:
    """Write the sentence into the document."""
    figures = ", ".join(f"{seconds:.0f}" for seconds in known.seconds)
    page.put("crashes", f"Seconds, of {len(known.seconds)} nights: {figures} (`{known.engine}`).", DOCUMENT)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--times", type=int, default=3)
    with tempfile.TemporaryDirectory(prefix="crashes-") as folder:
        seconds = tuple(round(one, 1) for one in measured(options.parse_args().times, Path(folder)))
    known = Crashes(machine=machine(), seconds=seconds, engine=engine())
    write_atomically(RESULT, (known.model_dump_json(indent=2) + "\n").encode(), 0o644)
    draw(known)
    print(known.model_dump_json())


if __name__ == "__main__":
    os.environ.update(QUIET)
    main()
