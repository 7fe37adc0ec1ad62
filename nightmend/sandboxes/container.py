"""One command in a container of its own, from its start until nothing of it is left."""

import errno
import os
import socket
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any

import docker
from docker.errors import APIError, NotFound

from nightmend.errors import SandboxError
from nightmend.sandboxes.cgroups import ContainerGroups
from nightmend.sandboxes.disk import Disk
from nightmend.sandboxes.docker_daemon import daemon
from nightmend.sandboxes.protocol import CommandResult
from nightmend.sandboxes.watching import Pipes, Watch, readable
from nightmend.settings import Limits

_SETUP_SECONDS = 30
_DEATH_SECONDS = 60
_GLANCE = 0.001
_LOOK = 0.02
_PATIENCE = 1.0


class Container:
    """Runs a command once; `end` may be called from any thread, at any time.

    The container lives as long as we hold the standard input of its first process, so it dies with us.
    """

    def __init__(self, streams: Path, limits: Limits, disk: Disk) -> None:
        self._api: docker.APIClient
        self._streams = streams
        self._meter = ContainerGroups(limits)
        self._watch = Watch(limits, self._meter, disk, self._end)
        self._guard = threading.Lock()
        self._id: str | None = None
        self._tie: socket.socket | None = None
        self._ended = 0.0
        self._init: int | None = None  # process descriptor of the container's first process

    def end(self) -> None:
        """Kill every process of the command; its `run` raises SandboxError."""
        self._watch.closed = True
        self._end()

    def run(self, container: dict[str, Any], command: dict[str, Any], stdin: bytes) -> CommandResult:
        """Return when nothing of the command is left; SandboxError when it could not be started."""
        code = None
        with ExitStack() as stack:
            self._api = stack.enter_context(daemon())
            stdout, stderr = (self._opened(name, os.O_RDONLY, stack) for name in ("stdout", "stderr"))
            stack.callback(self._meter.close)
            try:
                self._start(container, stack)
                command_id = self._api.exec_create(self._id, **command)["Id"]
                if not self._watch.closed:
                    self._api.exec_start(command_id, detach=True)
                    monitor = self._monitor(command_id, stack)
                    pipes = Pipes(self._stdin(monitor, stack), stdout, stderr)
                    self._meter.begin()
                    self._watch.serve(monitor, pipes, stdin)
                    code = self._code(command_id)
            finally:
                self._meter.usage()  # for the last time
                self._finish()
            self._watch.drain(Pipes(stdout, stdout, stderr))
        return self._watch.result(code, 0.0, "its container was ended from outside")

    def _start(self, container: dict[str, Any], stack: ExitStack) -> None:
        self._id = str(self._api.create_container_from_config(container)["Id"])
        attached = self._api.attach_socket(self._id, params={"stdin": 1, "stream": 1})
        with self._guard:
            self._tie = attached._sock
        stack.callback(attached._sock.close)
        stack.callback(attached.close)
        self._api.start(self._id)
        pid = self._api.inspect_container(self._id)["State"]["Pid"]
        try:
            self._init = os.pidfd_open(pid)
            stack.callback(os.close, self._init)
            ours = self._id in Path(f"/proc/{pid}/cgroup").read_text()
        except (OSError, ValueError):
            ours = False
        if not ours:
            raise SandboxError("the Docker daemon does not run on this machine, or sees other processes")
        self._meter.admit((pid,))

    def _monitor(self, command_id: str, stack: ExitStack) -> int:
        """Return a process descriptor of the command, which still waits for us to open its input."""
        found = self._api.exec_inspect(command_id)
        try:
            descriptor = os.pidfd_open(found["Pid"])
        except (OSError, ValueError):
            raise SandboxError(f"a command did not start in its container ({found['ExitCode']})") from None
        stack.callback(os.close, descriptor)
        return descriptor

    def _stdin(self, monitor: int, stack: ExitStack) -> IO[bytes]:
        """Open the command's input, as soon as the command does; from then on it runs."""
        until = time.monotonic() + _SETUP_SECONDS
        while True:
            last = readable(monitor, 0) or time.monotonic() > until or self._watch.closed
            try:
                return self._opened("stdin", os.O_WRONLY, stack)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
            if last:
                raise SandboxError("a command did not start in its container: does the daemon see our files?")
            time.sleep(_GLANCE)

    def _opened(self, name: str, how: int, stack: ExitStack) -> IO[bytes]:
        descriptor = os.open(self._streams / name, how | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        return stack.enter_context(os.fdopen(descriptor, "rb" if how == os.O_RDONLY else "wb", 0))

    def _code(self, command_id: str) -> int | None:
        """Ask for the exit code of a command that has ended; None where it was ended with its container."""
        until = time.monotonic() + _DEATH_SECONDS
        while time.monotonic() < until and not self._ended:
            with suppress(APIError):
                found = self._api.exec_inspect(command_id)
                if not found["Running"]:
                    return int(found["ExitCode"])
            time.sleep(_GLANCE)
        return None

    def _end(self) -> None:
        """Let go of the container, and kill it where that does not help."""
        with self._guard:
            first, self._ended = not self._ended, self._ended or time.monotonic()
            if self._tie is not None and first:
                with suppress(OSError):
                    self._tie.shutdown(socket.SHUT_RDWR)
                return
        if self._id and time.monotonic() - self._ended > _PATIENCE:
            with suppress(APIError):
                self._api.kill(self._id)

    def _finish(self) -> None:
        """End everything, and wait until it is gone and its work layer is nobody's."""
        if self._id is None:
            return
        self._end()
        if self._init is None or not readable(self._init, _PATIENCE):
            with suppress(APIError):
                self._api.remove_container(self._id, force=True)
        until = time.monotonic() + _DEATH_SECONDS
        while self._stands():
            if time.monotonic() > until:
                raise SandboxError(f"a container was not removed in {_DEATH_SECONDS} seconds")
            time.sleep(_LOOK)
        if self._init is not None and not readable(self._init, max(0, until - time.monotonic())):
            raise SandboxError(f"processes of a sandbox still lived {_DEATH_SECONDS} seconds after SIGKILL")

    def _stands(self) -> bool:
        """Ask for the container: a `wait` for its removal that begins too late is never answered."""
        try:
            self._api.inspect_container(self._id)
        except NotFound:
            return False
        except APIError:
            pass  # a daemon at work on its removal
        return True
