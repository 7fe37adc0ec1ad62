"""The work layer: what a command leaves, what the host puts there and takes from it."""

import hashlib
import os
import stat
import time

import pytest

from nightmend.errors import SandboxError, UsageError
from nightmend.sandboxes.owner import sandbox_owner

FILES = {"a.txt": "A", "pkg/b.txt": "B", "pkg/deep/c.txt": "C", "run.sh": "#!/bin/sh\necho ran\n"}


def digest(folder):
    seen = []
    for place in sorted(folder.rglob("*")):
        found = place.lstat()
        content = hashlib.sha256(place.read_bytes()).hexdigest() if place.is_file() else ""
        seen.append((str(place), found.st_mode, found.st_uid, found.st_mtime_ns, content))
    return seen


@pytest.fixture
def lower(tree):
    folder = tree(FILES)
    (folder / "run.sh").chmod(0o755)
    return folder


@pytest.fixture
def over(make, lower):
    return make(lower=str(lower))


def test_files_last_between_commands(box):
    assert box.execute_command("mkdir d && echo one > d/file").return_code == 0
    assert box.execute_command("cat d/file").stdout == b"one\n"
    assert box.read("d/file") == b"one\n"


def test_temporary_files_do_not_last(box):
    assert box.execute_command("echo one > /tmp/file && cat /tmp/file").stdout == b"one\n"
    assert box.execute_command("cat /tmp/file").return_code != 0


def test_an_empty_tree_is_empty(box):
    assert box.execute_command("ls -A").stdout == b""


def test_the_lower_tree_is_seen_and_never_touched(over, lower):
    before = digest(lower)
    assert over.execute_command("cat a.txt pkg/b.txt pkg/deep/c.txt; ./run.sh").stdout == b"ABCran\n"
    changes = "echo x > a.txt; chmod 777 run.sh; rm -r pkg/deep; mv pkg/b.txt b.txt; touch -d 2001-01-01 ."
    assert over.execute_command(changes).return_code == 0
    assert over.execute_command("cat a.txt b.txt; ls pkg").stdout == b"x\nB"
    over.write("a.txt", b"written")
    assert digest(lower) == before


def test_writes_from_the_host_lie_above_the_lower_tree(over):
    over.write("a.txt", b"new")
    over.write("pkg/deep/more/d.txt", b"D")
    assert over.execute_command("cat a.txt pkg/deep/more/d.txt pkg/deep/c.txt pkg/b.txt").stdout == b"newDCB"
    assert over.read("pkg/deep/more/d.txt") == b"D"
    assert over.read("pkg/b.txt") == b"B"


def test_what_the_host_wrote_belongs_to_the_sandbox(over):
    over.write("new/file", b"x")
    over.write("a.txt", b"x")
    assert (
        over.execute_command("echo y > new/file && echo y > a.txt && rm -r new && rm a.txt").return_code == 0
    )
    owner = sandbox_owner() or (os.geteuid(), os.getegid())
    over.write("mine", b"x")
    found = (over.path / "upper" / "mine").stat()
    assert (found.st_uid, found.st_gid) == owner


def test_a_written_file_keeps_the_mode_of_the_one_it_replaces(over):
    over.write("run.sh", b"#!/bin/sh\necho other\n")
    assert over.execute_command("./run.sh").stdout == b"other\n"
    over.write("new", b"")
    assert stat.S_IMODE((over.path / "upper" / "new").stat().st_mode) == 0o644


def test_what_a_command_deleted_is_gone(over):
    assert over.read("a.txt") == b"A"
    over.execute_command("rm a.txt; rm -r pkg")
    for path in ("a.txt", "pkg/b.txt", "pkg/deep/c.txt"):
        with pytest.raises(FileNotFoundError):
            over.read(path)


def test_a_folder_written_again_does_not_bring_back_what_was_deleted(over):
    over.execute_command("rm -r pkg")
    over.write("pkg/new.txt", b"N")
    assert over.execute_command("find pkg -type f").stdout == b"pkg/new.txt\n"
    over.execute_command("rm -r pkg; mkdir pkg")
    with pytest.raises(FileNotFoundError):
        over.read("pkg/b.txt")
    over.write("pkg/b.txt", b"again")
    assert over.read("pkg/b.txt") == b"again"


def test_a_deleted_file_can_be_written_again(over):
    over.execute_command("rm a.txt")
    over.write("a.txt", b"again")
    assert over.execute_command("cat a.txt").stdout == over.read("a.txt") == b"again"


@pytest.mark.parametrize("path", ["missing", "pkg/missing", "missing/file"])
def test_reading_what_is_not_there(over, path):
    with pytest.raises(FileNotFoundError):
        over.read(path)


@pytest.mark.parametrize("path", ["/etc/passwd", "../upper/x", "pkg/../../x", "", ".", "a\0b"])
def test_paths_that_leave_the_work_layer_are_refused(over, path):
    with pytest.raises(UsageError):
        over.write(path, b"x")
    with pytest.raises(UsageError):
        over.read(path)


@pytest.mark.parametrize("planted", ["ln -s {0} link", "rm -r pkg; ln -s {1} pkg; true"])
def test_links_planted_by_a_command_are_never_followed(over, tmp_path, planted):
    secret = tmp_path / "outside"
    secret.mkdir(mode=0o777)
    (secret / "b.txt").write_text("secret")
    over.execute_command(planted.format(secret / "b.txt", secret))
    path = "link" if "link" in planted else "pkg/b.txt"
    assert os.readlink(over.path / "upper" / path.partition("/")[0]).startswith(str(secret))
    with pytest.raises(SandboxError):
        over.read(path)
    with pytest.raises(SandboxError):
        over.write(path, b"x")
    assert (secret / "b.txt").read_text() == "secret"
    assert [place.name for place in secret.iterdir()] == ["b.txt"]


def test_links_of_the_lower_tree_are_never_followed(make, lower, tmp_path):
    (lower / "link").symlink_to("a.txt")
    (lower / "folder").symlink_to(tmp_path)
    over = make(lower=str(lower))
    assert over.execute_command("cat link").stdout == b"A"
    for path in ("link", "folder/x"):
        with pytest.raises(SandboxError):
            over.read(path)
        with pytest.raises(SandboxError):
            over.write(path, b"x")


def test_pipes_and_folders_are_no_files(over):
    over.execute_command("mkfifo pipe; mkdir folder")
    for path in ("pipe", "folder", "pkg"):
        with pytest.raises(SandboxError):
            over.read(path)
        with pytest.raises(SandboxError):
            over.write(path, b"x")


def test_a_file_too_large_to_read_is_refused(box):
    box.write("file", b"x" * 1000)
    assert box.read("file", limit=1000) == b"x" * 1000
    with pytest.raises(SandboxError, match="larger than 999 bytes"):
        box.read("file", limit=999)


def test_bytecode_of_a_replaced_source_is_never_used(make, tree, run_python):
    folder = tree({"module.py": "VALUE = 1\n"})
    now = time.time()
    os.utime(folder / "module.py", (now, now))
    box = make(lower=str(folder))
    ask = "import sys; sys.path.insert(0, '.'); import module; print(module.VALUE)"
    assert run_python(box, ask).stdout == b"1\n"
    assert box.execute_command("ls __pycache__").stdout.startswith(b"module.")
    for value in range(2, 6):
        box.write("module.py", b"VALUE = %d\n" % value)
        assert run_python(box, ask).stdout == b"%d\n" % value


def test_names_of_any_kind(over):
    for name in ("with space", "with\nnewline", "-rf", "ünïcödé", "quote'\""):
        over.write(f"odd/{name}", name.encode())
        assert over.read(f"odd/{name}") == name.encode()
    assert over.execute_command("ls -A odd | wc -l").stdout.strip() == b"6"
