"""The back ends, and the choice of one. There is none that runs a command unprotected."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from nightmend.errors import NightmendError, PrerequisiteError
from nightmend.monitoring.pulse import adopt
from nightmend.sandboxes.bubblewrap import Bubblewrap
from nightmend.sandboxes.docker import Docker
from nightmend.sandboxes.protocol import Sandbox, SandboxSpec

BACKENDS: dict[str, Callable[[SandboxSpec], Sandbox]] = {"bubblewrap": Bubblewrap, "docker": Docker}


def create(spec: SandboxSpec, backend: str = "bubblewrap") -> Sandbox:
    """Make a sandbox; PrerequisiteError or SandboxError when that cannot be done."""
    return adopt(BACKENDS[backend](spec))


def available() -> str:
    """Return the name of the first back end that really works here; PrerequisiteError says the cure."""
    sentences = []
    for name in BACKENDS:
        works, sentence = diagnose_backend(name)
        if works:
            return name
        sentences.append(sentence)
    raise PrerequisiteError("; ".join(sentences))


def diagnose_backend(name: str = "bubblewrap") -> tuple[bool, str]:
    """Run a real command in a real sandbox; return whether that worked, and a sentence that says so."""
    with tempfile.TemporaryDirectory(prefix="nightmend-") as folder:
        try:
            lower = Path(folder, "lower")
            lower.mkdir()
            spec = SandboxSpec(name="doctor", base_directory=folder, lower=str(lower))
            with create(spec, name) as sandbox:
                result = sandbox.run(["true"])
        except PrerequisiteError as error:
            return False, str(error)
        except NightmendError as error:
            return False, f"{name} does not run here ({error}): {CURES[name]}"
    if result.return_code:
        said = result.stderr.decode(errors="replace").strip()
        return (
            False,
            f"{name} started but could not run `true`: {said}",
        )
    return True, f"{name} works"


CURES = {
    "bubblewrap": "allow user namespaces (on Ubuntu `sysctl kernel.apparmor_restrict_unprivileged_userns=0`, "
    "on Debian `sysctl kernel.unprivileged_userns_clone=1`, in Docker `--security-opt seccomp=unconfined`)",
    "docker": "see what the daemon logs, or use bubblewrap",
}
