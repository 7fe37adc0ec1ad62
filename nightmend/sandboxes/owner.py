import os
from pathlib import Path

SANDBOX_ID = 57343
"""User and group of everything sandboxed when we are root: belongs to nobody, fits a 16-bit id map."""


def sandbox_owner() -> tuple[int, int] | None:
    """User and group that trees must belong to, or None when we are not root and they stay our own."""
    return (SANDBOX_ID, SANDBOX_ID) if os.geteuid() == 0 and _has_other_users() else None


def _has_other_users() -> bool:
    """Whether we are more than the only user of a user namespace, who is not root outside."""
    return sum(int(line.split()[2]) for line in Path("/proc/self/uid_map").read_text().splitlines()) > 1
