"""Floods: more of everything than a sandbox may have, scaled down so that no proof does harm."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from nightmend.settings import MIB, Limits
from tests.hostile.check import Check, UnprovedError, flood
from tests.hostile.scene import Scene

FEW = Limits(processes=40, wall_seconds=20)
CHILDREN = """
import time
children = []
for _ in range({count}):
    child = os.fork()
    if not child:
        {life}
        os._exit(0)
    children.append(child)
"""
BOMB = """
import time
first, (ends, signs) = os.getpid(), os.pipe()
try:
    for _ in range(6): os.fork()
except OSError:
    if os.getpid() == first: raise
    os._exit(1)
os.write(signs, b"x")
time.sleep(0.5)
if os.getpid() != first: os._exit(0)
os.set_blocking(ends, False)
if len(os.read(ends, 1000)) < 64: raise OSError("some could not be started")
"""
FILL = """
import time
for number in range(8):
    with open("fill" + str(number), "wb") as file: file.write(b"x" * 2 ** 23)
    time.sleep(0.03)
time.sleep(0.5)
"""
SPIN = """
import time
for _ in range(2):
    if not os.fork():
        while time.process_time() < 0.8: pass
        os._exit(0)
for _ in range(2): os.wait()
"""
DEAF = """
import signal, time
for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}: signal.signal(number, signal.SIG_IGN)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT): os.kill(os.getpid(), number)
time.sleep(given.seconds)
"""
DAEMON = """
import time
if not os.fork():
    os.setsid()
    if not os.fork(): time.sleep(given.seconds)
    os._exit(0)
os.wait()
"""
INOTIFY = """
import ctypes, time
libc = ctypes.CDLL(None, use_errno=True)
while libc.inotify_init() >= 0: continue
print("full", flush=True)
time.sleep(given.seconds)
"""
CORE = """
import resource, signal
if not os.fork():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
    os.kill(os.getpid(), signal.SIGSEGV)
if not os.WCOREDUMP(os.wait()[1]): raise LookupError("no core")
"""


@contextmanager
def lasting(scene: Scene) -> Iterator[None]:
    scene.given = {"seconds": 1.0}
    yield


def for_long(scene: Scene) -> None:
    scene.given = {"seconds": 60.0}


def proves_deaf(scene: Scene) -> bool:
    return scene.outside(DEAF).worked


def ends_the_deaf(scene: Scene) -> None:
    for_long(scene)
    seen = scene.inside(DEAF, Limits(wall_seconds=0.5))
    assert (seen.began, seen.worked, seen.limit) == (True, False, "wall_seconds"), seen
    assert seen.seconds < 40


def proves_daemon(scene: Scene) -> bool:
    """Whoever waits for the output to end waits for the daemon."""
    began = time.monotonic()
    return scene.outside(DAEMON).worked and time.monotonic() - began > 0.9


def waits_for_no_daemon(scene: Scene) -> None:
    for_long(scene)
    seen = scene.inside(DAEMON)
    assert seen.worked
    assert seen.seconds < 40


FLOOD_OUTPUT = """
sys.stdout.flush()
left = given.size
while left > 0: left -= os.write(1, b"x" * 2 ** 16)
os.write(1, b"\\n")
"""


def proves_output(scene: Scene) -> bool:
    scene.given = {"size": 32 * MIB}
    return scene.inside(FLOOD_OUTPUT, Limits(output_bytes=64 * MIB)).worked


def ends_output(scene: Scene) -> None:
    scene.given = {"size": 2**30}
    seen = scene.inside(FLOOD_OUTPUT, Limits(wall_seconds=60))
    assert (seen.began, seen.worked, seen.limit) == (True, False, "output"), seen.limit
    assert seen.code != 0
    assert len(seen.said) <= 17 * MIB


def can_watch() -> bool:
    code = "import ctypes; print(ctypes.CDLL(None).inotify_init() >= 0)"
    return subprocess.check_output([sys.executable, "-c", code]) == b"True\n"


TAKEN = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
while libc.inotify_init() >= 0: continue
child = os.fork()
if not child: os._exit(libc.inotify_init() < 0)
if not os.waitpid(child, 0)[1]: raise LookupError("another process of the user still gets some")
"""


def proves_inotify(scene: Scene) -> bool:
    """All that a user may have is taken, as long as the program lives."""
    return scene.outside(TAKEN, as_sandbox=True).worked


def gives_inotify_back(scene: Scene) -> None:
    scene.given = {"seconds": 0.1}
    seen = scene.inside(INOTIFY)
    assert "full" in seen.said
    assert can_watch()
    again = scene.inside("import ctypes\nif ctypes.CDLL(None).inotify_init() < 0: raise OSError('none left')")
    assert again.worked, again


def proved_outside(check: Check, source: str) -> Check:
    """Prove a check outside, where every sandbox refuses it, or one does that cannot count such memory."""

    def prove(scene: Scene) -> bool:
        seen = scene.outside(source)
        if not seen.worked:
            raise UnprovedError(f"{check.name}: the attack does not work outside: {seen}")
        return True

    return replace(check, prove=prove)


MEMFD = """
import time
file = os.memfd_create("x")
for _ in range(200): os.write(file, b"x" * 2 ** 20)
time.sleep(0.2)
"""
DETACHED = """
import ctypes, time
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
for _ in range(4):
    memory = libc.shmget(0, 50 * 2 ** 20, 0o1600)
    if memory < 0: raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    place = libc.shmat(memory, None, 0)
    libc.shmctl(memory, 0, None)
    ctypes.memset(place, 1, 50 * 2 ** 20)
    if {detach}: libc.shmdt(ctypes.c_void_p(place))
time.sleep(0.2)
"""
SMALL = Limits(memory=96 * MIB, wall_seconds=30)
IN_MEMORY = "with open('/{folder}/x', 'wb') as file: file.write(b'x' * 5 * 2 ** 20)"

CHECKS = (
    flood(
        "fork-bomb",
        "starts processes that each start others",
        BOMB,
        limit="processes",
        tight=FEW,
    ),
    flood(
        "thread-bomb",
        "starts threads without end",
        "import threading, time\n"
        "for _ in range(60): threading.Thread(target=time.sleep, args=(0.3,)).start()",
        limit="processes",
        tight=FEW,
        because=r"\bRuntimeError .*thread",
    ),
    flood(
        "zombies",
        "starts processes that end, and never asks for them",
        CHILDREN.format(count=60, life="pass") + "time.sleep(0.1)",
        limit="processes",
        tight=FEW,
    ),
    flood(
        "memory",
        "takes memory in several processes, none of which has much",
        CHILDREN.format(count=5, life="x = b'x' * 40 * 2 ** 20; time.sleep(0.5)")
        + "for child in children:\n    if os.waitpid(child, 0)[1]: raise OSError('ended')",
        limit="memory",
        tight=SMALL,
    ),
    proved_outside(
        flood(
            "memfd",
            "takes memory that belongs to no process (`memfd_create`)",
            MEMFD,
            limit="memory",
            tight=SMALL,
        ),
        MEMFD,
    ),
    proved_outside(
        flood(
            "detached-memory",
            "takes System V shared memory that nobody is attached to",
            DETACHED.format(detach=False),
            limit="memory",
            tight=SMALL,
        ),
        DETACHED.format(detach=False),
    ),
    flood(
        "shared-memory-files-fill",
        "fills `/dev/shm`",
        IN_MEMORY.format(folder="dev/shm"),
        limit="",
        tight=Limits(tmp_bytes=2 * MIB),
    ),
    flood(
        "temporary-files-fill",
        "fills `/tmp`",
        IN_MEMORY.format(folder="tmp"),
        limit="",
        tight=Limits(tmp_bytes=2 * MIB),
    ),
    flood("disk", "fills the disk", FILL, limit="disk_bytes", tight=Limits(disk_bytes=30 * MIB)),
    flood(
        "empty-files",
        "makes more empty files than the disk has room to name",
        "import time\nfor number in range(12000): open(str(number), 'w').close()\ntime.sleep(0.5)",
        limit="disk_bytes",
        tight=Limits(disk_bytes=16 * MIB),
    ),
    flood(
        "sparse-file",
        "makes a file of 1 TB with nothing in it",
        "with open('x', 'wb') as file: file.truncate(2 ** 40)",
        limit="file_bytes",
        tight=Limits(),
        loose=Limits(file_bytes=2**41),
    ),
    Check(
        "output",
        "prints 1 GB without a newline",
        "ends as `output`; 16 MB are kept",
        proves_output,
        ends_output,
    ),
    flood(
        "open-files",
        "opens files without end",
        "files = [open('/dev/null') for _ in range(200)]",
        limit="",
        tight=Limits(open_files=64),
    ),
    Check(
        "inotify",
        "takes all watches on files that its user may have",
        "they are given back with its end; as root, nobody else missed any",
        proves_inotify,
        gives_inotify_back,
    ),
    proved_outside(
        flood("core-dump", "leaves a copy of its memory as it crashes", CORE, limit="", tight=Limits()), CORE
    ),
    flood(
        "processor",
        "keeps two processes busy that have each less than the limit",
        SPIN,
        limit="cpu_seconds",
        tight=Limits(cpu_seconds=1, wall_seconds=30),
    ),
    flood(
        "sleep",
        "sleeps past its time on the clock",
        "import time; time.sleep(1.5)",
        limit="wall_seconds",
        tight=Limits(wall_seconds=0.5),
    ),
    Check(
        "deaf",
        "ignores every signal that can be ignored",
        "ends as `wall_seconds`",
        proves_deaf,
        ends_the_deaf,
        plant=lasting,
    ),
    Check(
        "daemon",
        "leaves a process behind that holds the output open",
        "nobody waits for it, and it is ended",
        proves_daemon,
        waits_for_no_daemon,
        plant=lasting,
    ),
)
