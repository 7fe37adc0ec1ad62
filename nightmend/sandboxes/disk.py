"""How much a sandbox has written to disk: free space tells at once, a count only when that looks bad."""

import os
import subprocess
from pathlib import Path

from nightmend.settings import MIB

BLOCK = 4096
"""What a file costs at least, in bytes: so many empty ones are noticed too."""
RESERVE = 256 * MIB
_COUNT_SECONDS = 10


class Disk:
    """Watches a folder of hostile content. Deleted files that are still open count only against RESERVE."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held = 0
        self._free = self._plenty = self._left()

    def exceeds(self, limit: int) -> bool:
        """Whether the folder holds more than `limit` bytes, or its file system is nearly full."""
        left = self._left()
        if min(left) < RESERVE < min(self._plenty):
            return True
        gone = max(before - now for before, now in zip(self._free, left, strict=True))
        if self._held + gone <= limit:
            return False
        held = self._count()
        if held is not None:
            self._held, self._free = held, left
        return held is None or held > limit

    def _left(self) -> tuple[int, int]:
        """Return the free space twice, in bytes: by blocks and by files."""
        found = os.statvfs(self._folder)
        space = found.f_bavail * found.f_frsize
        return space, found.f_ffree * BLOCK if found.f_files else space

    def _count(self) -> int | None:
        """Return the bytes held, or None where something is hidden from us or too large to count."""
        counts = []
        for options, unit in (("--block-size=1", 1), ("--inodes", BLOCK)):
            try:
                counted = subprocess.run(
                    ["du", "-sx", options, "--", self._folder],
                    capture_output=True,
                    timeout=_COUNT_SECONDS,
                    check=True,
                )
            except subprocess.SubprocessError:
                return None
            counts.append(int(counted.stdout.split()[0]) * unit)
        return max(counts)
