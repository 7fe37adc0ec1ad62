import os

SANDBOX_ID = 57343
"""User and group of everything sandboxed when we are root: belongs to nobody, fits a 16-bit id map."""


def sandbox_owner() -> tuple[int, int] | None:
    """User and group that trees must belong to, or None when we are not root and they stay our own."""
    return (SANDBOX_ID, SANDBOX_ID) if os.geteuid() == 0 else None
