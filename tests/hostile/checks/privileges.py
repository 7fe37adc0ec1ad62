"""Power over other processes and over the kernel."""

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nightmend.sandboxes.owner import sandbox_owner
from tests.hostile.check import Check, UnprovedError, program
from tests.hostile.checks.network import LIBC
from tests.hostile.checks.reading import started
from tests.hostile.scene import Outcome, Scene

ARM = platform.machine() == "aarch64"
CALL = (
    LIBC
    + """
libc.syscall.restype = ctypes.c_long
libc.syscall(*map(ctypes.c_long, {arguments}))
name = __import__("errno").errorcode.get(ctypes.get_errno(), "")
if name in ("EPERM", "ENOSYS"): raise OSError(name)
"""
)
USERS_TOO = "an ordinary user may not, in a sandbox or not"


def call(
    name: str, tries: str, numbers: tuple[int, int], arguments: str, answer: str, only_root: str = ""
) -> Check:
    """Make a check of one system call, with arguments that do no harm: outside the kernel looks at them."""
    source = CALL.format(arguments=f"({numbers[ARM]}, {arguments})")
    return program(
        name, tries, source, holds=f"it fails with {answer}", because=rf"\bOSError .*{answer}",
        only_root=only_root, cannot=lambda: missing(name, source),
    )  # fmt: skip


def missing(name: str, source: str) -> str:
    """Say that this kernel was built without a call."""
    code = f"import os\n{source.replace('raise OSError(name)', 'print(name)')}"
    said = subprocess.check_output([sys.executable, "-I", "-S", "-c", code], text=True)
    return f"this kernel has no {name}" if said.strip() == "ENOSYS" else ""


@contextmanager
def victim(scene: Scene) -> Iterator[None]:
    """Start a process of the host that the user of the sandboxes may end."""
    owner = sandbox_owner()
    rights: dict[str, object] = {"user": owner[0], "group": owner[1], "extra_groups": []} if owner else {}
    with started(scene, **rights) as process:
        yield
        assert process.poll() is None, "a process of the host was ended"


@contextmanager
def own_user(scene: Scene) -> Iterator[None]:
    scene.given = {"ours": os.geteuid(), "setuid": setuid_program()}
    yield


def setuid_program() -> str:
    places = ("/usr/bin/su", "/bin/su", "/usr/bin/passwd", "/usr/bin/newgrp", "/usr/bin/mount")
    return next((place for place in places if is_setuid(Path(place))), "")


def is_setuid(place: Path) -> bool:
    return place.exists() and place.stat().st_uid == 0 and bool(place.stat().st_mode & 0o4000)


MACHINE_CODE = """
import ctypes, mmap
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(bytes.fromhex("b814000000cd80c3"))  # mov eax, 20; int 0x80; ret: getpid as on i386
number = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
if number != os.getpid(): raise LookupError("no such interface")
"""


def killed_for_it(scene: Scene) -> None:
    seen = scene.inside(MACHINE_CODE)
    assert seen.began
    assert not seen.worked
    assert seen.code == 159, seen  # by SIGSYS


KILL_ALL = """
import signal, subprocess, time
with subprocess.Popen(["sleep", "60"], start_new_session=True) as own:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.kill(-1, signal.SIGTERM)
    if own.wait() != -signal.SIGTERM: raise LookupError("nobody was ended")
"""


def kills_its_own(scene: Scene) -> bool:
    """Outside it would end everything of the user; that it works is shown inside, and that it may, here."""
    allowed = "os.kill(given.victim, 0)"
    if not scene.outside(allowed, as_sandbox=True).worked:
        raise UnprovedError("the process of the host could not have been ended")
    return scene.inside(KILL_ALL).worked


def kills_only_its_own(scene: Scene) -> None:
    seen = scene.inside(KILL_ALL)
    assert seen.worked, seen
    os.kill(int(str(scene.given["victim"])), 0)  # and `victim` asserts that it lives


def no_foreign_code(_: Scene, seen: Outcome) -> None:
    assert "ENOSYS" in seen.refused, seen


CHECKS = (
    program(
        "kill",
        "ends a process of the host",
        "os.kill(given.victim, 0)",
        plant=victim,
        as_sandbox=True,
    ),
    Check(
        "kill-everything",
        "ends every process that it may (`kill -1`)",
        "only its own are ended",
        kills_its_own,
        kills_only_its_own,
        plant=victim,
    ),
    program(
        "trace-the-host",
        "attaches to a process of the host as a debugger",
        LIBC
        + """
checked(libc.ptrace(16, given.victim, None, None))
os.waitpid(given.victim, 0x40000000)
checked(libc.ptrace(17, given.victim, None, None))
""",
        plant=victim,
        as_sandbox=True,
    ),
    program(
        "memory-of-the-host",
        "opens the memory of a process of the host",
        "os.close(os.open(f'/proc/{given.victim}/mem', os.O_RDWR))",
        plant=victim,
        as_sandbox=True,
    ),
    program(
        "setuid",
        "gets root's rights from a setuid program such as `su`",
        """
import subprocess, time
pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
with subprocess.Popen([given.setuid], **pipes) as started:
    try:
        until = time.monotonic() + 1
        while time.monotonic() < until:
            lines = open(f"/proc/{started.pid}/status").read().splitlines()
            if next(line.split()[2] for line in lines if line.startswith("Uid:")) == "0": break
        else: raise LookupError("it is not root")
    finally: started.kill()
""",
        because=r"\b(OSError|LookupError|StopIteration)\b",
        plant=own_user,
        as_sandbox=True,
        cannot=lambda: "" if setuid_program() else "there is no setuid program here",
    ),
    program(
        "capabilities",
        "has rights of root, or gets them from a program that it starts",
        """
for line in open("/proc/self/status"):
    name, _, value = line.partition(":")
    if name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb") and int(value, 16): break
    if name == "NoNewPrivs" and value.strip() != "1": break
else: raise LookupError("no rights, and none to be had")
""",
        holds="it has no capability, and can never get one",
    ),
    program(
        "namespaces",
        "makes namespaces of its own, in which it is root",
        LIBC
        + """
pid = os.fork()
if not pid: os._exit(libc.unshare(0x10000000) != 0)
if os.waitpid(pid, 0)[1]: raise OSError("refused")
""",
    ),
    program(
        "namespace-by-clone",
        "makes a namespace as it starts a process (`clone`)",
        LIBC
        + """
libc.syscall.restype = ctypes.c_long
CLONE, SIGCHLD = (220 if os.uname().machine == "aarch64" else 56), 17
pid = checked(libc.syscall(*map(ctypes.c_long, (CLONE, 0x10000000 | SIGCHLD, 0, 0, 0, 0))))
if not pid: os._exit(0)
os.waitpid(pid, 0)
""",
    ),
    program(
        "terminal",
        "types into the terminal that it was started from (`TIOCSTI`)",
        """
import fcntl, pty, termios
_, terminal = pty.openpty()
if os.fork() == 0:
    try:
        os.setsid(); fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
        fcntl.ioctl(terminal, termios.TIOCSTI, b"x")
    except OSError: os._exit(1)
    os._exit(0)
if os.wait()[1]: raise OSError("refused")
""",
        cannot=lambda: (
            "" if terminals_can_be_typed_into() else "this kernel lets nobody type into a terminal"
        ),
    ),
    program(
        "devices-of-its-own",
        "makes a device file of the machine's disk or memory",
        "os.mknod('node', 0o20600, os.makedev(1, 3)); os.unlink('node')",
        only_root=USERS_TOO,
    ),
    call("mount", "mounts something", (165, 40), "0, 0, 0, 0, 0", "EPERM"),
    call("new-mount-calls", "mounts by the newer calls", (428, 428), "-1, 0, 0", "EPERM"),
    call("chroot", "changes its root", (161, 51), "0", "EPERM"),
    call("clone3", "hides its flags in memory", (435, 435), "0, 0", "ENOSYS"),
    call("keyctl", "asks the keyrings of the session", (250, 219), "0, -3, 1", "ENOSYS"),
    call("bpf", "loads programs into the kernel", (321, 280), "99, 0, 0", "EPERM"),
    call("userfaultfd", "halts the kernel in the middle of a copy", (323, 282), "1", "ENOSYS"),
    call("io_uring", "has calls made past the filter", (425, 425), "0, 0", "ENOSYS"),
    call("perf", "measures other processes and the kernel", (298, 241), "0, 0, -1, -1, 0", "EPERM"),
    call("open_by_handle_at", "opens files by number, past all mounts", (304, 265), "-100, 0, 0", "EPERM"),
    call("ptrace", "debugs even its own processes", (101, 117), "16, 0, 0, 0", "EPERM"),
    call("process_vm_readv", "reads another process's memory", (310, 270), "0, 0, 0, 0, 0, 0", "EPERM"),
    call("outliving-us", "unties its end from ours (`PR_SET_PDEATHSIG`)", (157, 167), "1, 0", "EPERM"),
    call("kernel-log", "reads the log of the kernel", (103, 116), "10, 0, 0", "EPERM", USERS_TOO),
    call("reboot", "restarts the machine", (169, 142), "0, 0, 0, 0", "EPERM", USERS_TOO),
    call("swap", "changes swap space", (167, 224), "0, 0", "EPERM", USERS_TOO),
    call("watch-all-files", "watches every file opened on the host", (300, 262), "0, 0", "EPERM", USERS_TOO),
    Check(
        "calls-of-32-bit",
        "makes calls of the 32-bit interface, which have other numbers",
        "it is ended",
        lambda scene: scene.outside(MACHINE_CODE).worked,
        killed_for_it,
        cannot=lambda: "" if platform.machine() == "x86_64" else "there is no 32-bit interface here",
    ),
    program(
        "calls-of-x32",
        "makes calls of the x32 interface, which have other numbers",
        LIBC
        + """
libc.syscall.restype = ctypes.c_long
if libc.syscall(ctypes.c_long(0x40000000 + 39)) != os.getpid(): raise OSError("ENOSYS")
""",
        cannot=lambda: "" if has_x32() else "this kernel has no x32",
        after=no_foreign_code,
    ),
)


def terminals_can_be_typed_into() -> bool:
    setting = Path("/proc/sys/dev/tty/legacy_tiocsti")
    return not setting.exists() or setting.read_text().strip() == "1"


def has_x32() -> bool:
    source = "import ctypes, os; print(ctypes.CDLL(None).syscall(ctypes.c_long(0x40000027)) == os.getpid())"
    return subprocess.check_output([sys.executable, "-c", source]) == b"True\n"
