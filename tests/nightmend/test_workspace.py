import os
import stat
import sys
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from nightmend.errors import UsageError
from nightmend.git.store import Store
from nightmend.git.target import Target
from nightmend.night import Night
from nightmend.sandboxes.owner import sandbox_owner
from nightmend.settings import MIB, SandboxSettings
from nightmend.snapshot import FileEntry, Snapshot
from nightmend.workspace import Workspace, sandbox_folder


@pytest.fixture
def night(tmp_path: Path) -> Night:
    target = tmp_path / "target"
    target.mkdir()
    for command in (
        "git init -q -b main",
        "mkdir -p pkg && echo 'X = 1' > pkg/x.py && chmod 755 pkg/x.py && ln -s pkg/x.py link",
        "git add -A",
        "git -c user.name=a -c user.email=a@localhost commit -q -m first",
    ):
        assert os.system(f"cd {target} && HOME={tmp_path} {command}") == 0
    opened = Target.open(target)
    base = Store(tmp_path / "first.git", opened).snapshot(opened.head())
    home = tmp_path / "closed" / "home"
    home.parent.mkdir(mode=0o700)
    return Night(
        run="test",
        target=str(target),
        home=str(home),
        base_commit=opened.head(),
        base=base,
        profile="ratchet",
        python=sys.executable,
        sandbox=SandboxSettings(base_directory=tmp_path / "boxes"),
    )


def test_a_snapshot_is_checked_out_once_and_complete(night: Night) -> None:
    workspace = Workspace(night)
    place = workspace.checkout(night.base)
    assert (place / "pkg/x.py").read_text() == "X = 1\n"
    assert stat.S_IMODE((place / "pkg/x.py").stat().st_mode) & 0o111
    assert os.readlink(place / "link") == "pkg/x.py"
    owner = sandbox_owner() or (os.getuid(), os.getgid())
    assert {(found.lstat().st_uid, found.lstat().st_gid) for found in (place, *place.rglob("*"))} == {owner}
    inode = place.stat().st_ino
    assert Workspace(night).checkout(night.base) == place
    assert place.stat().st_ino == inode


def test_a_checkout_in_which_a_byte_was_changed_is_made_again(night: Night) -> None:
    place = Workspace(night).checkout(night.base)
    for changed in ("pkg/x.py", "link"):
        (place / changed).unlink()
        (place / changed).write_text("X = 2\n")
        again = Workspace(night).checkout(night.base)
        assert (again / "pkg/x.py").read_text() == "X = 1\n"
        assert os.readlink(again / "link") == "pkg/x.py"
    assert list(place.parent.iterdir()) == [place]


def test_several_at_once_make_one_checkout_and_leave_nothing_else(night: Night) -> None:
    workspaces = [Workspace(night) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        places = set(pool.map(lambda workspace: workspace.checkout(night.base), workspaces))
    assert len(places) == 1
    assert os.listdir(workspaces[0].folder / "trees") == [night.base.tree]


def test_a_checkout_is_whole_for_another_thread_of_the_same_workspace_too(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(night)
    real, asked = workspace.store.check_out, []
    with ThreadPoolExecutor(1) as pool:

        def meanwhile(snapshot: Snapshot, folder: Path) -> None:
            asked.append(pool.submit(lambda: workspace.checkout(night.base).is_dir()))
            wait(asked, timeout=1)
            real(snapshot, folder)

        monkeypatch.setattr(workspace.store, "check_out", meanwhile)
        assert workspace.checkout(night.base).is_dir()
    assert [one.result() for one in asked] == [True]


def test_a_checkout_that_fails_leaves_nothing(night: Night) -> None:
    workspace = Workspace(night)
    with pytest.raises(Exception, match="git"):
        workspace.checkout(Snapshot(tree="0" * 40))
    assert os.listdir(workspace.folder / "trees") == []


def test_a_sandbox_shows_the_snapshot_at_the_place_asked_for(night: Night) -> None:
    workspace = Workspace(night)
    with workspace.sandbox(night.base, "there", at_target=True) as box:
        assert (
            box.run(["sh", "-c", "pwd; cat pkg/x.py; ls"]).stdout.decode()
            == f"{night.target}\nX = 1\nlink\npkg\n"
        )
        box.write("pkg/x.py", b"X = 2\n")
        assert box.run(["cat", f"{night.target}/pkg/x.py"]).stdout == b"X = 2\n"
    with workspace.sandbox(None, "empty") as box:
        assert box.run(["ls", "-A"]).stdout == b""
        assert box.run([workspace.own.executable, "-I", "-c", "import pytest"]).return_code == 0
    assert (Path(night.target) / "pkg/x.py").read_text() == "X = 1\n"


def test_values_come_back_as_they_were_put(night: Night) -> None:
    value = FileEntry(mode="100644", blob="b" * 40, size=3)
    ref = Workspace(night).put(value)
    assert Workspace(night).get(ref, FileEntry) == value
    with pytest.raises(UsageError):
        Workspace(night).get("0" * 40, FileEntry)


def test_sandboxes_of_several_users_share_a_folder(tmp_path: Path) -> None:
    folder = sandbox_folder(SandboxSettings(base_directory=tmp_path / "boxes"))
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o1777
    assert sandbox_folder(SandboxSettings(base_directory=tmp_path / "boxes")) == folder


def test_several_at_once_make_one_folder_of_sandboxes(tmp_path):
    ready = threading.Barrier(8)

    def make(number):
        settings = SandboxSettings(base_directory=tmp_path / f"boxes-{number}")
        ready.wait()
        return sandbox_folder(settings)

    with ThreadPoolExecutor(8) as pool:
        for number in range(40):
            assert set(pool.map(make, [number] * 8)) == {tmp_path / f"boxes-{number}" / str(os.getuid())}


FILL = ["sh", "-c", "for i in 1 2 3 4 5 6; do head -c 4M /dev/zero > f$i; sleep 0.05; done; sleep 0.3"]


@pytest.mark.integration
@pytest.mark.parametrize(
    ("setting", "value", "command", "limit"),
    [
        ("max_memory", 32 * MIB, ["sh", "-c", "head -c 100M /dev/zero | tail -n 1; sleep 0.3"], "memory"),
        ("max_cpu_time", 0.3, ["sh", "-c", "while :; do :; done"], "cpu_seconds"),
        ("max_wall_time", 0.3, ["sleep", "9"], "wall_seconds"),
        (
            "max_processes",
            8,
            ["sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do sleep 1 & done; wait"],
            "processes",
        ),
        ("max_file_size", 1000, ["sh", "-c", "exec head -c 4000 /dev/zero > file"], "file_bytes"),
        ("max_disk", 8 * MIB, FILL, "disk_bytes"),
        ("max_output", 1000, ["head", "-c", "4000", "/dev/zero"], "output"),
        ("max_temporary", MIB, ["sh", "-c", "exec head -c 4M /dev/zero > /tmp/file"], b"No space left"),
        ("max_open_files", 16, ["sh", "-c", "ulimit -n >&2; exit 1"], b"16"),
    ],
)
def test_each_limit_of_the_settings_reaches_a_sandbox(
    night: Night, setting: str, value: float, command: list[str], limit: str | bytes
) -> None:
    with Workspace(night).sandbox(None, "usual") as box:
        usual = box.run(command, limits=box.spec.limits.model_copy(update={"wall_seconds": 3}))
    settings = night.sandbox.model_copy(update={setting: value})
    with Workspace(night.model_copy(update={"sandbox": settings})).sandbox(None, "tight") as box:
        tight = box.run(command)
    assert tight.return_code != 0
    if isinstance(limit, bytes):
        assert limit in tight.stderr
        assert limit not in usual.stderr
    else:
        assert limit == "wall_seconds" or usual.limit != limit
        assert tight.limit == limit or (limit == "processes" and b"fork" in tight.stderr)
