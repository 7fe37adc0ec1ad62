"""What killed processes had for a moment only: files and folders under passing names, which nobody misses."""

import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from nightmend.errors import SandboxError
from nightmend.sandboxes.cleanup import remove_tree

PASSING = (
    ".*",
    "*/.*",
    "checkpoints/*/.*",
    "checkpoints/ledgers/tmp*",
    "copies/*",
    "store.git.*",
    "store.git/tmp?*",
    "store.git/tmp/*",
    "store.git/objects/info/tmp*",
    "store.git/objects/*/tmp_*",
)
"""Below the folder of a target: everything that is written there gets its name when it is whole."""
TEMPORARY = ("nightmend-apply-*", "nightmend-git-*", "nightmend-rehearsal-*", "nightmend-trial-*")
"""Among temporary files: of `--apply`, of `nightmend.git.view`, of the checklist, of a sandbox's trial."""


def clear_leftovers(folder: Path, older_than: float) -> tuple[Path, ...]:
    """Remove what has had a passing name for so many seconds, of a target and among temporary files."""
    left = [place for place in _passing(folder) if _older(place, older_than)]
    for place in left:
        if place.is_dir() and not place.is_symlink():
            with contextlib.suppress(SandboxError):
                remove_tree(place)  # a sandbox may have taken our rights to it
        else:
            with contextlib.suppress(OSError):
                place.unlink()
    return tuple(left)


def _passing(folder: Path) -> Iterator[Path]:
    for names in PASSING:
        yield from folder.glob(names)
    for names in TEMPORARY:
        yield from Path(tempfile.gettempdir()).glob(names)


def _older(place: Path, seconds: float) -> bool:
    with contextlib.suppress(OSError):
        return time.time() - place.lstat().st_mtime >= seconds
    return False
