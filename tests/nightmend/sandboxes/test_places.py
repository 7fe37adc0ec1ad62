"""Where things lie inside: the work layer at any path, binds at their own, whatever closes them outside."""

import subprocess
import sys
from pathlib import Path

import pytest

from nightmend.errors import SandboxError, UsageError
from nightmend.sandboxes.owner import sandbox_owner
from nightmend.sandboxes.protocol import Bind


@pytest.fixture
def home(tmp_path):
    """A home that only its owner can enter, with something to read in it."""
    home = tmp_path / "home"
    (home / "lib").mkdir(parents=True)
    (home / "lib" / "data.txt").write_text("data")
    home.chmod(0o700)
    return home


def own(path):
    return Bind(host=str(path), inside=str(path))


def test_the_work_layer_lies_where_it_is_asked(make, tree, tmp_path):
    place = tmp_path / "some" / "project"
    box = make(workdir=str(place), lower=str(tree({"a.txt": "A"})))
    assert box.execute_command("pwd; cat a.txt").stdout == f"{place}\nA".encode()
    assert box.execute_command(f"cat {place}/a.txt").stdout == b"A"
    box.write("a.txt", b"B")
    assert box.execute_command(f"echo more >> {place}/a.txt").return_code == 0
    assert box.read("a.txt") == b"Bmore\n"
    assert not place.exists()


@pytest.mark.parametrize(
    "place", ["/srv/a/b/c", "/root/project", "/home/me", "/opt", "/tmp/x", "/var/lib/x", "/work/main"]
)
def test_usual_places_of_a_project(make, place):
    assert make(workdir=place).execute_command("pwd; echo x > y").stdout == f"{place}\n".encode()


@pytest.mark.parametrize(
    "place", ["relative", "/", "/usr", "/etc", "/proc/x", "/dev/x", "/a/../b", "//a", "/a/", "/a\0b", ""]
)
def test_impossible_places_are_refused_before_anything_is_made(make, base, place):
    with pytest.raises(UsageError):
        make(workdir=place)
    with pytest.raises(UsageError):
        make(binds=(Bind(host="/usr", inside=place),))
    assert list(base.iterdir()) == []


def test_a_bind_below_a_private_home_is_readable_at_its_own_path(make, home):
    owner = sandbox_owner()
    if owner:
        with pytest.raises(subprocess.CalledProcessError):
            subprocess.run(
                ["cat", str(home / "lib" / "data.txt")], user=owner[0], extra_groups=[], check=True
            )
    box = make(binds=(own(home / "lib"),))
    assert box.run(["cat", str(home / "lib" / "data.txt")]).stdout == b"data"


def test_a_bind_is_read_only(make, home):
    (home / "lib").chmod(0o777)
    box = make(binds=(own(home / "lib"),))
    assert box.execute_command(f"cd {home}/lib && cat data.txt").return_code == 0
    assert box.execute_command(f"echo x > {home}/lib/new").return_code != 0
    assert sorted(place.name for place in (home / "lib").iterdir()) == ["data.txt"]


def test_what_lies_beside_a_bind_stays_hidden(make, home):
    (home / "secret").write_text("secret")
    box = make(binds=(own(home / "lib"),))
    assert box.execute_command(f"ls -A {home}").stdout == b"lib\n"


def test_a_single_file_can_be_bound(make, home):
    box = make(binds=(Bind(host=str(home / "lib" / "data.txt"), inside="/some/where/data"),))
    assert box.run(["cat", "/some/where/data"]).stdout == b"data"


def test_binds_may_lie_in_each_other(make, home, tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "inner.txt").write_text("inner")
    (home / "lib" / "sub").mkdir()
    binds = (Bind(host=str(inner), inside=str(home / "lib" / "sub")), own(home / "lib"))
    box = make(binds=binds)
    assert box.execute_command(f"cat {home}/lib/data.txt {home}/lib/sub/inner.txt").stdout == b"datainner"


def test_a_bind_may_lie_in_the_work_layer(make, home, tree):
    box = make(workdir=str(home), lower=str(tree({"code.txt": "code"})), binds=(own(home / "lib"),))
    assert box.execute_command("cat code.txt lib/data.txt").stdout == b"codedata"
    assert box.execute_command("cat code.txt lib/data.txt").stdout == b"codedata"
    assert box.execute_command("echo x > lib/data.txt").return_code != 0
    assert box.execute_command("echo x > new").return_code == 0


def test_a_bind_is_never_mounted_through_a_link(make, home, tmp_path):
    box = make(workdir="/w", binds=(Bind(host=str(home / "lib" / "data.txt"), inside="/w/env/bin/python"),))
    victim = tmp_path / "victim"
    victim.mkdir(mode=0o777)
    victim.chmod(0o777)
    # bubblewrap sees the host below /oldroot while it mounts
    planted = box.execute_command(f"mv env away; ln -s /oldroot{victim} env; ls -ld env")
    assert b"victim" in planted.stdout
    with pytest.raises(SandboxError, match="env"):
        box.run(["true"])
    assert list(victim.iterdir()) == []


def test_a_missing_bind_is_named(make, home):
    box = make(binds=(own(home / "missing"),))
    with pytest.raises(SandboxError, match="missing"):
        box.run(["true"])


def test_a_missing_lower_tree_is_named(make, home):
    box = make(lower=str(home / "missing"))
    with pytest.raises(SandboxError, match="missing"):
        box.run(["true"])


def test_an_interpreter_in_a_private_home_runs(make, home, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home / "venv")], check=True)
    executable = home / "venv" / "bin" / "python"
    box = make(binds=(own(home / "venv"),))
    result = box.run([str(executable), "-c", "import sys, json; print(sys.prefix)"])
    assert (result.stdout.decode().strip(), result.stderr) == (str(home / "venv"), b"")


def test_users_and_hosts_have_names_inside(box, python):
    ask = """
import getpass, os, pwd, socket
print(getpass.getuser(), pwd.getpwuid(os.getuid()).pw_dir, os.path.expanduser('~'))
print(socket.gethostbyname('localhost'))
"""
    assert python(box, ask) == (0, "sandbox /tmp /tmp\n127.0.0.1")


def test_zero_bytes_cannot_smuggle_in_arguments(box, home):
    for options in ({"env": {"A": f"x\0--bind\0{home}\0/h"}}, {"env": {"A\0B": "x"}}):
        with pytest.raises(UsageError):
            box.run(["true"], **options)
    with pytest.raises(UsageError):
        box.run(["true", "a\0b"])
    with pytest.raises(UsageError):
        box.run([])


def test_the_state_folder_may_lie_anywhere(make, base):
    assert Path(base).parent.stat().st_mode & 0o077 == 0
    box = make()
    assert box.path.is_relative_to(base)
    assert box.execute_command("echo x > y").return_code == 0
