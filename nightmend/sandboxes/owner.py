import ctypes
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SANDBOX_ID = 57343
"""User and group of everything sandboxed when we are root: belongs to nobody, fits a 16-bit id map."""
_SETGROUPS, _SETRESGID, _SETRESUID = (159, 149, 147) if platform.machine() == "aarch64" else (116, 119, 117)
_SET_DUMPABLE = 4
_LIBC = ctypes.CDLL(None, use_errno=True)


def sandbox_owner() -> tuple[int, int] | None:
    """User and group that trees must belong to, or None when we are not root and they stay our own."""
    return (SANDBOX_ID, SANDBOX_ID) if os.geteuid() == 0 and _has_other_users() else None


@contextmanager
def acting_as(owner: tuple[int, int] | None) -> Iterator[None]:
    """Let the calling thread alone be another user, and what it executes then for good.

    A fork that drops the user of the child copies the page tables of a large process: 20 to 50 ms at 350 MB,
    where a child that need not be changed starts in one. The C library's own calls change every thread.
    """
    if owner is None:
        yield
        return
    user, group = owner
    own_groups, own_gids = os.getgroups(), os.getresgid()
    _set(_SETGROUPS, 0, None)
    try:
        _set(_SETRESGID, group, group, own_gids[2])
        _set(_SETRESUID, user, user, 0)  # the saved 0 is the way back, and lost to what is executed
        yield
    finally:
        _set(_SETRESUID, 0, 0, 0)
        _set(_SETRESGID, *own_gids)
        _set(_SETGROUPS, len(own_groups), (ctypes.c_uint32 * len(own_groups))(*own_groups))
        _LIBC.prctl(_SET_DUMPABLE, 1)  # the kernel has taken that from the whole process


def _set(number: int, *arguments: object) -> None:
    if _LIBC.syscall(number, *arguments):
        raise OSError(ctypes.get_errno(), "the user of a thread could not be changed")


def _has_other_users() -> bool:
    """Whether we are more than the only user of a user namespace, who is not root outside."""
    return sum(int(line.split()[2]) for line in Path("/proc/self/uid_map").read_text().splitlines()) > 1
