"""What a container daemon is asked for: every hardening option of a command, as the API's JSON."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nightmend.errors import UsageError
from nightmend.frozen import Frozen
from nightmend.sandboxes.arguments import ETC, HOST_ETC, TOP_FOLDERS
from nightmend.sandboxes.protocol import Bind
from nightmend.settings import Limits

KEEPER = "57342:57342"
"""User and group of a container's first process: not the command's, which must not reach it."""
KEEP = ("/bin/sh", "-c", "cat; :")
"""Lives as long as we hold its standard input, and so does all else: the kernel ends what it leaves."""
STREAMS = "/jail/io"
OVERHEAD = 4
"""Processes beside the command's: those of the first one, and of the runtime while it enters."""
MASKED = (
    "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
    "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys", "/dev/mqueue",
)  # fmt: skip
READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
_REDIRECT = f'exec >{STREAMS}/stdout 2>{STREAMS}/stderr <{STREAMS}/stdin; exec "$@"'
"""The last of the three waits until we open it: so the command does not begin before it is watched."""


class Place(Frozen):
    """The sandbox that a command runs in, as the daemon sees the host."""

    image: str
    folder: str
    """Of the sandbox; has `etc` and `io`, and `upper` where there is no volume."""
    volume: str | None
    """Of the work layer over the lower tree."""
    workdir: str
    binds: tuple[Bind, ...]
    network: bool
    user: tuple[int, int]
    labels: dict[str, str]
    system_calls: str
    """The profile, as JSON."""


def container_request(place: Place, limits: Limits) -> dict[str, Any]:
    """Return the body of `POST /containers/create`."""
    return {
        "Image": place.image,
        "Cmd": list(KEEP),
        "User": KEEPER,
        "Env": ["PATH=/usr/bin:/bin"],
        "WorkingDir": "/",
        "Hostname": "sandbox",
        "Labels": place.labels,
        "OpenStdin": True,
        "StdinOnce": True,
        "AttachStdin": True,
        "AttachStdout": False,
        "AttachStderr": False,
        "NetworkDisabled": not place.network,
        "HostConfig": {**_isolation(place), **_limits(limits), "Mounts": _mounts(place)},
    }


def command_request(place: Place, argv: Sequence[str], environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments of the SDK's `exec_create`."""
    niceness = max(0, os.nice(0))  # the daemon starts it, so that it does not inherit ours
    nicely = ("nice", "-n", str(niceness)) if niceness else ()
    command = ["/bin/sh", "-c", _REDIRECT, "sh", *nicely, *argv]
    variables = [f"{name}={value}" for name, value in {**environment, "PWD": place.workdir}.items()]
    for word in (*command, *variables):
        if "\0" in word:
            raise UsageError(f"the argument or variable {word!r} of a command holds a zero byte")
    return {
        "cmd": command,
        "user": "{}:{}".format(*place.user),
        "workdir": place.workdir,
        "environment": [*variables, "HOSTNAME"],  # a name alone takes away what the daemon sets
        "stdout": False,
        "stderr": False,
    }


def _isolation(place: Place) -> dict[str, Any]:
    return {
        "AutoRemove": True,
        "OomScoreAdj": 1000,  # dies before anything else where the machine lacks memory
        "NetworkMode": "host" if place.network else "none",
        "IpcMode": "private",
        "PidMode": "",
        "Privileged": False,
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true", f"seccomp={place.system_calls}"],
        "MaskedPaths": list(MASKED),
        "ReadonlyPaths": list(READ_ONLY),
        "LogConfig": {"Type": "none"},
    }


def _limits(limits: Limits) -> dict[str, Any]:
    ulimits = {
        "core": 0,
        "fsize": limits.file_bytes,
        "nofile": limits.open_files,
        "cpu": int(limits.cpu_seconds) + 2,
    }
    return {
        "Memory": limits.memory,
        "MemorySwap": limits.memory,  # together with memory: none of it
        "PidsLimit": limits.processes + OVERHEAD,
        "NanoCpus": (os.cpu_count() or 1) * 10**9,
        "Ulimits": [{"Name": name, "Soft": value, "Hard": value} for name, value in ulimits.items()],
        "ShmSize": limits.tmp_bytes,
        "Tmpfs": {"/tmp": f"rw,exec,nosuid,nodev,size={limits.tmp_bytes},mode=1777"},  # noqa: S108 -- inside
    }


def _mounts(place: Place) -> list[dict[str, Any]]:
    """Return the same world as bubblewrap shows; the daemon mounts outer places first."""
    mounts = {mount["Target"]: mount for mount in _system(place)}
    mounts[place.workdir] = _work_layer(place)
    return [*(mounts | {bind.inside: _bind(bind.host, bind.inside) for bind in place.binds}).values()]


def _system(place: Place) -> Iterator[dict[str, Any]]:
    for folder in ("/usr", *TOP_FOLDERS):
        if os.path.isdir(folder) and not os.path.islink(folder):  # the image has the links
            yield _bind(folder, folder)
    for file in sorted(os.listdir(ETC)):
        yield _bind(f"{place.folder}/etc/{file}", f"/etc/{file}")
    for path in HOST_ETC:
        if os.path.exists(path):
            yield _bind(path, path)
    yield _bind("/dev/null", "/etc/resolv.conf")  # else the daemon shows the host's
    yield _bind(f"{place.folder}/io", STREAMS)


def _work_layer(place: Place) -> dict[str, Any]:
    if place.volume is None:
        return {**_bind(f"{place.folder}/upper", place.workdir), "ReadOnly": False}
    options = {"NoCopy": True}
    return {"Type": "volume", "Source": place.volume, "Target": place.workdir, "VolumeOptions": options}


def _bind(source: str, target: str) -> dict[str, Any]:
    """Show one file system, read-only: what is mounted below it would not be."""
    return {
        "Type": "bind", "Source": source, "Target": target, "ReadOnly": True,
        "BindOptions": {"NonRecursive": True, "Propagation": "rprivate"},
    }  # fmt: skip
