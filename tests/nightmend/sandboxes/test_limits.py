"""Limits hold for all processes of a command together, and say which one was reached."""

import os
import threading
import time

import pytest

from nightmend.settings import GIB, MIB, Limits

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("meter")]
HOG = """
import os, time
for _ in range({count}):
    if os.fork() == 0:
        x = b"x" * {size}; time.sleep({seconds}); os._exit(0)
for _ in range({count}): os.wait()
"""
SPIN = """
import os
for _ in range({count}):
    if os.fork() == 0:
        while True: pass
while True: os.wait()
"""


def test_within_its_limits_nothing_is_named(box, run_python):
    limits = Limits(memory=192 * MIB, cpu_seconds=5, wall_seconds=20, processes=8)
    result = run_python(box, HOG.format(count=3, size=20 * MIB, seconds=0.1), limits=limits)
    assert (result.return_code, result.limit, result.truncated, result.stderr) == (0, None, False, b"")
    assert 0 < result.cpu_seconds < 3
    assert 0.1 < result.wall_seconds < 10
    assert 60 * MIB < result.peak_memory < 192 * MIB


@pytest.mark.parametrize(("count", "size"), [(1, 300 * MIB), (5, 40 * MIB)])
def test_memory_of_one_or_of_many(box, run_python, count, size):
    limits = Limits(memory=128 * MIB, wall_seconds=30)
    result = run_python(box, HOG.format(count=count, size=size, seconds=20), limits=limits)
    assert result.limit == "memory"
    assert result.return_code != 0
    assert result.wall_seconds < 10


def test_memory_that_a_clean_exit_would_hide(box):
    hidden = ["sh", "-c", "head -c 200M /dev/zero | tail -n 1 > /dev/null; exit 0"]
    assert box.run(hidden, limits=Limits(memory=GIB)).return_code == 0
    result = box.run(hidden, limits=Limits(memory=64 * MIB))
    assert result.limit == "memory"
    assert result.return_code != 0


def test_memory_in_files_of_the_temporary_folders(box):
    fill = "head -c 200M /dev/zero > /{}/x && sleep 0.2"
    for folder in ("tmp", "dev/shm"):
        assert box.execute_command(fill.format(folder)).return_code == 0
        result = box.run(["sh", "-c", fill.format(folder)], limits=Limits(memory=64 * MIB))
        assert result.limit == "memory"
        assert result.return_code != 0


def test_memory_that_belongs_to_no_process(box, run_python, meter):
    source = """
import os, time
file = os.memfd_create('x')
for _ in range(200): os.write(file, b'x' * 2**20)
time.sleep(0.2)
"""
    result = run_python(box, source, limits=Limits(memory=64 * MIB))
    assert result.return_code != 0
    assert result.limit == "memory" or b"not implemented" in result.stderr
    if meter == "polling":
        assert result.limit is None


@pytest.mark.parametrize("count", [0, 3])
def test_cpu_time_of_one_or_of_many(box, run_python, count):
    source = SPIN.format(count=count) if count else "while True: pass"
    result = run_python(box, source, limits=Limits(cpu_seconds=0.6, wall_seconds=20))
    assert result.limit == "cpu_seconds"
    assert result.return_code != 0
    assert 0.6 <= result.cpu_seconds < 5


def test_cpu_time_of_children_that_have_ended(box, run_python):
    source = """
import os, time
for _ in range(99):
    if os.fork() == 0:
        while time.process_time() < 0.05: pass
        os._exit(0)
    os.wait()
"""
    result = run_python(box, source, limits=Limits(cpu_seconds=0.6, wall_seconds=20))
    assert result.limit == "cpu_seconds"
    assert result.return_code != 0


def test_time_on_the_clock(box):
    result = box.run(["sleep", "20"], limits=Limits(wall_seconds=0.3))
    assert result.limit == "wall_seconds"
    assert result.return_code != 0
    assert 0.3 < result.wall_seconds < 15


@pytest.mark.parametrize("stream", [1, 2])
def test_a_flood_of_output(box, stream):
    result = box.run(["sh", "-c", f"yes >&{stream}"], limits=Limits(output_bytes=100_000, wall_seconds=20))
    assert result.limit == "output"
    assert result.truncated
    assert result.return_code != 0
    assert [len(result.stdout), len(result.stderr)][stream - 1] == 100_000
    assert result.wall_seconds < 15


def test_a_flood_that_may_be_dropped_ends_nothing(box):
    limits = Limits(output_bytes=100_000, more_output="drop", wall_seconds=60)
    result = box.run(["sh", "-c", "yes | head -c 100000000; echo done >&2"], limits=limits)
    assert (result.return_code, result.limit, result.truncated) == (0, None, True)
    assert (len(result.stdout), result.stderr) == (100_000, b"done\n")


def test_output_up_to_the_limit_is_whole(box):
    result = box.run(["head", "-c", "100000", "/dev/zero"], limits=Limits(output_bytes=100_000))
    assert (len(result.stdout), result.limit, result.truncated) == (100_000, None, False)


def test_the_size_of_one_file(box):
    write = ["sh", "-c", "exec head -c 3000000 /dev/zero > file"]
    assert box.run(write).return_code == 0
    result = box.run(write, limits=Limits(file_bytes=1_000_000))
    assert result.limit == "file_bytes"
    assert result.return_code != 0
    assert len(box.read("file")) <= 1_000_000


def test_a_fork_bomb(box, meter):
    result = box.run(["sh", "-c", "b() { b | b & b; }; b"], limits=Limits(processes=40, wall_seconds=20))
    assert result.return_code != 0
    assert result.wall_seconds < 15
    assert result.limit == "processes" or (meter == "polling" and b"Cannot fork" in result.stderr)
    assert box.run(["true"]).return_code == 0


def test_more_processes_than_allowed(box, run_python, meter):
    source = """
import os, time
for _ in range({}):
    if os.fork() == 0:
        time.sleep(0.5); os._exit(0)
time.sleep(0.5)
"""
    assert run_python(box, source.format(20), limits=Limits(processes=40)).limit is None
    result = run_python(box, source.format(60), limits=Limits(processes=40))
    assert result.return_code != 0
    assert result.limit == "processes" or (meter == "polling" and b"unavailable" in result.stderr)


def test_threads_count_as_processes(box, run_python, meter):
    source = (
        "import threading, time\nfor _ in range({}): threading.Thread(target=time.sleep, args=(0.3,)).start()"
    )
    assert run_python(box, source.format(20), limits=Limits(processes=40)).return_code == 0
    result = run_python(box, source.format(60), limits=Limits(processes=40))
    assert result.return_code != 0
    assert result.limit == "processes" or (meter == "polling" and b"start new thread" in result.stderr)


def test_the_disk(box):
    fill = "for i in 1 2 3 4 5 6 7 8; do head -c 8M /dev/zero > f$i; sleep 0.03; done; sleep {}"
    assert box.execute_command(fill.format(0)).return_code == 0
    result = box.run(["sh", "-c", fill.format(20)], limits=Limits(disk_bytes=30 * MIB))
    assert result.limit == "disk_bytes"
    assert result.return_code != 0
    assert result.wall_seconds < 10


def test_the_disk_is_not_blamed_for_what_others_write(box, tmp_path):
    def write() -> None:
        with (tmp_path / "other").open("wb") as file:
            for _ in range(40):
                file.write(os.urandom(MIB))
                file.flush()
                os.fsync(file.fileno())

    thread = threading.Thread(target=write)
    thread.start()
    result = box.run(["sleep", "1"], limits=Limits(disk_bytes=20 * MIB))
    thread.join()
    assert result.limit is None


def test_open_files(box, run_python):
    source = "f = [open('/dev/null') for _ in range(100)]"
    assert run_python(box, source).return_code == 0
    assert b"Too many open files" in run_python(box, source, limits=Limits(open_files=50)).stderr


def test_a_daemon_ends_with_its_command(box, python, alive):
    source = """
import os, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for fd in (0, 1, 2): os.close(fd)
        os.execvp("sleep", ["sleep", "27.1828"])
    os._exit(0)
import time; time.sleep({})
"""
    seen: list[bool] = []
    thread = threading.Thread(target=python, args=(box, source.format(3.0)))
    thread.start()
    until = time.monotonic() + 20
    while not seen and time.monotonic() < until:
        if alive("27.1828"):
            seen.append(True)
    thread.join()
    assert seen
    assert not alive("27.1828")
    python(box, source.format(0.1))
    assert not alive("27.1828")


def test_everything_is_gone_when_a_limit_is_reported(box, alive):
    result = box.run(["sh", "-c", "sleep 27.1830 & sleep 27.1830"], limits=Limits(wall_seconds=0.3))
    assert not alive("27.1830")
    assert result.wall_seconds < 20, "it was waited for"


def test_standard_input_reaches_the_command_and_ends(box):
    content = bytes(range(256)) * 2000
    assert box.run(["cat"], stdin=content).stdout == content
    assert box.run(["cat"]).stdout == b""
    assert box.run(["true"], stdin=content).return_code == 0
    assert box.run(["head", "-c", "3"], stdin=content).stdout == content[:3]


def test_exit_codes_are_those_of_a_shell(box):
    codes = [
        box.execute_command(line).return_code for line in ("true", "exit 3", "kill -9 $$", "kill -15 $$")
    ]
    assert codes == [0, 3, 137, 143]
    assert box.run(["no-such-command"]).return_code == 127
    assert box.run(["/etc/passwd"]).return_code == 126
    assert box.run(["true"], limits=Limits(memory=GIB)).limit is None


def test_a_command_that_neither_says_nor_does_anything(box):
    result = box.run(["sh", "-c", "echo begun; sleep 30"], limits=Limits(silent_seconds=0.5))
    assert result.limit == "silent_seconds"
    assert result.stdout == b"begun\n"
    assert result.wall_seconds < 25


def test_a_command_that_works_is_not_silent(box, run_python, monkeypatch):
    monkeypatch.setattr("nightmend.sandboxes.watching._LOOK_SECONDS", 0.2)
    limits = Limits(silent_seconds=2)
    code = "import time\nend = time.monotonic() + 3\nwhile time.monotonic() < end: pass"
    assert run_python(box, code, limits=limits).limit is None
    spoken = ["sh", "-c", "for i in 1 2 3 4 5 6; do echo $i; sleep 0.5; done"]
    assert box.run(spoken, limits=limits).limit is None


def test_output_that_nobody_keeps_is_a_sign_of_life_too(box):
    limits = Limits(silent_seconds=2, output_bytes=2, more_output="drop")
    spoken = ["sh", "-c", "for i in 1 2 3 4 5 6 7; do echo $i; sleep 0.5; done"]
    assert box.run(spoken, limits=limits).limit is None
