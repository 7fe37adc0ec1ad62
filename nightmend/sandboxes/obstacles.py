"""What keeps bubblewrap from running here, told apart so that each gets its own cure."""

import errno
import os
import platform
import subprocess
import sys
from pathlib import Path

from nightmend.frozen import Frozen
from nightmend.sandboxes.owner import sandbox_owner

CONTAINER_OPTIONS = " ".join(
    f"--security-opt {what}=unconfined" for what in ("seccomp", "apparmor", "systempaths")
)
_SETTINGS = Path("/proc/sys")
_MARKS = ("/.dockerenv", "/run/.containerenv")
_ASK = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
for user in sys.argv[1:]:
    os.setgroups([])
    os.setresgid(*[int(user)] * 3)
    os.setresuid(*[int(user)] * 3)
sys.exit(ctypes.get_errno() if libc.unshare(0x10000000) else 0)
"""


class Surroundings(Frozen):
    """What a kernel, its administrator and a container around us allow."""

    system: str
    """As `platform.system` says."""
    in_container: bool = False
    unshare_error: int = 0
    """What an attempt to make a user namespace came to: an errno, 0 where it worked."""
    max_user_namespaces: int | None = None
    """Settings of the kernel; None where this one has no such."""
    unprivileged_userns_clone: int | None = None
    apparmor_restricts: int | None = None


def surroundings() -> Surroundings:
    """Look, and try."""
    system = platform.system()
    if system != "Linux":
        return Surroundings(system=system)
    return Surroundings(
        system=system,
        in_container=any(map(os.path.exists, _MARKS)) or "container" in os.environ,
        unshare_error=_unshare_error(),
        max_user_namespaces=_setting("user/max_user_namespaces"),
        unprivileged_userns_clone=_setting("kernel/unprivileged_userns_clone"),
        apparmor_restricts=_setting("kernel/apparmor_restrict_unprivileged_userns"),
    )


def obstacle(around: Surroundings) -> str:
    """Name what is in the way and its cure; empty where nothing known is."""
    if around.system != "Linux":
        system = {"Darwin": "macOS"}.get(around.system, around.system)
        return (
            f"sandboxes need Linux, and this is {system}: use Docker, and run the whole night in a Linux"
            " container there (README, `Docker`)"
        )
    if around.unprivileged_userns_clone == 0:
        return "the kernel keeps user namespaces to root: `sysctl kernel.unprivileged_userns_clone=1`"
    if around.max_user_namespaces == 0 or around.unshare_error == errno.ENOSPC:
        return (
            f"no more user namespaces are allowed here (user.max_user_namespaces is"
            f" {around.max_user_namespaces}): `sysctl user.max_user_namespaces=15000`, outside of any sandbox"
        )
    if around.unshare_error and around.in_container:
        return f"this container forbids `unshare`: start it with {CONTAINER_OPTIONS}"
    if around.apparmor_restricts:
        return (
            "AppArmor keeps user namespaces from ordinary programs, as Ubuntu does since 24.04: `sysctl"
            " kernel.apparmor_restrict_unprivileged_userns=0`, or a profile that allows `userns` to bwrap"
        )
    if around.unshare_error:
        reason = os.strerror(around.unshare_error)
        return f"a policy of this machine forbids user namespaces ({reason}): allow them, or use Docker"
    if around.in_container:
        return f"this container hides parts of /proc: start it with {CONTAINER_OPTIONS}"
    return ""


def _unshare_error() -> int:
    """Let a child try, as the user that sandboxes run as."""
    owner = sandbox_owner()
    command = [sys.executable, "-I", "-S", "-c", _ASK, *(str(user) for user in (owner or ())[:1])]
    return subprocess.run(command, cwd="/", capture_output=True, timeout=60, check=False).returncode


def _setting(name: str) -> int | None:
    try:
        return int((_SETTINGS / name).read_text())
    except (OSError, ValueError):
        return None
