"""What code in a sandbox meets; what it cannot reach is the hostile list, in tests/hostile."""

import threading
import time
from pathlib import Path

import pytest


def test_the_parent_folder_cannot_be_listed(box):
    assert box.execute_command("ls .").return_code == 0
    assert box.execute_command("ls ../").return_code != 0
    assert box.execute_command("chmod 755 ..; ls ..").return_code != 0


def test_there_is_no_network_but_its_own_loopback(box, python):
    out = "import socket; socket.create_connection(('1.1.1.1', 53), timeout=2)"
    assert "unreachable" in python(box, out)[1]
    own = (
        "import socket; s = socket.create_server(('127.0.0.1', 0)); socket.create_connection(s.getsockname())"
    )
    assert python(box, own) == (0, "")


def test_it_is_an_ordinary_user_inside(box):
    number, name = box.execute_command("id -u; id -un").stdout.split()
    assert (int(number) > 0, name) == (True, b"sandbox")


def test_nothing_but_the_three_streams_is_open(box):
    listed = box.run(["sh", "-c", "ls -l /proc/self/fd"]).stdout.decode().splitlines()[1:]
    assert [line.split()[-3] for line in listed] == ["0", "1", "2", "3"]  # 3 is ls's own


def test_it_does_not_run_as_root_outside_either(box, make):
    told = threading.Event()
    seen: list[int] = []

    def look() -> None:
        told.wait(10)
        for _ in range(200):
            for status in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    if b"sleep\x000.7531" in status.read_bytes():
                        seen.append(status.stat().st_uid)
                except OSError:
                    continue
            if seen:
                return
            time.sleep(0.01)

    thread = threading.Thread(target=look)
    thread.start()
    told.set()
    box.run(["sleep", "0.7531"])
    thread.join()
    assert seen
    assert 0 not in seen


def test_the_environment_is_small_and_known(make):
    sandbox = make(environment={"A": "1", "B": "1"})
    lines = sandbox.run(["env"], env={"B": "2"}).stdout.decode().splitlines()
    assert sorted(lines) == [
        "A=1",
        "B=2",
        "HOME=/tmp",
        "LANG=C.UTF-8",
        "PATH=/usr/local/bin:/usr/bin:/bin",
        "PWD=/jail/work",
    ]


def test_paths_of_the_host_are_not_on_the_command_line(box, base):
    assert str(base).encode() not in box.execute_command("cat /proc/*/cmdline").stdout


@pytest.mark.parametrize(
    "place", ["/", "/usr", "/etc", "/dev", "/jail", "/proc", "/etc/passwd", "/usr/bin/env"]
)
def test_only_the_work_layer_and_tmp_can_be_written(box, place):
    assert (
        box.execute_command("echo x > here && echo x > /tmp/here && echo x > /dev/shm/here").return_code == 0
    )
    target = place if place in {"/etc/passwd", "/usr/bin/env"} else f"{place}/here"
    assert box.execute_command(f"echo x > {target}").return_code != 0


def test_sockets_and_pipes_between_own_processes_work(box, python):
    source = """
import multiprocessing, socket
a, b = socket.socketpair(); a.send(b"x"); assert b.recv(1) == b"x"
with multiprocessing.get_context("fork").Pool(2) as pool: print(pool.map(abs, [-1, -2]))
"""
    assert python(box, source) == (0, "[1, 2]")


def test_no_mount_of_a_sandbox_is_left(make, tree):
    box = make(lower=str(tree({"a.txt": "A"})))
    assert box.run(["true"]).return_code == 0
    assert box.id not in Path("/proc/self/mountinfo").read_text()


def test_the_mounts_of_the_host_never_change(box, alive):
    mounts = Path("/proc/self/mountinfo")
    before = mounts.read_text()
    thread = threading.Thread(target=box.execute_command, args=("sleep 1.7321",))
    thread.start()
    try:
        until = time.monotonic() + 10
        while not alive("sleep\0" + "1.7321"):
            assert time.monotonic() < until
        assert mounts.read_text() == before
    finally:
        thread.join()
