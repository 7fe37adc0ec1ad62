"""Each test looks at a process of its own: niceness only ever rises."""

import subprocess
import sys
from pathlib import Path

import pytest

from nightmend.priority import NICENESS

SANDBOX = """
from nightmend.sandboxes.backends import create
from nightmend.sandboxes.protocol import SandboxSpec
with create(SandboxSpec(name="nice", base_directory=sys.argv[1], lower=None)) as box:
    print(box.execute_command("nice").stdout.decode().strip())
"""
WORKER = """
from distributed import Client
from tasks.cluster import local_cluster
if __name__ == "__main__":
    with local_cluster(1, pathlib.Path(sys.argv[1])) as cluster, Client(cluster) as client:
        print(client.submit(os.nice, 0).result())
"""
THREAD = """
import threading
go, said = threading.Event(), []
old = threading.Thread(target=lambda: (go.wait(), said.append(os.nice(0))))
old.start()
lower_priority()
go.set()
old.join()
print(said[0])
"""
OWN = "print(os.nice(0), psutil.Process().ionice().value)"


def niceness_in(folder: Path, code: str, *, of: str = "lower_priority()", already: int = 0) -> str:
    """Run code in a process that lowered its priority; return what it said."""
    script = folder / "script.py"
    lowered = f"if __name__ == '__main__':\n    os.nice({already})\n    {of}\n"
    script.write_text(
        f"import os, pathlib, psutil, sys\nfrom nightmend.priority import lower_priority\n{lowered}{code}\n"
    )
    command = [sys.executable, str(script), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def test_a_command_in_a_sandbox_runs_behind_others(tmp_path: Path) -> None:
    assert niceness_in(tmp_path, SANDBOX) == str(NICENESS)


@pytest.mark.night
def test_a_dask_worker_runs_behind_others(tmp_path: Path) -> None:
    assert niceness_in(tmp_path, WORKER) == str(NICENESS)


def test_a_thread_that_ran_before_is_lowered_too(tmp_path: Path) -> None:
    assert niceness_in(tmp_path, THREAD, of="pass") == str(NICENESS)


def test_the_disk_is_used_behind_others_as_well(tmp_path: Path) -> None:
    assert niceness_in(tmp_path, OWN).startswith(f"{NICENESS} ")


def test_a_night_that_is_nicer_already_stays_so(tmp_path: Path) -> None:
    assert niceness_in(tmp_path, OWN, already=15).split()[0] == "15"
