"""What code in a sandbox would like to read."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.hostile.check import program
from tests.hostile.scene import Scene

FIND = """
def look(*patterns):
    import glob
    for pattern in patterns:
        for name in glob.glob(pattern):
            try:
                with open(name, "rb") as file:
                    if given.token.encode() in file.read(1 << 20): return
            except OSError: continue
    raise LookupError("the secret is nowhere to be seen")
"""


@contextmanager
def secret_file(scene: Scene) -> Iterator[None]:
    scene.given = {"token": scene.token, "path": str(scene.secret())}
    yield


@contextmanager
def fake_home(scene: Scene) -> Iterator[None]:
    keys = scene.open_folder("home") / ".ssh"
    keys.mkdir()
    (keys / "id_ed25519").write_text(scene.token)
    scene.given = {"home": str(keys.parent), "real": str(Path.home())}
    yield


@contextmanager
def folders_of_the_host(scene: Scene) -> Iterator[None]:
    """Name folders that hold something here, and what stands there inside on the way to the interpreter."""
    box = scene.box()
    shown = [folder for bind in box.spec.binds for folder in Path(bind.inside).parents]
    shown += [Path(bind.inside) for bind in box.spec.binds]
    scene.given = {
        "folders": [str(Path.home()), "/root", "/home", "/sys", "/var", "/run", "/opt", "/boot"],
        "shown": [folder.name for folder in shown],
    }
    yield


@contextmanager
def secret_variable(scene: Scene) -> Iterator[None]:
    """Give ourselves a variable, and a process of the host another one like it."""
    scene.given = {"token": scene.token}
    os.environ["NIGHTMEND_HOSTILE"] = scene.token
    try:
        with started(scene, "environment"):
            yield
    finally:
        del os.environ["NIGHTMEND_HOSTILE"]


@contextmanager
def started(scene: Scene, *words: str, **options: object) -> Iterator["subprocess.Popen[bytes]"]:
    """Keep a process of the host alive, with the token on its command line."""
    command = ["sh", "-c", 'read -r _; exit "$#"', "sh", *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, **options) as process:  # type: ignore[call-overload]
        try:
            scene.given = {**scene.given, "token": scene.token, "victim": process.pid}
            yield process
        finally:
            process.kill()


@contextmanager
def process_with_a_secret(scene: Scene) -> Iterator[None]:
    with started(scene, scene.token):
        yield


@contextmanager
def inheritable_descriptor(scene: Scene) -> Iterator[None]:
    scene.given = {"token": scene.token}
    with scene.secret().open("rb") as file:
        os.set_inheritable(file.fileno(), True)
        yield


@contextmanager
def another_sandbox(scene: Scene) -> Iterator[None]:
    box = scene.box()
    box.write("mine.txt", scene.token.encode())
    found = next(iter(box.path.rglob("mine.txt")), None)
    scene.given = {"token": scene.token, "path": str(found or scene.secret())}
    yield


@contextmanager
def posix_memory(scene: Scene) -> Iterator[None]:
    place = Path("/dev/shm", f"hostile-{scene.token}")
    place.write_text(scene.token)
    place.chmod(0o666)
    scene.given = {"token": scene.token, "path": str(place)}
    try:
        yield
    finally:
        place.unlink()


CHECKS = (
    program(
        "shadow",
        "reads `/etc/shadow` and the keys of the SSH server",
        """
import glob
if not [name for name in ("/etc/shadow", "/etc/gshadow", *glob.glob("/etc/ssh/*")) if os.stat(name).st_size]:
    raise LookupError("no passwords")
""",
    ),
    program(
        "ssh-keys",
        "reads `~/.ssh` of whoever started the night",
        """
if os.listdir(given.real) is None: raise LookupError
if not open(given.home + "/.ssh/id_ed25519").read(): raise LookupError("empty")
""",
        plant=fake_home,
    ),
    program(
        "folders-of-the-host",
        "lists home, `/root`, `/var`, `/run`, `/sys`, `/opt`",
        """
found = []
for folder in given.folders:
    try: found += set(os.listdir(folder)) - set(given.shown)
    except OSError: continue
if not found: raise LookupError("nothing but the way to the interpreter")
""",
        plant=folders_of_the_host,
    ),
    program(
        "file-of-the-host",
        "opens a file that everyone on the host may read, by its path",
        "assert open(given.path).read() == given.token",
        plant=secret_file,
    ),
    program(
        "root-of-process-1",
        "opens a file of the host through `/proc/*/root` and `/proc/*/cwd`",
        FIND + "look('/proc/[0-9]*/root' + given.path, '/proc/self/root' + given.path, '/proc/*/cwd/secret')",
        plant=secret_file,
    ),
    program(
        "own-environment",
        "reads our environment in its own",
        FIND + "look('/proc/self/environ')",
        plant=secret_variable,
    ),
    program(
        "environment-of-process-1",
        "reads our environment in that of process 1, and of every other process",
        FIND + "look('/proc/1/environ', '/proc/[0-9]*/environ')",
        plant=secret_variable,
    ),
    program(
        "processes-of-the-host",
        "reads the command lines of other processes",
        FIND + "look('/proc/[0-9]*/cmdline')",
        plant=process_with_a_secret,
    ),
    program(
        "inherited-descriptors",
        "reads from descriptors that we held open",
        """
for fd in range(3, 1024):
    try:
        if given.token.encode() in os.pread(fd, 1000, 0): break
    except OSError: continue
else: raise LookupError("no descriptor of ours")
""",
        plant=inheritable_descriptor,
    ),
    program(
        "files-of-another-sandbox",
        "reads a file of another sandbox, where that lies on the host",
        "assert given.token in open(given.path).read()",
        plant=another_sandbox,
    ),
    program(
        "folder-above",
        "lists the folder above its own, and climbs out of it by `..`",
        """
if not (os.access("..", os.R_OK) or os.path.exists("../" * 30 + given.path)):
    raise LookupError("nothing above")
""",
        plant=secret_file,
    ),
    program(
        "devices",
        "finds devices: disks, memory, the kernel's log, virtual machines",
        """
known = {"null", "zero", "full", "random", "urandom", "tty", "console", "pts", "ptmx", "shm", "fd", "core",
         "mqueue", "stdin", "stdout", "stderr"}  # Docker mounts the queues of its own namespace there
if not set(os.listdir("/dev")) - known: raise LookupError("only harmless devices")
""",
    ),
    program(
        "shared-memory-files",
        "reads POSIX shared memory of ours in `/dev/shm`",
        "assert given.token in open(given.path).read()",
        plant=posix_memory,
    ),
)
