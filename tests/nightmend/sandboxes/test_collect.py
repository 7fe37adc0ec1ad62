"""What comes back from a sandbox: files, folders and links as data; nothing is followed, nothing blocks."""

import os
import stat
import tracemalloc

import pytest

from nightmend.errors import SandboxError, UsageError
from nightmend.sandboxes import collect as module
from nightmend.sandboxes.cleanup import remove_tree
from nightmend.sandboxes.collect import collect
from nightmend.sandboxes.layers import Layers
from nightmend.settings import GIB, MIB, CollectLimits, Limits

FILES = {"a.txt": "A", "pkg/b.txt": "B", "pkg/deep/c.txt": "C", "run.sh": "#!/bin/sh\n"}


@pytest.fixture
def upper(tmp_path):
    folder = tmp_path / "upper"
    folder.mkdir()
    return folder


@pytest.fixture
def taken(upper, tmp_path):
    """Collect a layer that the test itself has written, as hostile code might if all walls had a hole."""

    def take(lower=None, **limits):
        layers = Layers(str(upper), lower and str(lower), None)
        return collect(layers, tmp_path / "taken", CollectLimits(**limits))

    return take


def reasons(collected):
    return {skipped.path: skipped.reason for skipped in collected.skipped}


def test_what_commands_wrote_comes_back(make, tree, tmp_path):
    box = make(lower=str(tree(FILES)))
    changes = "echo x > pkg/new; mkdir empty; chmod 750 pkg; chmod 700 run.sh; ln -s ../a.txt pkg/link"
    assert box.execute_command(changes).return_code == 0
    box.write("from/host", b"h")
    place = tmp_path / "taken"
    collected = box.collect(place)
    assert collected.files == ("from/host", "pkg/new", "run.sh")
    assert collected.links == ("pkg/link",)
    assert collected.deleted == collected.skipped == ()
    assert (place / "pkg" / "new").read_bytes() == b"x\n"
    assert (place / "run.sh").read_text() == FILES["run.sh"]
    assert os.readlink(place / "pkg" / "link") == "../a.txt"
    assert (place / "empty").is_dir()
    assert [stat.S_IMODE((place / name).stat().st_mode) for name in ("pkg", "run.sh")] == [0o750, 0o700]
    assert sorted(os.listdir(place)) == ["empty", "from", "pkg", "run.sh"]
    assert box.execute_command("cat pkg/new pkg/link a.txt").stdout == b"x\nAA"


def test_what_commands_deleted_is_named(make, tree, tmp_path):
    box = make(lower=str(tree({**FILES, "kept/file": "", "kept/gone": "", "swap/file": ""})))
    changes = "rm a.txt kept/gone; rm -r pkg; mkdir -p pkg/deep; echo n > pkg/new; rm -r swap; echo s > swap"
    assert box.execute_command(changes).return_code == 0
    box.execute_command("rm run.sh; mkdir run.sh fresh; touch born; rm born")
    collected = box.collect(tmp_path / "taken")
    assert collected.deleted == ("a.txt", "kept/gone", "pkg", "run.sh", "swap")
    assert collected.files == ("pkg/new", "swap")
    assert collected.skipped == ()
    assert sorted(os.listdir(tmp_path / "taken")) == ["fresh", "kept", "pkg", "run.sh", "swap"]


def test_a_folder_that_the_host_wrote_again_hides_the_old_one(make, tree, tmp_path):
    box = make(lower=str(tree(FILES)))
    box.execute_command("rm -r pkg")
    box.write("pkg/deep/new", b"n")
    collected = box.collect(tmp_path / "taken")
    assert (collected.deleted, collected.files) == (("pkg",), ("pkg/deep/new",))


def test_of_the_mode_only_the_rwx_bits_come_back(box, tmp_path):
    assert box.execute_command("touch f; chmod 6755 f; mkdir d; chmod 7777 d").return_code == 0
    assert (box.path / "upper" / "d").stat().st_mode & stat.S_ISVTX
    box.collect(tmp_path / "taken")
    modes = {name: stat.S_IMODE((tmp_path / "taken" / name).stat().st_mode) for name in "fd"}
    assert modes == {"f": 0o755, "d": 0o777}


def test_of_the_rest_only_the_time_comes_back(upper, taken, tmp_path):
    (upper / "f").write_text("x")
    os.setxattr(upper / "f", "user.mark", b"m")
    os.utime(upper / "f", ns=(7, 1_000_000_007))
    taken()
    assert (tmp_path / "taken" / "f").stat().st_mtime_ns == 1_000_000_007
    assert os.listxattr(tmp_path / "taken" / "f") == []


def test_the_layer_is_left_as_it_is(make, tree, tmp_path):
    box = make(lower=str(tree(FILES)))
    box.execute_command("echo x > a.txt; rm -r pkg; mkfifo pipe; mkdir none; chmod 000 none")

    def state():
        return [(str(p), tuple(p.lstat())[:7], p.lstat().st_mtime_ns) for p in sorted(box.path.rglob("*"))]

    before = state()
    box.collect(tmp_path / "taken")
    assert state() == before
    assert box.collect(tmp_path / "again").files == ("a.txt",)


def test_pipes_sockets_and_devices_are_skipped_and_named(make, run_python, tmp_path):
    box = make()
    source = "import os, socket; os.mkfifo('pipe'); socket.socket(socket.AF_UNIX).bind('socket')"
    assert run_python(box, source).return_code == 0
    collected = box.collect(tmp_path / "taken")
    assert set(reasons(collected)) == {"pipe", "socket"}
    assert os.listdir(tmp_path / "taken") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_devices_are_never_opened(upper, taken):
    os.mknod(upper / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod(upper / "disk", stat.S_IFBLK | 0o666, os.makedev(250, 250))
    assert set(reasons(taken())) == {"null", "disk"}


def test_a_device_like_a_whiteout_deletes_nothing_where_nothing_was(upper, taken, tree):
    os.mknod(upper / "white", stat.S_IFCHR, os.makedev(0, 0))
    collected = taken(lower=tree(FILES))
    assert (collected.deleted, set(reasons(collected))) == ((), {"white"})


def test_links_are_data(box, tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "file").write_text("s")
    box.execute_command(f"ln -s {secret} folder; ln -s {secret}/file file; ln -s loop loop; ln -s '' none")
    collected = box.collect(tmp_path / "taken")
    assert collected.links == ("file", "folder", "loop")
    assert os.readlink(tmp_path / "taken" / "folder") == str(secret)
    left_out = box.collect(tmp_path / "without", limits=CollectLimits(links="skip"))
    assert (left_out.links, set(reasons(left_out))) == ((), {"file", "folder", "loop"})
    assert os.listdir(tmp_path / "without") == []


def test_a_folder_swapped_for_a_link_once_it_was_listed_is_not_entered(upper, taken, tmp_path, monkeypatch):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "file").write_text("s")
    (upper / "folder").mkdir()
    listed = module._Copy._names

    def swap(self, folder, path):
        names = listed(self, folder, path)
        if not path:
            (upper / "folder").rename(upper / "away")
            (upper / "folder").symlink_to(tmp_path / "secret")
        return names

    monkeypatch.setattr(module._Copy, "_names", swap)
    collected = taken()
    assert (collected.files, collected.links) == ((), ("folder",))


@pytest.mark.parametrize("kind", ["link", "pipe"])
@pytest.mark.parametrize("name", ["file", "folder"])
def test_what_is_swapped_once_it_was_judged_is_copied_as_it_was(
    upper, taken, tmp_path, monkeypatch, kind, name
):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "file").write_text("s")
    (upper / "file").write_text("mine")
    (upper / "folder").mkdir()
    (upper / "folder" / "below").write_text("mine")
    judged = module._Copy._objection

    def swap(self, entry):
        objection = judged(self, entry)
        if entry.path == (name,):
            (upper / name).rename(tmp_path / "away")
            if kind == "link":
                (upper / name).symlink_to(tmp_path / "secret" / ("file" if name == "file" else ""))
            else:
                os.mkfifo(upper / name)
        return objection

    monkeypatch.setattr(module._Copy, "_objection", swap)
    collected = taken()
    assert collected.files == ("file", "folder/below")
    assert {(tmp_path / "taken" / file).read_text() for file in collected.files} == {"mine"}


def test_a_file_with_another_name_outside_is_copied_not_shared(upper, taken, tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("o")
    (upper / "hard").hardlink_to(outside)
    (upper / "twin").hardlink_to(outside)
    assert taken().files == ("hard", "twin")
    (tmp_path / "taken" / "hard").write_text("changed")
    assert outside.read_text() == (tmp_path / "taken" / "twin").read_text() == "o"


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user cannot make a file of somebody else")
def test_a_file_of_another_user_is_never_read(upper, taken, tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("o")
    os.chown(outside, 4711, 4711)
    (upper / "hard").hardlink_to(outside)
    collected = taken()
    assert (collected.files, set(reasons(collected))) == ((), {"hard"})


def test_holes_stay_holes(upper, taken, tmp_path):
    size = 1024 * GIB
    with (upper / "sparse").open("wb") as file:
        file.write(b"begin")
        file.seek(10 * MIB)
        file.write(b"middle")
        file.truncate(size)
    (upper / "hole").touch()
    os.truncate(upper / "hole", size)
    assert taken(file_bytes=size, total_bytes=MIB).files == ("hole", "sparse")
    found = (tmp_path / "taken" / "sparse").stat()
    assert (found.st_size, (tmp_path / "taken" / "hole").stat().st_size) == (size, size)
    assert found.st_blocks * 512 < MIB
    with (tmp_path / "taken" / "sparse").open("rb") as file:
        assert file.read(6) == b"begin\0"
        file.seek(10 * MIB)
        assert file.read(7) == b"middle\0"


def test_a_large_file_comes_back_whole(upper, taken, tmp_path):
    content = os.urandom(5 * MIB + 17)
    (upper / "file").write_bytes(content)
    taken()
    assert (tmp_path / "taken" / "file").read_bytes() == content


def test_a_sparse_file_made_inside(box, run_python, tmp_path):
    source = "open('sparse', 'wb').truncate(2**40)"
    assert run_python(box, source, limits=Limits(file_bytes=2**41)).return_code == 0
    with pytest.raises(SandboxError, match="'sparse' reaches the limit file_bytes"):
        box.collect(tmp_path / "taken")
    assert box.collect(tmp_path / "taken", limits=CollectLimits(file_bytes=2**40)).files == ("sparse",)


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        ({"entries": 3}, "'d' reaches the limit entries"),
        ({"total_bytes": 29}, "'one' reaches the limit total_bytes"),
        ({"file_bytes": 19}, "'d/two' reaches the limit file_bytes"),
        ({"depth": 0}, "'d' reaches the limit depth"),
        ({"name_bytes": 9}, "'d/long-name.' reaches the limit name_bytes"),
    ],
)
def test_limits_are_named_and_nothing_is_copied(upper, taken, tmp_path, limits, named):
    (upper / "d").mkdir()
    (upper / "d" / "long-name.").touch()
    (upper / "one").write_bytes(b"x" * 10)
    (upper / "d" / "two").write_bytes(b"x" * 20)
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(SandboxError, match=named):
        taken(**limits)
    assert sorted(os.listdir(tmp_path)) == before
    taken(entries=4, total_bytes=30, file_bytes=20, depth=1, name_bytes=10)


@pytest.mark.integration
def test_a_tree_too_deep_for_paths_and_recursion(upper, taken, tmp_path):
    inside = os.open(upper, os.O_RDONLY)
    for _ in range(5000):
        os.mkdir("d", dir_fd=inside)
        deeper = os.open("d", os.O_RDONLY, dir_fd=inside)
        os.close(inside)
        inside = deeper
    os.close(inside)
    try:
        for depth in (64, 200):
            with pytest.raises(SandboxError, match="limit depth"):
                taken(depth=depth)
        assert os.listdir(tmp_path) == ["upper"]
    finally:
        remove_tree(upper)


@pytest.mark.integration
def test_a_listing_is_read_no_further_than_the_limit(upper, taken):
    for number in range(30_000):
        os.close(os.open(upper / f"{number:0200}", os.O_CREAT))
    tracemalloc.start()
    try:
        with pytest.raises(SandboxError, match="limit entries"):
            taken(entries=100)
        assert tracemalloc.get_traced_memory()[1] < MIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", [b"new\nline", b"escape\x1b[2J", b"\xff\xfe", "right\u202eleft".encode()])
def test_odd_names(upper, taken, tmp_path, name):
    (upper / "file").touch()
    with open(os.fsencode(upper) + b"/" + name, "wb"):
        pass
    with pytest.raises(SandboxError, match="odd_names") as caught:
        taken()
    assert str(caught.value).isprintable()
    collected = taken(odd_names="skip")
    assert collected.files == ("file",)
    (skipped,) = collected.skipped
    assert skipped.path.isprintable()
    assert os.listdir(tmp_path / "taken") == ["file"]


def test_names_that_are_only_unusual(upper, taken):
    names = ("-rf", "with space", "ünïcödé", "漢字", "quote'\"", "*")
    for name in names:
        (upper / name).touch()
    assert sorted(taken().files) == sorted(names)


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_what_exists_is_never_written_to(box, tmp_path, kind):
    place = tmp_path / "taken"
    {"file": place.touch, "folder": place.mkdir, "link": lambda: place.symlink_to("nowhere")}[kind]()
    with pytest.raises(UsageError, match="exists already"):
        box.collect(place)
    with pytest.raises(SandboxError, match="could not be copied"):
        box.collect(tmp_path / "missing" / "taken")
    box.close()
    with pytest.raises(SandboxError, match="closed"):
        box.collect(tmp_path / "other")


def test_what_cannot_be_read_is_skipped_and_named(box, tmp_path):
    box.execute_command(
        "echo x > file; mkdir folder list; touch list/f; chmod 000 file folder; chmod 400 list"
    )
    collected = box.collect(tmp_path / "taken")
    if os.geteuid() == 0:
        assert (collected.files, collected.skipped) == (("file", "list/f"), ())
    else:
        assert (collected.files, set(reasons(collected))) == ((), {"file", "folder", "list"})
    remove_tree(tmp_path / "taken")


def test_nothing_of_ours_is_left_open(box, tmp_path):
    box.execute_command("mkdir -p a/b/c; echo x > a/b/c/d; mkfifo a/pipe")
    before = sorted(os.listdir("/proc/self/fd"))
    box.collect(tmp_path / "taken")
    with pytest.raises(SandboxError):
        box.collect(tmp_path / "other", limits=CollectLimits(depth=1))
    assert sorted(os.listdir("/proc/self/fd")) == before
