"""A Docker daemon for the tests: one that answers, else one of our own where that can be had."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nightmend.errors import PrerequisiteError
from nightmend.sandboxes.backends import diagnose_backend
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
    dies_with_us = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
    with tempfile.TemporaryDirectory(prefix="dockerd-", ignore_cleanup_errors=True) as folder:
        address = f"unix://{folder}/socket"
        options = ["--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec", "-H", address]
        options += ["-p", f"{folder}/pid", "--iptables=false", "--bridge=none"]
        with Path(folder, "log").open("wb") as log:
            process = subprocess.Popen(
                [*dies_with_us, "dockerd", *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            _wait_for(Path(folder), address, process)
            _require_overlays(address)
            yield address
        finally:
            process.terminate()
            process.wait(_START_SECONDS)
            for left in Path(folder, "exec", "netns").glob(
                "*"
            ):  # of the host's network, where one was shared
                subprocess.run(["umount", str(left)], check=False, capture_output=True)


def _wait_for(folder: Path, address: str, process: "subprocess.Popen[bytes]") -> None:
    """Wait until the daemon answers; its socket is there when it nearly does."""
    until = time.monotonic() + _START_SECONDS
    while not _answers(folder, address):
        if process.poll() is not None or time.monotonic() > until:
            lines = (folder / "log").read_text(errors="replace").splitlines()
            raise NoDaemonError(f"dockerd does not start here: {lines[-1] if lines else ''}")
        time.sleep(0.05)


def _answers(folder: Path, address: str) -> bool:
    try:
        if (folder / "socket").exists():
            with daemon(seconds=5, address=address):
                return True
    except PrerequisiteError:
        pass
    return False


def _require_overlays(address: str) -> None:
    """Refuse a machine whose temporary files lie on an overlay themselves, as in most containers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", address)
        works, sentence = diagnose_backend("docker")
    if not works and "failed to mount" in sentence:
        raise NoDaemonError(sentence)


def _install(reason: str) -> None:
    if os.environ.get(INSTALL) != "install":
        raise NoDaemonError(f"{reason}; or let the tests install it: {INSTALL}=install")
    waiting = ("-o", "DPkg::Lock::Timeout=60")  # tests of another process may install it just now
    command = ["apt-get", *waiting, "install", "--yes", "--no-install-recommends", "docker.io"]
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
