"""The system call filter of a sandbox: classic BPF, assembled here so that no library is needed.

Namespaces do not reach the kernel's keyrings, io_uring, userfaultfd or vsock; this filter does. Each
refused call fails as it would on a kernel without it, so that programs take their fallback.
"""

import errno
import platform
import socket
import struct
from typing import NamedTuple

from nightmend.errors import PrerequisiteError


class Refused(NamedTuple):
    """One system call: its number on each architecture (None: it has none there), and its error."""

    name: str
    x86_64: int | None
    aarch64: int | None
    error: int = errno.EPERM


REFUSED = (
    Refused("add_key", 248, 217, errno.ENOSYS),
    Refused("request_key", 249, 218, errno.ENOSYS),
    Refused("keyctl", 250, 219, errno.ENOSYS),
    Refused("io_uring_setup", 425, 425, errno.ENOSYS),
    Refused("io_uring_enter", 426, 426, errno.ENOSYS),
    Refused("io_uring_register", 427, 427, errno.ENOSYS),
    Refused("userfaultfd", 323, 282, errno.ENOSYS),
    Refused("clone3", 435, 435, errno.ENOSYS),  # its flags lie behind a pointer: libc falls back to clone
    Refused("bpf", 321, 280),
    Refused("perf_event_open", 298, 241),
    Refused("ptrace", 101, 117),
    Refused("process_vm_readv", 310, 270),
    Refused("process_vm_writev", 311, 271),
    Refused("kcmp", 312, 272),
    Refused("mount", 165, 40),
    Refused("umount2", 166, 39),
    Refused("pivot_root", 155, 41),
    Refused("chroot", 161, 51),
    Refused("open_tree", 428, 428),
    Refused("move_mount", 429, 429),
    Refused("fsopen", 430, 430),
    Refused("fsconfig", 431, 431),
    Refused("fsmount", 432, 432),
    Refused("fspick", 433, 433),
    Refused("mount_setattr", 442, 442),
    Refused("open_tree_attr", 467, 467),
    Refused("unshare", 272, 97),
    Refused("setns", 308, 268),
    Refused("open_by_handle_at", 304, 265),
    Refused("fanotify_init", 300, 262),
    Refused("quotactl", 179, 60),
    Refused("quotactl_fd", 443, 443),
    Refused("swapon", 167, 224),
    Refused("swapoff", 168, 225),
    Refused("acct", 163, 89),
    Refused("syslog", 103, 116),
    Refused("reboot", 169, 142),
    Refused("init_module", 175, 105),
    Refused("finit_module", 313, 273),
    Refused("delete_module", 176, 106),
    Refused("kexec_load", 246, 104),
    Refused("kexec_file_load", 320, 294),
    Refused("iopl", 172, None),
    Refused("ioperm", 173, None),
)
HIDDEN_MEMORY = (
    Refused("memfd_create", 319, 279, errno.ENOSYS),
    Refused("memfd_secret", 447, 447, errno.ENOSYS),
    Refused("shmget", 29, 194, errno.ENOSYS),
)
"""Memory that belongs to no process: refused where memory is counted process by process."""
NEWEST = 470
"""Later calls are unknown to this table, so they do not exist."""
_NETLINK = 16  # libc lists addresses by it


class Checked(NamedTuple):
    """A system call refused by one argument: not `allowed`, or `refused`, or with one of `bits`."""

    name: str
    x86_64: int
    aarch64: int
    argument: int
    error: int
    allowed: tuple[int, ...] = ()
    refused: tuple[int, ...] = ()
    bits: int = 0


NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, _NETLINK)
CHECKED = (
    Checked("socket", 41, 198, 0, errno.EAFNOSUPPORT, allowed=FAMILIES),
    Checked(
        "ioctl", 16, 29, 1, errno.EPERM, refused=(0x5412, 0x541C)
    ),  # TIOCSTI, TIOCLINUX: typing for others
    Checked("clone", 56, 220, 0, errno.EPERM, bits=NAMESPACES),
    Checked("prctl", 157, 167, 0, errno.EPERM, refused=(1,)),  # PR_SET_PDEATHSIG: it could outlive us
)

_AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_LOAD, _EQUAL, _ABOVE, _ANY_BIT, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
_ALLOW, _ERROR, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16


def seccomp_filter(*, hidden_memory: bool, machine: str | None = None) -> bytes:
    """Return the filter as an array of struct sock_filter; `hidden_memory` says whether to allow it."""
    machine = machine or platform.machine()
    if machine not in _AUDIT:
        raise PrerequisiteError(f"sandboxes need an x86_64 or aarch64 machine, this one is {machine!r}")
    code = [
        _step(_LOAD, _ARCH),
        _step(_EQUAL, _AUDIT[machine], skip_if=1),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER),
        _step(_ABOVE, NEWEST, skip_else=1),
        _step(_RETURN, _ERROR | errno.ENOSYS),  # so are the numbers of the x32 interface
    ]
    for refused in REFUSED + (() if hidden_memory else HIDDEN_MEMORY):
        number = getattr(refused, machine)
        if number is not None:
            code += [_step(_EQUAL, number, skip_else=1), _step(_RETURN, _ERROR | refused.error)]
    for checked in CHECKED:
        code += _check(getattr(checked, machine), checked)
    return b"".join([*code, _step(_RETURN, _ALLOW)])


def _check(number: int, checked: Checked) -> list[bytes]:
    """Compare the low half of the argument: the kernel takes an int there."""
    body = [_step(_LOAD, _ARGUMENTS + 8 * checked.argument)]
    if checked.allowed:
        left = len(checked.allowed)
        body += [_step(_EQUAL, value, skip_if=left - at) for at, value in enumerate(checked.allowed)]
        body.append(_step(_RETURN, _ERROR | checked.error))
    for value in checked.refused:
        body += [_step(_EQUAL, value, skip_else=1), _step(_RETURN, _ERROR | checked.error)]
    if checked.bits:
        body += [_step(_ANY_BIT, checked.bits, skip_else=1), _step(_RETURN, _ERROR | checked.error)]
    body.append(_step(_LOAD, _NUMBER))
    return [_step(_EQUAL, number, skip_else=len(body)), *body]


def _step(operation: int, value: int, skip_if: int = 0, skip_else: int = 0) -> bytes:
    return struct.pack("=HBBI", operation, skip_if, skip_else, value)
