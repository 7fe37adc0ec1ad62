"""The back ends, and the choice of one. There is none that runs a command unprotected."""

import platform
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from nightmend.errors import EndedError, NightmendError, PrerequisiteError
from nightmend.monitoring.pulse import adopt
from nightmend.sandboxes.bubblewrap import Bubblewrap
from nightmend.sandboxes.docker import Docker
from nightmend.sandboxes.obstacles import obstacle, surroundings
from nightmend.sandboxes.protocol import Sandbox, SandboxSpec
from nightmend.settings import BackEnd

_TRIES = 3
"""Trials at the most, where somebody ends those before."""
BACKENDS: dict[str, Callable[[SandboxSpec], Sandbox]] = {"bubblewrap": Bubblewrap, "docker": Docker}


def create(spec: SandboxSpec) -> Sandbox:
    """Make a sandbox; PrerequisiteError or SandboxError when that cannot be done."""
    return adopt(BACKENDS[first_that_works() if spec.back_end == "auto" else spec.back_end](spec))


def available(back_end: BackEnd = "auto") -> str:
    """Return the name of a back end that really works here; PrerequisiteError says the cure."""
    sentences = []
    for name in BACKENDS if back_end == "auto" else (back_end,):
        works, sentence = diagnose_backend(name)
        if works:
            return name
        sentences.append(sentence)
    raise PrerequisiteError("; ".join(sentences))


@cache
def first_that_works() -> str:
    """Return the first back end that works, tried once a process."""
    return available()


def diagnose_backend(name: str) -> tuple[bool, str]:
    """Run a real command in a real sandbox; return whether that worked, and a sentence that says so."""
    if platform.system() != "Linux":
        return False, obstacle(surroundings())
    said = ""
    for _ in range(_TRIES):
        try:
            return _tried(name)
        except EndedError as error:
            said = str(error)
    return False, f"{name} does not run here ({said}): {CURES[name]()}"


def _tried(name: str) -> tuple[bool, str]:
    """Try a back end once; EndedError where somebody ended the trial."""
    with tempfile.TemporaryDirectory(prefix="nightmend-trial-") as folder:
        try:
            lower = Path(folder, "lower")
            lower.mkdir()
            spec = SandboxSpec(name="doctor", base_directory=folder, lower=str(lower))
            with BACKENDS[name](spec) as sandbox:
                result = sandbox.execute_command("echo works > file")
        except EndedError:
            raise
        except PrerequisiteError as error:
            return False, str(error)
        except NightmendError as error:
            return False, f"{name} does not run here ({error}): {CURES[name]()}"
    if result.return_code:
        said = result.stderr.decode(errors="replace").strip()
        return False, f"{name} started but could not write a file: {said}"
    return True, f"{name} works"


CURES: dict[str, Callable[[], str]] = {
    "bubblewrap": lambda: obstacle(surroundings()) or "see what the kernel logs, or use Docker",
    "docker": lambda: "see what the daemon logs, or use bubblewrap",
}
