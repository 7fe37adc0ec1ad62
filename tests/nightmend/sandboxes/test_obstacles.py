"""Each thing that keeps sandboxes from running has its own sentence; test_backends denies some for real."""

import errno
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import nightmend
from nightmend.sandboxes.binary import bubblewrap_binary
from nightmend.sandboxes.obstacles import Surroundings, obstacle, surroundings

ASK = "from nightmend.sandboxes.obstacles import *; print(obstacle(surroundings()))"


@pytest.mark.parametrize(
    ("around", "said"),
    [
        (Surroundings(system="Darwin"), "this is macOS: use Docker"),
        (Surroundings(system="Windows"), "this is Windows: use Docker"),
        (Surroundings(system="Linux", unprivileged_userns_clone=0, unshare_error=errno.EPERM), "clone=1"),
        (Surroundings(system="Linux", max_user_namespaces=0), "user.max_user_namespaces=15000"),
        (Surroundings(system="Linux", in_container=True, unshare_error=errno.EPERM), "forbids `unshare`"),
        (Surroundings(system="Linux", in_container=True), "systempaths=unconfined"),
        (Surroundings(system="Linux", apparmor_restricts=1), "Ubuntu does since 24.04"),
        (Surroundings(system="Linux", apparmor_restricts=0, unshare_error=errno.EPERM), "a policy"),
    ],
)
def test_each_obstacle_has_its_own_cure(around, said):
    assert said in obstacle(around)


def test_where_nothing_is_in_the_way_nothing_is_said():
    assert obstacle(Surroundings(system="Linux", max_user_namespaces=10, apparmor_restricts=0)) == ""


def test_this_machine_is_looked_at_for_real():
    assert surroundings().unshare_error == 0
    assert surroundings().max_user_namespaces > 0


def asked(*command):
    here = str(Path(nightmend.__file__).parents[1])
    return subprocess.run(
        [*command, sys.executable, "-c", ASK],
        env={"PYTHONPATH": here},
        capture_output=True,
        text=True,
        check=True,
        cwd="/",
    ).stdout


@pytest.mark.skipif(not shutil.which("unshare"), reason="util-linux is not installed")
def test_a_kernel_that_allows_no_user_namespaces():
    """Inside a user namespace its root may forbid further ones."""
    forbid = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    said = asked(shutil.which("unshare"), "--user", "--map-root-user", "sh", "-c", forbid, "sh")
    assert "user.max_user_namespaces=15000" in said


def test_a_sandbox_of_something_else():
    binary = bubblewrap_binary()
    bwrap = [str(Path(binary.folder, binary.program)), "--unshare-user", "--disable-userns"]
    assert "outside of any sandbox" in asked(*bwrap, "--bind", "/", "/", "--dev", "/dev", "--proc", "/proc")
