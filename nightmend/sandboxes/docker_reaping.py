"""What dead owners left with the daemon, known by its labels."""

import os
from contextlib import suppress
from pathlib import Path

from nightmend.errors import PrerequisiteError, SandboxError
from nightmend.sandboxes.claims import abandoned
from nightmend.sandboxes.docker_daemon import daemon

FOLDER = "nightmend.sandbox"
BASE = "nightmend.base"
OWNER = "nightmend.owner"


def labels(folder: Path) -> dict[str, str]:
    """Return the labels of a sandbox: its folder, which base directory that is in, and its owner.

    Paths mean different folders in different containers; device and inode do not.
    """
    return {FOLDER: str(folder), BASE: _identity(folder.parent), OWNER: str(os.getpid())}


def reap_containers(base_directory: Path, older_than: float) -> None:
    """Remove the containers and volumes of sandboxes in a folder whose owner is dead.

    Does nothing where no daemon answers: then nothing of ours runs there either.
    """
    ours = {"label": f"{BASE}={_identity(base_directory)}"}
    with suppress(PrerequisiteError, SandboxError), daemon(seconds=5) as api:
        for found in api.containers(all=True, filters=ours):
            if _dead(Path(found["Labels"][FOLDER]), older_than):
                api.remove_container(found["Id"], force=True)
        for found in api.volumes(filters=ours)["Volumes"] or ():
            if _dead(Path(found["Labels"][FOLDER]), older_than):
                api.remove_volume(found["Name"])


def _dead(folder: Path, older_than: float) -> bool:
    """Whether a sandbox is nobody's: a folder is made before all else, and removed last."""
    with abandoned(folder, older_than) as dead:
        return dead or not os.path.lexists(folder)


def _identity(folder: Path) -> str:
    found = folder.stat()
    return f"{found.st_dev}:{found.st_ino}"
