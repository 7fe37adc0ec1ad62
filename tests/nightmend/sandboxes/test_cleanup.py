"""Nothing of a sandbox resists its removal, and a reaper takes what the dead left, and only that."""

import errno
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from nightmend.errors import SandboxError
from nightmend.sandboxes import cleanup
from nightmend.sandboxes.claims import OWNER_FILE, claim
from nightmend.sandboxes.cleanup import reap, remove_tree

ROOT = os.geteuid() == 0
FULL = """
import os, sys
from pathlib import Path
from nightmend.sandboxes.cleanup import remove_tree
top = Path(sys.argv[1])
place = top / "tree"
try:
    for outer in range(10_000):
        for inner in range(300):
            (place / str(outer) / str(inner) / "x").mkdir(parents=True)
except OSError as error:
    print(error.errno)
remove_tree(place)
print(sorted(os.listdir(top)))
"""
REMOVE = """
import sys
from pathlib import Path
from nightmend.sandboxes.claims import claim
from nightmend.sandboxes.cleanup import remove_tree
place = Path(sys.argv[1])
claim(place)
print("ready", flush=True)
sys.stdin.read(1)
remove_tree(place)
"""


@pytest.fixture
def tree(tmp_path):
    """Return an empty folder that may be made to resist."""
    place = tmp_path / "base" / "tree-0123abcd"
    place.mkdir(parents=True)
    yield place
    if ROOT:
        subprocess.run(["chattr", "-R", "-i", place], stderr=subprocess.DEVNULL, check=False)


def abandoned(place, content="content"):
    """Make a sandbox folder whose owner is dead."""
    (place / "upper").mkdir(parents=True)
    (place / "upper" / "file").write_text(content)
    os.close(claim(place))


def age(place, seconds):
    os.utime(place, (time.time() - seconds,) * 2)


@pytest.mark.parametrize("mode", [0o000, 0o400, 0o500, 0o700])
def test_a_tree_closed_at_every_level(tree, mode):
    inside = os.open(tree, os.O_RDONLY)
    levels = [inside]
    for _ in range(50):
        os.mkdir("d", dir_fd=levels[-1])
        levels.append(os.open("d", os.O_RDONLY, dir_fd=levels[-1]))
        os.close(os.open("f", os.O_CREAT, 0o000, dir_fd=levels[-1]))
    for level in reversed(levels):
        os.fchmod(level, mode)
        os.close(level)
    remove_tree(tree)
    assert not tree.exists()


@pytest.mark.integration
def test_a_tree_of_5000_levels(tree):
    inside = os.open(tree, os.O_RDONLY)
    for _ in range(5000):
        for name in ("d", "e"):
            os.mkdir(name, dir_fd=inside)
        os.close(os.open("f", os.O_CREAT, dir_fd=inside))
        deeper = os.open("d", os.O_RDONLY, dir_fd=inside)
        os.fchmod(inside, 0o000)
        os.close(inside)
        inside = deeper
    os.close(inside)
    before = len(os.listdir("/proc/self/fd"))
    remove_tree(tree)
    assert not tree.exists()
    assert len(os.listdir("/proc/self/fd")) == before


def test_names_and_links_of_every_kind(tree, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").touch()
    for name in (b"new\nline", b"\xff\xfe", b"-rf", b"*", b" ", b"x" * 255, b"...", b"\x01"):
        os.mkdir(os.fsencode(tree) + b"/" + name)
        with open(os.fsencode(tree) + b"/" + name + b"/f" + name[:250], "wb"):
            pass
    (tree / "link").symlink_to(outside)
    (tree / "loop").symlink_to("loop")
    (tree / OWNER_FILE).mkdir()
    os.mkfifo(tree / "pipe")
    remove_tree(tree)
    assert not tree.exists()
    assert os.listdir(outside) == ["file"]


def test_removing_what_is_not_there(tmp_path):
    remove_tree(tmp_path / "missing")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.integration
@pytest.mark.skipif(not ROOT, reason="only root mounts a small file system")
def test_a_full_disk_keeps_nothing(tmp_path):
    """A folder that must grow to take another one cannot, there."""
    image, place = tmp_path / "image", tmp_path / "place"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(16 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", "-N", "16384", image], check=True)
    script = 'mount -o loop "$1" "$2" && cd / && exec "$3" -c "$4" "$2"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", image, place, sys.executable, FULL],
        capture_output=True,
        text=True,
        check=False,
    )
    if "mount:" in done.stderr:
        pytest.skip(f"no small file system can be mounted here: {done.stderr.strip()}")
    assert done.stdout.split("\n")[:2] == [str(errno.ENOSPC), "['lost+found']"], done.stderr


def test_what_is_still_written_for_a_moment(tree):
    """The processes of a killed night may write a little longer than it lived."""
    written = threading.Event()

    def write():
        until = time.monotonic() + 0.3
        number = 0
        while time.monotonic() < until:
            number += 1
            try:
                (tree / "upper" / str(number % 7)).mkdir(parents=True, exist_ok=True)
                (tree / "upper" / str(number % 7) / str(number)).touch()
            except OSError:
                continue
            written.set()

    (tree / "upper").mkdir()
    thread = threading.Thread(target=write)
    thread.start()
    assert written.wait(10)
    while thread.is_alive():
        remove_tree(tree)
    remove_tree(tree)
    assert not tree.exists()


def test_what_is_moved_while_it_is_emptied_leads_nowhere_else(tree, tmp_path, monkeypatch):
    """Whoever still writes can move a folder, so that the one above it is another one."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (tree / "a" / "b").mkdir(parents=True)
    emptied = cleanup._unlink_files

    def move(folder, but=""):
        if (tree / "a" / "b").exists() and os.path.samestat(os.fstat(folder), (tree / "a" / "b").stat()):
            (tree / "a" / "b").rename(outside / "b")
        return emptied(folder, but)

    monkeypatch.setattr(cleanup, "_unlink_files", move)
    monkeypatch.setattr(cleanup, "_PATIENCE_SECONDS", 0.0)
    with pytest.raises(SandboxError, match="moved"):
        remove_tree(tree)
    assert os.listdir(outside) == ["b"]


@pytest.mark.skipif(not ROOT, reason="only root makes a file immutable")
def test_what_root_itself_made_immutable_is_named_and_keeps_nothing_else(tmp_path):
    base = tmp_path / "base"
    for name in ("a-00000001", "b-00000002", "c-00000003"):
        abandoned(base / name)
    stuck = base / "b-00000002" / "upper" / "file"
    if subprocess.run(["chattr", "+i", stuck], stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip("this file system knows no immutable files")
    try:
        reaped = reap(base, 0)
    finally:
        subprocess.run(["chattr", "-i", stuck], check=True)
    assert reaped.removed == ("a-00000001", "c-00000003")
    assert [str(base / "b-00000002") in sentence for sentence in reaped.stayed] == [True]
    assert reap(base, 0) == (("b-00000002",), ())


@pytest.mark.parametrize("flag", [0x10, 0x20], ids=["immutable", "append-only"])
def test_a_command_cannot_make_a_file_that_resists(box, python, flag):
    source = f"""
import fcntl, os, struct
file = os.open('file', os.O_RDWR | os.O_CREAT)
fcntl.ioctl(file, 0x40086602, struct.pack('l', {flag}))
"""
    assert "Error" in python(box, source)[1]


def test_age_and_owner_decide(tmp_path):
    base = tmp_path / "base"
    for name in ("old-00000001", "young-00000002", "living-00000003"):
        abandoned(base / name)
    for name in ("old-00000001", "living-00000003"):
        age(base / name, 7200)
    living = claim(base / "living-00000003")
    age(base / "living-00000003", 7200)
    assert reap(base, 3600) == (("old-00000001",), ())
    assert sorted(os.listdir(base)) == ["living-00000003", "young-00000002"]
    os.close(living)
    assert reap(base, 3600) == (("living-00000003",), ())


def test_what_was_killed_between_two_steps_is_reaped(tmp_path):
    base = tmp_path / "base"
    for name in ("x-0123abcd", "y-0123abcd", "theirs", "full-0123abcd"):
        (base / name).mkdir(parents=True)
        age(base / name, 7200)
    (base / "full-0123abcd" / "file").touch()
    (base / "link-0123abcd").symlink_to(base / "theirs")
    for name in ("y-0123abcd", "full-0123abcd"):
        age(base / name, 30 if name.startswith("y") else 7200)
    assert reap(base, 0) == (("x-0123abcd",), ())
    assert sorted(os.listdir(base)) == ["full-0123abcd", "link-0123abcd", "theirs", "y-0123abcd"]


@pytest.mark.integration
def test_a_removal_killed_anywhere_is_ended_by_the_reaper(tmp_path):
    base = tmp_path / "base"
    for turn in range(10):
        place = base / f"box-{turn:08}"
        for number in range(200):
            (place / "upper" / str(number)).mkdir(parents=True)
        process = subprocess.Popen(
            [sys.executable, "-c", REMOVE, str(place)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdout.readline() == b"ready\n"
        process.stdin.write(b"x")
        process.stdin.close()
        while entries(place / "upper") > 200 - 22 * turn:
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    for place in base.iterdir():
        age(place, 7200)
    reaped = reap(base, 3600)
    assert reaped.removed
    assert reaped.stayed == ()
    assert list(base.iterdir()) == []


def entries(place: Path) -> int:
    try:
        return len(os.listdir(place))
    except FileNotFoundError:
        return 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder of another user")
def test_an_empty_folder_of_a_daemon_is_removed_by_an_ordinary_user():
    """An overlay that a daemon mounted leaves one, closed to all, in the folder for its work."""
    with tempfile.TemporaryDirectory() as folder:
        box = Path(folder, "box")
        (box / "work" / "work").mkdir(parents=True)
        (box / "work" / "work").chmod(0)
        for place in (Path(folder), box, box / "work"):
            os.chown(place, 57343, 57343)
        child = os.fork()
        if child == 0:
            try:
                os.setresuid(57343, 57343, 57343)
                remove_tree(box)
            finally:
                os._exit(box.exists())
        assert os.waitpid(child, 0)[1] == 0
        assert not box.exists()
