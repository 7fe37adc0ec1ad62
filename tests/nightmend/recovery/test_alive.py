"""Whoever looks at the file of a run knows whether its process lives, however that ended."""

import subprocess
import sys

from nightmend.recovery.alive import file_of, hold, left, somebody_lives

HOLDER = """
import sys
from pathlib import Path
from nightmend.recovery.alive import hold
hold(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_file_is_left_when_its_process_is_killed_and_not_before(tmp_path):
    place = file_of(tmp_path, "a-run")
    command = [sys.executable, "-c", HOLDER, str(place)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        with left(place) as said:
            assert said is None
        assert somebody_lives(tmp_path)
        process.kill()
        process.wait()
    with left(place) as said:
        assert said == b""
    assert not somebody_lives(tmp_path)


def test_what_a_run_said_is_for_who_finds_it(tmp_path):
    place = file_of(tmp_path, "a-run")
    place.parent.mkdir()
    place.write_bytes(b"cancelled")
    with left(place) as said:
        assert said == b"cancelled"
        with left(place) as second:
            assert second is None, "one at a time tells of it"


def test_a_run_that_ended_in_order_has_no_file(tmp_path):
    with left(file_of(tmp_path, "a-run")) as said:
        assert said is None
    place = file_of(tmp_path, "another")
    hold(place)
    place.unlink()
    assert not somebody_lives(tmp_path)
