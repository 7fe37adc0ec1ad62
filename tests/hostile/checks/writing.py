"""What code in a sandbox would like to change, and the ways out of its work layer."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nightmend.errors import NightmendError
from nightmend.sandboxes.owner import SANDBOX_ID
from nightmend.sandboxes.protocol import Bind, Sandbox
from nightmend.settings import SandboxSettings
from nightmend.workspace import sandbox_folder
from tests.hostile.check import Check, UnprovedError, confined, program
from tests.hostile.checks.reading import another_sandbox, secret_file
from tests.hostile.scene import Scene

FILES = {"code.py": "before\n", "package/code.py": "before\n"}


@contextmanager
def base_layer(scene: Scene) -> Iterator[None]:
    """Plant a base layer; outside, the attack meets a plain copy of it."""
    shutil.rmtree(scene.folder / "lower", ignore_errors=True)
    lower = scene.tree(FILES)
    scene.given = {"inside": ".", "outside": str(lower)}
    yield


def base_is_whole(scene: Scene) -> bool:
    lower = scene.folder / "lower"
    return {str(f.relative_to(lower)): f.read_text() for f in lower.rglob("*") if f.is_file()} == FILES


CHANGES = "os.chdir(given.outside if os.path.isdir(given.outside) else given.inside)\n"
"""Outside the base layer itself, inside what the sandbox shows of it."""


@contextmanager
def bound_folder(scene: Scene) -> Iterator[None]:
    """Show a folder in the sandbox, as the interpreter's is shown, with every right for everyone."""
    shutil.rmtree(scene.folder / "bound", ignore_errors=True)
    folder = scene.open_folder("bound")
    (folder / "file").write_text("before")
    (folder / "file").chmod(0o666)
    scene.spec["binds"] = (Bind(host=str(folder), inside=str(folder)),)
    scene.given = {"folder": str(folder), "token": scene.token}
    yield


def bound_is_whole(scene: Scene) -> bool:
    folder = scene.folder / "bound"
    return [f.name for f in folder.iterdir()] == ["file"] and (folder / "file").read_text() == "before"


@contextmanager
def open_folder(scene: Scene) -> Iterator[None]:
    scene.given = {"folder": str(scene.open_folder("open")), "name": "written"}
    yield


def planted_by(scene: Scene, source: str) -> Sandbox:
    """Run an attack in a sandbox where it may do all that it likes."""
    box = scene.box()
    seen = scene.inside(source, box=box)
    assert seen.worked, seen
    return box


LINK = "os.symlink(given.path, 'link'); os.mkdir('way'); os.symlink(os.path.dirname(given.path), 'way/in')"
ROUTES = ("link", "way/in/secret")


def proves_links(scene: Scene) -> bool:
    """Whoever opens the paths as they stand reads the secret."""
    place = scene.open_folder("naive")
    assert scene.outside(LINK, cwd=place).worked
    return all((place / route).read_text() == scene.token for route in ROUTES)


def reads_no_link(scene: Scene) -> None:
    box = planted_by(scene, LINK)
    collected = scene.folder / "collected"
    box.collect(collected)
    assert [place for place in collected.rglob("*") if not place.is_symlink()] == [collected / "way"]
    for route in ROUTES:
        refused_by(lambda route=route: box.read(route))  # type: ignore[misc]
        refused_by(lambda route=route: box.write(route, b"changed"))  # type: ignore[misc]
    assert Path(str(scene.given["path"])).read_text() == scene.token


def refused_by(act: object) -> None:
    try:
        act()  # type: ignore[operator]
    except NightmendError:
        return
    raise AssertionError("a link was followed")


SWAP = """
import time
os.mkdir("real")
open("real/secret", "w").write("harmless")
os.symlink(os.path.dirname(given.path), "link")
os.rename("real", "folder")
until = time.monotonic() + given.seconds
while time.monotonic() < until:
    os.rename("folder", "real"); os.rename("link", "folder")
    os.rename("folder", "link"); os.rename("real", "folder")
"""


@contextmanager
def swapping(scene: Scene) -> Iterator[None]:
    scene.given = {"path": str(scene.secret()), "seconds": 1.0}
    yield


def proves_swap(scene: Scene) -> bool:
    """Whoever looks first and opens then reads the secret, sooner or later."""
    place = scene.open_folder("naive")
    thread = threading.Thread(target=scene.outside, args=(SWAP,), kwargs={"cwd": place})
    thread.start()
    seen = set()
    while thread.is_alive():
        try:
            if not (place / "folder").is_symlink():
                seen.add((place / "folder" / "secret").read_text())
        except OSError:
            continue
    return scene.token in seen


def reads_no_swapped_folder(scene: Scene) -> None:
    """Read and write while the folder is swapped, which waits, and after."""
    box = scene.box()
    thread = threading.Thread(target=scene.inside, args=(SWAP,), kwargs={"box": box})
    thread.start()
    rounds = 0
    while thread.is_alive() or not rounds:
        rounds += 1
        try:
            assert box.read("folder/secret") in {b"harmless", b"changed"}
            box.write("folder/secret", b"changed")
            box.collect(scene.folder / f"collected-{rounds}")
        except (NightmendError, OSError):
            continue
    thread.join()
    taken = [place for place in scene.folder.glob("collected-*/**/*") if place.is_file()]
    assert all(place.is_symlink() or place.read_text() != scene.token for place in taken)
    assert not any((place.parent).is_symlink() for place in taken)
    assert Path(str(scene.given["path"])).read_text() == scene.token


FARM = """
os.makedirs("a/b")
os.symlink(given.folder, "a/out")
os.symlink(given.folder, "a/b/out")
os.symlink("/", "root")
"""


def proves_farm(scene: Scene) -> bool:
    """Whoever removes what lies behind links removes the host's files."""
    place = scene.open_folder("naive")
    assert scene.outside(FARM, cwd=place).worked
    (place / "root").unlink()
    for folder, _, files in os.walk(place, followlinks=True):
        for name in files:
            os.unlink(os.path.join(folder, name))
    return not (scene.folder / "open" / "kept").exists()


def clears_no_farm(scene: Scene) -> None:
    kept = scene.folder / "open" / "kept"
    kept.write_text("kept")
    box = planted_by(scene, FARM)
    box.close()
    assert kept.read_text() == "kept"
    assert not box.path.exists()


@contextmanager
def farm(scene: Scene) -> Iterator[None]:
    folder = scene.open_folder("open")
    (folder / "kept").write_text("kept")
    scene.given = {"folder": str(folder)}
    yield


ENOUGH = 1500
"""Levels that a plain removal already fails at."""
DEEP = """
sys.setrecursionlimit(10 ** 6)
for _ in range(given.depth): os.mkdir("d"); os.chdir("d")
open("leaf", "w").close()
"""
LOCKED = """
os.mkdir("tree"); os.chdir("tree"); os.makedirs("closed/inner")
open("closed/inner/file", "w").close()
os.mkdir("blind"); open("blind/file", "w").close()
for place in ("closed/inner/file", "closed"): os.chmod(place, 0)
for place in ("blind", "."): os.chmod(place, 0o300)
"""
NAMES = """
for name in (b"new\\nline", b"-rf", b"\\xff\\xfe", b" ", b"$(touch x)", b"a" * 255, b"\\x1b[31m"):
    os.mkdir(name); open(name + b"/" + name, "w").close()
os.mkfifo("pipe"); os.symlink("loop", "loop")
"""


def plain_removal_fails(source: str, as_sandbox: bool = True) -> object:
    """Prove that a plain recursive removal, as the owner, leaves something of it."""

    def prove(scene: Scene) -> bool:
        place = scene.open_folder("naive")
        scene.given = {"place": str(place), "depth": ENOUGH}
        if not scene.outside(source, cwd=place, as_sandbox=as_sandbox).worked:
            raise UnprovedError("nothing was planted")
        removal = (
            "import shutil\nfor name in os.listdir(given.place): shutil.rmtree(given.place + '/' + name)"
        )
        failed = not scene.outside(removal, as_sandbox=as_sandbox).worked
        subprocess.run(["chmod", "-R", "u+rwX", str(place)], check=True)
        subprocess.run(["rm", "-rf", str(place)], check=True)
        return failed

    return prove


def removed_whole(source: str) -> object:
    def attack(scene: Scene) -> None:
        scene.given = {"depth": 5000}
        box = planted_by(scene, source)
        began = time.monotonic()
        box.close()
        assert not box.path.exists()
        assert list(box.path.parent.iterdir()) == []
        assert time.monotonic() - began < 120

    return attack


def removal(name: str, tries: str, source: str, prove: object) -> Check:
    return Check(name, tries, "all of it is removed", prove, removed_whole(source))  # type: ignore[arg-type]


def names_mislead(scene: Scene) -> bool:
    """Whoever reads names line by line meets some that do not exist."""
    place = scene.open_folder("naive")
    if not scene.outside(NAMES, cwd=place).worked:
        raise UnprovedError("nothing was planted")
    lines = subprocess.check_output(["find", str(place)]).split(b"\n")
    return not all(os.path.lexists(line) for line in lines if line)


SETUID = """
import shutil
shutil.copy("/usr/bin/id", "id"); os.chmod("id", 0o6755)
"""
NOBODY = 65534


def as_nobody(command: str) -> bytes:
    """Return what another user of the host is told, nothing where that cannot be started."""
    try:
        return subprocess.check_output([command, "-u"], user=NOBODY, group=NOBODY, extra_groups=[], cwd="/")
    except (OSError, subprocess.CalledProcessError):
        return b""


def proves_setuid(scene: Scene) -> bool:
    place = scene.open_folder("naive")
    assert scene.outside(SETUID, cwd=place, as_sandbox=True).worked
    return as_nobody(f"{place}/id").strip() == str(SANDBOX_ID).encode()


def leaves_nothing_for_others(scene: Scene) -> None:
    """Where sandboxes of a night lie, no other user finds a program."""
    settings = SandboxSettings(base_directory=scene.open_folder("boxes") / "agent_sandboxes")
    scene.spec["base_directory"] = str(sandbox_folder(settings))
    box = planted_by(scene, SETUID)
    assert [as_nobody(str(place)) for place in box.path.rglob("id")] in ([b""], [])


CHECKS = (
    program(
        "write-outside",
        "writes into a folder of the host that everyone may write to",
        "open(os.path.join(given.folder, given.name), 'w').write('x')",
        plant=open_folder,
        after=lambda scene, _: (scene.folder / "open" / "written").unlink(),  # the one of the proof
    ),
    program(
        "kernel-settings",
        "opens `core_pattern` and every other setting below `/proc/sys` for writing",
        """
opened = []
for folder, _, names in os.walk("/proc/sys"):
    for name in names:
        try: os.close(os.open(os.path.join(folder, name), os.O_WRONLY)); opened.append(name)
        except OSError: continue
if "core_pattern" not in opened and not opened: raise LookupError("none can be written")
""",
        only_root="no kernel setting can be written by an ordinary user, in a sandbox or not",
    ),
    program(
        "last-to-die",
        "would rather have the kernel end others when the machine runs out of memory",
        "if int(open('/proc/self/oom_score_adj').read()) >= 1000: raise LookupError('we go first')",
        holds="it is the first to be ended",
    ),
    confined(
        "base-layer",
        "changes, replaces, renames and deletes files of the base layer",
        CHANGES
        + """
open("code.py", "w").write("after")
import shutil
shutil.move("package", "other")
os.unlink("other/code.py")
os.chmod(".", 0o777)
""",
        holds="the base layer is as it was",
        plant=base_layer,
        unharmed=base_is_whole,
    ),
    confined(
        "base-layer-mapped",
        "writes to the base layer through hard links and shared mappings",
        CHANGES
        + """
import mmap
os.link("code.py", "linked")
with open("linked", "r+b") as file, mmap.mmap(file.fileno(), 0) as memory: memory[:6] = b"after!"
with open("package/code.py", "r+b") as file: os.ftruncate(file.fileno(), 0)
""",
        holds="the base layer is as it was",
        plant=base_layer,
        unharmed=base_is_whole,
    ),
    confined(
        "shown-folders",
        "writes to a folder that is shown to it, such as the interpreter's",
        """
done = 0
for attempt in ("open(given.folder + '/new', 'w')", "open(given.folder + '/file', 'w')",
                "os.link(given.folder + '/file', given.folder + '/linked')"):
    try: eval(attempt); done += 1
    except OSError: continue
if not done: raise LookupError("nothing could be changed")
""",
        holds="the folder is as it was",
        plant=bound_folder,
        unharmed=bound_is_whole,
        works_inside=False,
    ),
    program(
        "hard-link",
        "makes a hard link of a file of the host, to write through it",
        """
for place in ("stolen", given.folder + "/stolen", "/tmp/stolen-" + given.token):
    try: os.link(given.folder + "/file", place); os.unlink(place); break
    except OSError: continue
else: raise LookupError("no link could be made")
""",
        plant=bound_folder,
    ),
    program(
        "write-to-another-sandbox",
        "writes to a file of another sandbox, where that lies on the host",
        "open(given.path, 'a').close()",
        plant=another_sandbox,
    ),
    Check(
        "symbolic-link",
        "leaves links to files and folders of the host for us to read, write or collect through",
        "no link is followed, the host's file is as it was",
        proves_links,
        reads_no_link,
        plant=secret_file,
    ),
    Check(
        "swapped-folder",
        "swaps a folder for a link and back while we read, write and collect it",
        "never the host's file, which is as it was",
        proves_swap,
        reads_no_swapped_folder,
        plant=swapping,
    ),
    Check(
        "links-in-the-way-of-removal",
        "leaves links to folders of the host for us to remove things behind",
        "only the links are removed",
        proves_farm,
        clears_no_farm,
        plant=farm,
    ),
    removal("deep-tree", "leaves 5,000 folders in each other", DEEP, plain_removal_fails(DEEP)),
    removal(
        "locked-tree", "leaves folders that nobody may enter or change", LOCKED, plain_removal_fails(LOCKED)
    ),
    removal("odd-names", "leaves names with newlines, control characters, no UTF-8", NAMES, names_mislead),
    Check(
        "setuid-for-others",
        "leaves a program for other users of the host that gives them its own rights",
        "no other user reaches it",
        proves_setuid,
        leaves_nothing_for_others,
        only_root="only root can show what another user reaches",
    ),
)
