"""What the daemon is asked for, option by option; no daemon is needed to see it."""

import json
import os

import pytest

from nightmend.errors import UsageError
from nightmend.sandboxes.docker_request import KEEPER, Place, command_request, container_request
from nightmend.sandboxes.protocol import Bind
from nightmend.sandboxes.seccomp_profile import seccomp_profile
from nightmend.settings import MIB, Limits

LIMITS = Limits(
    memory=100 * MIB, cpu_seconds=7, processes=9, open_files=99, file_bytes=3 * MIB, tmp_bytes=5 * MIB
)
PLACE = Place(
    image="nightmend-sandbox:0",
    folder="/boxes/one",
    volume="nightmend-one",
    workdir="/jail/work",
    binds=(Bind(host="/opt/python", inside="/opt/python"),),
    network=False,
    user=(57343, 57343),
    labels={"nightmend.sandbox": "/boxes/one"},
    system_calls=seccomp_profile("x86_64"),
)


@pytest.fixture
def body():
    return container_request(PLACE, LIMITS)


@pytest.fixture
def host(body):
    return body["HostConfig"]


def mounts(body):
    return {mount["Target"]: mount for mount in body["HostConfig"]["Mounts"]}


def test_there_is_no_network(body, host):
    assert (body["NetworkDisabled"], host["NetworkMode"]) == (True, "none")
    asked = container_request(PLACE.model_copy(update={"network": True}), LIMITS)
    assert (asked["NetworkDisabled"], asked["HostConfig"]["NetworkMode"]) == (False, "host")


def test_no_privilege_is_left(host):
    assert host["CapDrop"] == ["ALL"]
    assert "CapAdd" not in host
    assert host["Privileged"] is False
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert not any("unconfined" in option for option in host["SecurityOpt"])


def test_system_calls_are_filtered_by_our_profile(host):
    (option,) = (option for option in host["SecurityOpt"] if option.startswith("seccomp="))
    assert json.loads(option.removeprefix("seccomp=")) == json.loads(PLACE.system_calls)


def test_users_are_ordinary_and_the_first_process_is_another_one(body):
    assert body["User"] == KEEPER
    command = command_request(PLACE, ["true"], {})
    assert command["user"] == "57343:57343"
    assert "0" not in (*KEEPER.split(":"), *command["user"].split(":"))
    assert not set(KEEPER.split(":")) & set(command["user"].split(":"))


def test_nothing_but_the_work_layer_and_memory_can_be_written(body, host):
    assert host["ReadonlyRootfs"] is True
    writable = [target for target, mount in mounts(body).items() if not mount.get("ReadOnly")]
    assert writable == ["/jail/work"]
    assert host["Tmpfs"] == {"/tmp": f"rw,exec,nosuid,nodev,size={5 * MIB},mode=1777"}
    assert host["ShmSize"] == 5 * MIB


def test_an_empty_tree_needs_no_volume():
    body = container_request(PLACE.model_copy(update={"volume": None}), LIMITS)
    work = mounts(body)["/jail/work"]
    assert (work["Type"], work["Source"], work["ReadOnly"]) == ("bind", "/boxes/one/upper", False)


def test_memory_is_limited_without_swap(host):
    assert host["Memory"] == host["MemorySwap"] == 100 * MIB
    assert host["OomScoreAdj"] == 1000


def test_processes_processors_and_files_are_limited(host):
    assert 9 < host["PidsLimit"] < 16
    assert host["NanoCpus"] == os.cpu_count() * 10**9
    ulimits = {limit["Name"]: (limit["Soft"], limit["Hard"]) for limit in host["Ulimits"]}
    assert ulimits == {"core": (0, 0), "fsize": (3 * MIB,) * 2, "nofile": (99, 99), "cpu": (9, 9)}


def test_namespaces_are_its_own(host):
    assert (host["IpcMode"], host["PidMode"]) == ("private", "")


def test_the_kernel_is_hidden_and_read_only(host):
    assert {"/sys", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/dev/mqueue"} <= set(
        host["MaskedPaths"]
    )
    assert {"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus"} <= set(host["ReadonlyPaths"])


def test_the_daemon_keeps_no_output_and_no_container(body, host):
    assert host["LogConfig"] == {"Type": "none"}
    assert host["AutoRemove"] is True
    assert (body["AttachStdout"], body["AttachStderr"]) == (False, False)
    assert (body["OpenStdin"], body["StdinOnce"]) == (True, True)


def test_labels_say_whose_it_is(body):
    assert body["Labels"] == PLACE.labels


def test_names_and_resolvers_of_the_host_are_covered(body):
    seen = mounts(body)
    assert seen["/etc/passwd"]["Source"] == "/boxes/one/etc/passwd"
    assert seen["/etc/resolv.conf"]["Source"] == "/dev/null"
    assert "/etc" not in seen


def test_a_bind_takes_the_place_of_what_is_there_and_no_place_is_named_twice():
    bind = Bind(host="/run/resolv.conf", inside="/etc/resolv.conf")
    body = container_request(PLACE.model_copy(update={"binds": (bind,)}), LIMITS)
    places = [mount["Target"] for mount in body["HostConfig"]["Mounts"]]
    assert len(places) == len(set(places))
    assert mounts(body)["/etc/resolv.conf"]["Source"] == "/run/resolv.conf"


def test_a_mount_shows_one_file_system_and_comes_back_nowhere(body):
    for mount in mounts(body).values():
        if mount["Type"] == "bind":
            assert mount["BindOptions"] == {"NonRecursive": True, "Propagation": "rprivate"}


def test_the_environment_is_what_the_sandbox_says():
    command = command_request(PLACE, ["env"], {"A": "1"})
    assert command["environment"] == ["A=1", "PWD=/jail/work", "HOSTNAME"]
    with pytest.raises(UsageError, match="zero byte"):
        command_request(PLACE, ["env"], {"A": "1\0B=2"})
