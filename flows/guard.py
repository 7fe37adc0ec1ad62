"""Wait beside a run until its process is gone, and tell Prefect where that could not.

`python -m flows.guard FILE` is a small process, which imports nothing of Prefect before it needs to.
"""

import fcntl
import os
import sys
from pathlib import Path


def main(place: Path) -> None:
    """Wait for the lock of a run's file; a file that is gone by then is of a run that ended in order."""
    with place.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        ended = os.fstat(file.fileno()).st_nlink == 0
    if not ended:
        from flows.buried import bury  # noqa: PLC0415 -- it costs 60 MB

        bury(place.parent.parent)


if __name__ == "__main__":
    if os.fork():
        os._exit(0)  # nobody's child: who ends the processes of a run leaves it
    main(Path(sys.argv[1]))
