"""Root's private view of the host, in which a dropped user reaches what lies below a closed folder.

A sandbox of root runs as a user who cannot enter /root, where the interpreter, the state folder and
bubblewrap itself may lie. A thread of its own leaves the mount namespace of the process and mounts
those folders side by side in a fresh place; only this thread and what it starts see them there, and
nothing is left when they end.
"""

import ctypes
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

from nightmend.errors import PrerequisiteError, SandboxError

STAGE = "/mnt"
_NEW_MOUNTS = 0x00020000  # CLONE_NEWNS
_BIND, _RECURSIVE, _SLAVE, _NO_SUID, _NO_DEVICES = 0x1000, 0x4000, 0x80000, 0x2, 0x4
T = TypeVar("T")


def on_stage(
    sources: Sequence[str], act: Callable[[Callable[[str], str]], T], cancel: Callable[[], None]
) -> T:
    """Call `act` in a thread that alone sees the sources, with the function that says where.

    `cancel` makes `act` return early when the waiting caller is interrupted.
    """
    result: Future[T] = Future()

    def perform() -> None:
        try:
            places = dict(zip(sources, _stage(sources), strict=True))
            result.set_result(act(places.__getitem__))
        except BaseException as error:
            result.set_exception(error)

    thread = threading.Thread(target=perform, name="sandbox", daemon=True)
    thread.start()
    try:
        return result.result()
    except BaseException:
        cancel()
        raise
    finally:
        thread.join()


def _stage(sources: Sequence[str]) -> list[str]:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_MOUNTS):
        raise PrerequisiteError(
            "sandboxes of root need the right to mount (CAP_SYS_ADMIN): run nightmend as an ordinary user"
        )
    _mount(libc, "none", "/", None, _RECURSIVE | _SLAVE)
    opened = [_open(source) for source in sources]
    try:
        _mount(libc, "none", STAGE, "tmpfs", _NO_SUID | _NO_DEVICES, "mode=0755,size=1m")
        return [_show(libc, at, descriptor) for at, descriptor in enumerate(opened)]
    finally:
        for descriptor in opened:
            os.close(descriptor)


def _open(source: str) -> int:
    try:
        return os.open(source, os.O_PATH | os.O_CLOEXEC)
    except OSError as error:
        raise SandboxError(f"{source} cannot be shown in a sandbox: {error.strerror}") from None


def _show(libc: ctypes.CDLL, at: int, descriptor: int) -> str:
    place = f"{STAGE}/{at}"
    source = f"/proc/self/fd/{descriptor}"
    if os.path.isdir(source):
        os.mkdir(place, 0o755)
    else:
        os.close(os.open(place, os.O_CREAT | os.O_CLOEXEC, 0o644))
    _mount(libc, source, place, None, _BIND | _RECURSIVE)
    return place


def _mount(libc: ctypes.CDLL, source: str, place: str, kind: str | None, flags: int, data: str = "") -> None:
    words = [word.encode() if word is not None else None for word in (source, place, kind)]
    if libc.mount(*words, ctypes.c_ulong(flags), data.encode()):
        reason = os.strerror(ctypes.get_errno())
        raise SandboxError(f"{place} could not be prepared for a sandbox: {reason}")
