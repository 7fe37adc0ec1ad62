"""One thread is somebody else for a moment, and what it executes then for good."""

import os
import subprocess
import threading

import pytest

from nightmend.sandboxes.owner import SANDBOX_ID, acting_as, sandbox_owner

pytestmark = pytest.mark.skipif(sandbox_owner() is None, reason="only root can become another user")
FIELDS = ("Uid", "Gid", "Groups", "CapPrm", "CapEff")


def credentials(thread):
    with open(f"/proc/self/task/{thread}/status") as status:
        lines = dict(line.rstrip("\n").split(":", 1) for line in status)
    return {name: lines[name].split() for name in FIELDS}


def test_the_thread_alone_changes_and_changes_back():
    ready, done = threading.Event(), threading.Event()
    other = threading.Thread(target=lambda: (ready.set(), done.wait()))
    other.start()
    ready.wait()
    before = credentials(threading.get_native_id())
    with acting_as((SANDBOX_ID, SANDBOX_ID)):
        assert credentials(threading.get_native_id())["Uid"][:2] == [str(SANDBOX_ID)] * 2
        assert credentials(other.native_id) == before
    done.set()
    other.join()
    assert credentials(threading.get_native_id()) == before


def test_the_way_back_is_open_after_an_error_too():
    before = credentials(threading.get_native_id())
    with pytest.raises(ZeroDivisionError), acting_as((SANDBOX_ID, SANDBOX_ID)):
        raise ZeroDivisionError
    assert credentials(threading.get_native_id()) == before
    with acting_as(None):
        assert credentials(threading.get_native_id()) == before


def test_what_is_executed_has_no_way_back():
    with acting_as((SANDBOX_ID, SANDBOX_ID)):
        shown = subprocess.run(["cat", "/proc/self/status"], capture_output=True, text=True, check=True)
    lines = dict(line.split(":", 1) for line in shown.stdout.splitlines())
    assert lines["Uid"].split() == lines["Gid"].split() == [str(SANDBOX_ID)] * 4
    assert lines["Groups"].split() == []
    assert int(lines["CapPrm"], 16) == int(lines["CapEff"], 16) == 0
    assert os.access("/proc/self/mem", os.R_OK)
