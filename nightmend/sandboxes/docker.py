"""Sandboxes on Docker: a fresh container for each command, by a daemon on this machine."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import PurePosixPath

from docker.errors import NotFound

from nightmend.errors import PrerequisiteError
from nightmend.sandboxes.arguments import ETC
from nightmend.sandboxes.container import Container
from nightmend.sandboxes.docker_daemon import daemon, image
from nightmend.sandboxes.docker_reaping import labels
from nightmend.sandboxes.docker_request import Place, command_request, container_request
from nightmend.sandboxes.layered import Layered
from nightmend.sandboxes.owner import sandbox_owner
from nightmend.sandboxes.protocol import CommandResult, SandboxSpec
from nightmend.sandboxes.seccomp_profile import seccomp_profile
from nightmend.settings import Limits

_SEPARATORS = frozenset(",:\\\n")
"""Of the options of an overlay."""


class Docker(Layered):
    """One work layer; the daemon mounts it over the lower tree for one command at a time."""

    def __init__(self, spec: SandboxSpec) -> None:
        self._user = _user()
        with daemon() as api:
            name = image(api)
        super().__init__(spec)
        self._place = Place(
            image=name,
            folder=str(self.path),
            volume=f"nightmend-{self.id}" if spec.lower is not None else None,
            workdir=spec.workdir,
            binds=spec.binds,
            network=spec.network is not None,
            user=self._user,
            labels=labels(self.path),
            system_calls=_profile(),
        )
        try:
            self._lay_out()
        except BaseException:
            self.close()
            raise

    def _command(
        self, argv: Sequence[str], limits: Limits, environment: Mapping[str, str], stdin: bytes
    ) -> CommandResult:
        command = command_request(self._place, argv, environment)
        running = self._running = Container(self.path / "io", limits, self._disk)
        self._require_open()  # `close` sees what runs, or what runs sees `close`
        self._make_mount_points()
        return running.run(container_request(self._place, limits), command, stdin)

    def _lay_out(self) -> None:
        """Make what a container is made of: names of its user, pipes, and the overlay that it mounts."""
        etc, io = self.path / "etc", self.path / "io"
        etc.mkdir(mode=0o755)
        io.mkdir(mode=0o755)
        for file in ETC.iterdir():
            text = file.read_text()
            named = text.replace("x:1000:1000:", "x:{}:{}:".format(*self._user))
            (etc / file.name).write_text(named.replace("x:1000:", f"x:{self._user[1]}:"))
        for stream in ("stdin", "stdout", "stderr"):
            os.mkfifo(io / stream, 0o600)
            os.chown(io / stream, *self._user)
        if self._place.volume is not None:
            with daemon() as api:
                api.create_volume(self._place.volume, "local", self._overlay(), labels=self._place.labels)

    def _overlay(self) -> dict[str, str]:
        upper, work = self.path / "upper", self.path / "work"
        folders = {"lowerdir": str(self.spec.lower), "upperdir": str(upper), "workdir": str(work)}
        for folder in folders.values():
            if _SEPARATORS & set(folder):
                raise PrerequisiteError(
                    f"Docker cannot mount {folder!r}: choose a state folder and a base_directory without"
                    " comma, colon and backslash, or use bubblewrap"
                )
        options = ",".join(f"{name}={folder}" for name, folder in folders.items())
        return {"type": "overlay", "device": "overlay", "o": f"{options},userxattr"}

    def _make_mount_points(self) -> None:
        """Make the folders in the work layer that binds lie in: the daemon's would be root's."""
        workdir = PurePosixPath(self.spec.workdir)
        for bind in self.spec.binds:
            inside = PurePosixPath(bind.inside)
            if inside != workdir and inside.is_relative_to(workdir):
                point = inside if os.path.isdir(bind.host) else inside.parent
                if point != workdir:
                    self._layers.make_folder(str(point.relative_to(workdir)))

    def _remove(self) -> None:
        if self._place.volume is not None:
            with daemon() as api, suppress(NotFound):
                api.remove_volume(self._place.volume)
        super()._remove()


def _user() -> tuple[int, int]:
    """Return whom commands run as: nobody in particular where we are root, else ourselves."""
    user = sandbox_owner() or (os.geteuid(), os.getegid())
    if 0 in user:
        raise PrerequisiteError("Docker would run commands as root here: run nightmend as an ordinary user")
    return user


@cache
def _profile() -> str:
    return seccomp_profile()
