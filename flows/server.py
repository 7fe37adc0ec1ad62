"""The private Prefect server of a night, for people who have none."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
from prefect.client.orchestration import get_client
from prefect.logging.handlers import APILogHandler
from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

from flows.environment import PRIVATE
from flows.interruption import GOES_ON, end_now
from nightmend.errors import NightmendError, PrerequisiteError

START_SECONDS = 180


@contextlib.contextmanager
def prefect_api(home: Path, meanwhile: Callable[[], object] = lambda: None) -> Iterator[str]:
    """Give the address of the API for the night: the person's own if one is set, else a private server's.

    Do something `meanwhile`: a server needs some seconds to start.
    """
    own = PREFECT_API_URL.value()
    if own:
        _ask(own)
        meanwhile()
        yield own
        return
    # Heartbeats tell a server that outlives us that we died; this one does not, and each costs a second.
    settings = {PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}
    with (
        private_server(home, _end_night, meanwhile) as url,
        temporary_settings({PREFECT_API_URL: url, **settings}),
    ):
        previous = os.environ.get("PREFECT_API_URL")
        os.environ["PREFECT_API_URL"] = url  # Dask workers are other processes
        os.environ[PRIVATE] = "1"
        try:
            yield url
        finally:
            APILogHandler().flush()  # what is still to be said needs the server
            del os.environ[PRIVATE]
            if previous is None:
                del os.environ["PREFECT_API_URL"]
            else:
                os.environ["PREFECT_API_URL"] = previous


def _ask(url: str) -> None:
    """Refuse an API that does not answer: nothing of a night could be told to it."""

    async def ask() -> Exception | None:
        async with get_client() as client:
            return await client.api_healthcheck()

    if error := anyio.run(ask):
        why = str(error) or type(error).__name__
        sentence = f"the Prefect API at {url} does not answer ({why}): start it, or unset PREFECT_API_URL"
        raise PrerequisiteError(f"{sentence} for a private one")


def _end_night() -> None:
    """End a night whose private server died: without it, each call of Prefect would wait for minutes."""
    end_now(f"nightmend: the Prefect server of the night died; {GOES_ON}", NightmendError.exit_code)


@contextlib.contextmanager
def private_server(
    home: Path, died: Callable[[], None] = lambda: None, meanwhile: Callable[[], object] = lambda: None
) -> Iterator[str]:
    """Run a server that keeps its data below `home`, and ends with us; gives the address of its API.

    `died` is called, in a thread, when it ends by itself; `meanwhile` while it starts.
    """
    port = _free_port()
    url = f"http://127.0.0.1:{port}/api"
    log = home / "prefect-server.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        server = subprocess.Popen(
            _command(port),
            cwd="/",
            env={**os.environ, "PREFECT_UI_API_URL": url, "PREFECT_HOME": str(home / "prefect")},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    wanted = threading.Event()
    try:
        meanwhile()
        _wait(server, url, log)
        threading.Thread(target=_watch, args=(server, wanted, died), name="server", daemon=True).start()
        yield url
    finally:
        wanted.set()
        _end(server)


def _watch(server: subprocess.Popen[bytes], wanted: threading.Event, died: Callable[[], None]) -> None:
    server.wait()
    if not wanted.is_set():
        died()


def _command(port: int) -> list[str]:
    """Start the server so that it dies with us, however we die."""
    serve = [
        *(sys.executable, "-P", "-m", "uvicorn", "--factory", "prefect.server.api.server:create_app"),
        *("--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"),
    ]
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", *serve] if setpriv else serve


def _wait(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise PrerequisiteError(f"the Prefect server of the night ended at once: see {log}")
        with contextlib.suppress(OSError, urllib.error.URLError):
            urllib.request.urlopen(f"{url}/health", timeout=2).close()  # noqa: S310 -- our own loopback address
            return
        time.sleep(0.1)
    raise PrerequisiteError(f"the Prefect server of the night did not answer in {START_SECONDS} s: see {log}")


def _end(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(5)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
