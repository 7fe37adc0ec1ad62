"""A Docker daemon for the tests: one that answers, else one of our own where that can be had."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nightmend.errors import PrerequisiteError
from nightmend.sandboxes.docker_daemon import daemon

INSTALL = "NIGHTMEND_TEST_DOCKER"
"""Set to `install`, root's tests may install the Debian package docker.io."""
_INSTALL_SECONDS = 120
_START_SECONDS = 30


class NoDaemonError(Exception):
    """Says why there is none."""


@contextmanager
def docker_daemon() -> Iterator[str]:
    """Give the address of a daemon; NoDaemonError where there is none, and none can be started."""
    try:
        with daemon(seconds=5):
            address = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    except PrerequisiteError as error:
        with _own(str(error)) as address:
            yield address
    else:
        yield address


@contextmanager
def _own(reason: str) -> Iterator[str]:
    if os.geteuid() != 0:
        raise NoDaemonError(reason)
    if not shutil.which("dockerd"):
        _install(reason)
    with tempfile.TemporaryDirectory(prefix="dockerd-", ignore_cleanup_errors=True) as folder:
        address = f"unix://{folder}/socket"
        options = ["--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec", "-H", address]
        options += ["-p", f"{folder}/pid", "--iptables=false", "--bridge=none"]
        with Path(folder, "log").open("wb") as log:
            process = subprocess.Popen(
                ["dockerd", *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            _wait_for(address, process, Path(folder, "log"))
            yield address
        finally:
            process.terminate()
            process.wait(_START_SECONDS)


def _wait_for(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while True:
        try:
            with daemon(seconds=5, address=address):
                return
        except PrerequisiteError:
            if process.poll() is not None or time.monotonic() > until:
                lines = log.read_text(errors="replace").splitlines()
                raise NoDaemonError(f"dockerd does not start here: {lines[-1] if lines else ''}") from None
            time.sleep(0.05)


def _install(reason: str) -> None:
    if os.environ.get(INSTALL) != "install":
        raise NoDaemonError(f"{reason}; or let the tests install it: {INSTALL}=install")
    command = ["apt-get", "install", "--yes", "--no-install-recommends", "docker.io"]
    try:
        subprocess.run(
            command,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_INSTALL_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise NoDaemonError(f"docker.io cannot be installed here: {error}") from None
