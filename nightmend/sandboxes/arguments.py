"""The argument list of bubblewrap: what a command sees, in the order in which it is mounted."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from nightmend.errors import UsageError
from nightmend.frozen import Frozen
from nightmend.sandboxes.protocol import DEFAULT_WORKDIR, Bind

ETC = Path(__file__).with_name("etc")
HOST_ETC = ("/etc/alternatives", "/etc/ld.so.cache")  # names of libraries and commands below /usr, no secrets
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8"}  # noqa: S108 -- inside
ISOLATION = (
    "--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session",
    "--cap-drop", "ALL", "--uid", "1000", "--gid", "1000", "--hostname", "sandbox", "--clearenv",
)  # fmt: skip
TOP_FOLDERS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")


class Mounts(Frozen):
    """Where everything to mount lies, as bubblewrap sees the host."""

    lower: str | None
    upper: str
    work: str
    workdir: str
    etc: str
    binds: tuple[Bind, ...]
    tmp_bytes: int
    network: bool = False


def arguments(mounts: Mounts, environment: Mapping[str, str]) -> list[str]:
    """Return everything but the descriptors and the command."""
    return [
        *ISOLATION,
        *(("--share-net",) if mounts.network else ()),
        *(word for item in environment.items() for word in ("--setenv", *item)),
        *_system(mounts),
        *("--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys", "--dev", "/dev"),
        *_tmpfs("/dev/shm", mounts.tmp_bytes),  # noqa: S108 -- inside
        *_tmpfs("/tmp", mounts.tmp_bytes),  # noqa: S108 -- inside
        *_places(mounts),
        *("--remount-ro", "/dev", "--remount-ro", "/", "--chdir"),
        mounts.workdir,
    ]


def _system(mounts: Mounts) -> Iterator[str]:
    yield from ("--ro-bind", "/usr", "/usr")
    for folder in TOP_FOLDERS:
        if os.path.islink(folder):
            yield from ("--symlink", os.readlink(folder), folder)
        elif os.path.isdir(folder):
            yield from ("--ro-bind", folder, folder)
    yield from ("--perms", "0755", "--dir", "/etc")
    for file in sorted(os.listdir(ETC)):
        yield from ("--ro-bind", f"{mounts.etc}/{file}", f"/etc/{file}")
    for path in HOST_ETC:
        yield from ("--ro-bind-try", path, path)


def _tmpfs(place: str, size: int) -> tuple[str, ...]:
    return ("--size", str(size), "--perms", "1777", "--tmpfs", place)


def _places(mounts: Mounts) -> Iterator[str]:
    """Yield the work layer and the binds, outer places first, below parents of their own."""
    places = {mounts.workdir: _work_layer(mounts)}
    for bind in mounts.binds:
        places[bind.inside] = ("--ro-bind", bind.host, bind.inside)
    made: set[str] = set()
    for place in sorted(places, key=lambda place: PurePosixPath(place).parts):
        for parent in reversed(PurePosixPath(place).parents[:-1]):
            if str(parent) not in made and not _mounted(str(parent), places):
                made.add(str(parent))
                permissions = "0111" if str(parent) == os.path.dirname(DEFAULT_WORKDIR) else "0755"
                yield from ("--perms", permissions, "--dir", str(parent))
        yield from places[place]


def _mounted(path: str, places: Mapping[str, object]) -> bool:
    """Whether a path is, or lies below, something that is mounted already."""
    system = {"/usr", "/etc", "/proc", "/dev", "/tmp", *TOP_FOLDERS}  # noqa: S108 -- inside
    return path in system or any(str(p) in places for p in (path, *PurePosixPath(path).parents))


def _work_layer(mounts: Mounts) -> tuple[str, ...]:
    if mounts.lower is None:
        return ("--bind", mounts.upper, mounts.workdir)
    return ("--overlay-src", mounts.lower, "--overlay", mounts.upper, mounts.work, mounts.workdir)


def check_inside(path: str) -> str:
    """Return an absolute, normal path inside the sandbox; UsageError says why it is none."""
    parts = PurePosixPath(path).parts
    if (
        not path.startswith("/")
        or path.startswith("//")
        or ".." in parts
        or "\0" in path
        or str(PurePosixPath(path)) != path
    ):
        raise UsageError(f"the place {path!r} inside a sandbox must be an absolute path without `..`")
    if path == "/" or path in {"/usr", "/etc", "/proc", "/dev", *TOP_FOLDERS} or parts[1] in {"proc", "dev"}:
        raise UsageError(f"the place {path!r} inside a sandbox would hide the system there")
    return path
