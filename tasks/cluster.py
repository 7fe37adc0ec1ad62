import os
from pathlib import Path
from typing import Any

from distributed import LocalCluster


def local_cluster(workers: int, home: Path) -> LocalCluster:
    """Start a scheduler and worker processes that only this machine can reach."""
    scratch = home / "dask"
    scratch.mkdir(parents=True, exist_ok=True)
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        local_directory=str(scratch),
        dashboard_address="127.0.0.1:0",  # with none it would want port 8787, and say so where that is taken
        scheduler_kwargs={"dashboard": False},
        preload=[__name__],
    )


def dask_setup(worker: Any) -> None:
    """Keep Ctrl-C away from a worker process: whoever started the night ends it."""
    os.setpgid(0, 0)
