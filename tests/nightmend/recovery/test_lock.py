"""A second night is told who works on a target; a dead one never stands in its way."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

from nightmend.errors import PrerequisiteError
from nightmend.git.target import Target
from nightmend.recovery.lock import Holder, alone, refuse_second

HOLDER = """
import subprocess, sys
from pathlib import Path
from nightmend.git.target import Target
from nightmend.recovery.lock import alone
with alone(Path(sys.argv[1]), Target.open(Path(sys.argv[2])), "night") as note_run:
    note_run("20261127-020000")
    # A child as careless as can be: it is given every descriptor that may be inherited.
    nothing = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    child = subprocess.Popen(["sleep", "60"], close_fds=False, **nothing)
    print(child.pid, flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def another_night(home, target):
    """Let another process work on a target; gives it, and the child that outlives it."""
    command = [sys.executable, "-c", HOLDER, str(home), str(target.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        child = int(process.stdout.readline())
        try:
            yield process, child
        finally:
            process.kill()
            os.kill(child, signal.SIGKILL)


@pytest.fixture
def target(workspace_of):
    return workspace_of({"a.py": ""}).target


def test_a_second_night_is_told_who_works_and_since_when(tmp_path, target):
    began = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
    with another_night(tmp_path, target) as (process, _):
        with pytest.raises(PrerequisiteError) as refused, alone(tmp_path, target, "night"):
            pass
        said = str(refused.value)
        assert f"{target.path} is being worked on: night 20261127-020000" in said
        assert f"process {process.pid} on {socket.gethostname()}" in said
        told = re.search(r"since (\d{4}-\d\d-\d\d \d\d:\d\d):\d\d UTC", said)
        assert told
        assert began <= told[1]
        with pytest.raises(PrerequisiteError, match="is being worked on"):
            refuse_second(tmp_path, target)
    assert refused.value.exit_code == 3


def test_a_killed_night_leaves_the_target_free_though_its_child_lives(tmp_path, target):
    with another_night(tmp_path, target) as (process, child):
        process.kill()
        process.wait()
        os.kill(child, 0)
        with alone(tmp_path, target, "night"):
            pass


def test_a_working_tree_beside_it_is_the_same_target(tmp_path, target):
    beside = tmp_path / "beside"
    subprocess.run(["git", "-C", target.path, "worktree", "add", "--quiet", "--detach", beside], check=True)
    with alone(tmp_path, target, "drop"), pytest.raises(PrerequisiteError, match="drop "):
        refuse_second(tmp_path, Target.open(beside))
    refuse_second(tmp_path, Target.open(beside))


def test_other_targets_and_other_state_folders_are_free(tmp_path, target, workspace_of):
    other = workspace_of({"b.py": ""}).target
    with (
        alone(tmp_path, target, "night"),
        alone(tmp_path, other, "night"),
        alone(tmp_path / "2", target, "night"),
    ):
        pass


def test_who_looks_does_not_keep_others_from_looking(tmp_path, target):
    refuse_second(tmp_path, target)
    with alone(tmp_path, target, "night"):
        pass
    refuse_second(tmp_path, target)


def test_what_a_dead_night_said_of_itself_is_never_mixed_with_what_the_next_says(tmp_path, target):
    long, short = "x" * 300, "y"
    with alone(tmp_path, target, "rollback") as note_run:
        note_run(long)
    with alone(tmp_path, target, "night") as note_run:
        note_run(short)
        with pytest.raises(PrerequisiteError, match=f"night {short} "):
            refuse_second(tmp_path, target)


def test_an_unreadable_word_of_the_holder_still_keeps_the_second_away(tmp_path, target):
    with alone(tmp_path, target, "night"):
        (lock,) = (tmp_path / "locks").iterdir()
        lock.write_bytes(b"")
        with pytest.raises(PrerequisiteError, match="another night has begun"):
            refuse_second(tmp_path, target)


def test_a_state_folder_that_cannot_be_written_is_a_sentence(tmp_path, target):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(PrerequisiteError, match="set NIGHTMEND_HOME"),
        alone(tmp_path / "file", target, "night"),
    ):
        pass


def test_a_night_without_a_name_yet_says_what_it_is():
    holder = Holder(work="night", pid=7, host="here", started=0)
    assert holder.sentence == "night (process 7 on here) has worked on it since 1970-01-01 00:00:00 UTC"
