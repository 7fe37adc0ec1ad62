"""Package indexes of our own: wheels and sources that a test makes, in a folder or behind a login."""

import base64
import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

WHEEL = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
BACKEND = f"""
import zipfile

WHEEL = {WHEEL!r}
"""
BACKEND += """

def _wheel(into, name, version, module):
    stem = f"{name}-{version}"
    with zipfile.ZipFile(f"{into}/{stem}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}.py", module)
        info = f"{stem}.dist-info"
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
        wheel.writestr(f"{info}/WHEEL", WHEEL)
        wheel.writestr(f"{stem}.dist-info/RECORD", "")
    return f"{stem}-py3-none-any.whl"
"""
"""The start of a build back end that needs nothing; a test writes the rest."""


class Index:
    """A folder that serves as package index."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "simple").mkdir(parents=True)
        (folder / "files").mkdir()

    @property
    def address(self) -> str:
        return (self.folder / "simple").as_uri()

    def wheel(
        self,
        name: str,
        version: str = "1.0",
        requires: tuple[str, ...] = (),
        files: Mapping[str, str] | None = None,
    ) -> None:
        """Publish a wheel of one module, and whatever else it is to hold."""
        info = f"{name}-{version}.dist-info"
        needs = "".join(f"Requires-Dist: {text}\n" for text in requires)
        held = {
            f"{name}.py": f"VERSION = {version!r}\n",
            **(files or {}),
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
            f"{info}/WHEEL": WHEEL,
        }
        rows = [f"{path},{_digest(text)},{len(text.encode())}\n" for path, text in held.items()]
        held[f"{info}/RECORD"] = "".join(rows) + f"{info}/RECORD,,\n"
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for path, text in held.items():
                archive.writestr(path, text)
        self._publish(name, f"{name}-{version}-py3-none-any.whl", content.getvalue())

    def source(
        self,
        name: str,
        backend: str,
        version: str = "1.0",
        requires: tuple[str, ...] = (),
        built_by: tuple[str, ...] = (),
    ) -> None:
        """Publish a source distribution alone, built by a back end of its own."""
        needs = "".join(f"Requires-Dist: {text}\n" for text in requires)
        system = f"requires={[*built_by]!r}\nbuild-backend='maker'\nbackend-path=['.']\n"
        files = {
            "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
            "pyproject.toml": f"[build-system]\n{system}",
            "maker.py": BACKEND + backend,
        }
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w:gz") as archive:
            for path, text in files.items():
                member = tarfile.TarInfo(f"{name}-{version}/{path}")
                member.size = len(text.encode())
                archive.addfile(member, io.BytesIO(text.encode()))
        self._publish(name, f"{name}-{version}.tar.gz", content.getvalue())

    def _publish(self, name: str, file: str, content: bytes) -> None:
        (self.folder / "files" / file).write_bytes(content)
        page = self.folder / "simple" / name / "index.html"
        page.parent.mkdir(exist_ok=True)
        digest = hashlib.sha256(content).hexdigest()
        with page.open("a") as links:
            links.write(f'<a href="../../files/{file}#sha256={digest}">{file}</a>\n')


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    """An index with a pytest of its own, and the only one that the settings of this process name."""
    found = Index(tmp_path / "index")
    found.wheel("pytest", "8.0")
    alone(monkeypatch, tmp_path, found.address)
    return found


def alone(monkeypatch: pytest.MonkeyPatch, home: Path, address: str) -> None:
    """Make an address the only index that this user has."""
    for name in (
        "UV_INDEX",
        "UV_EXTRA_INDEX_URL",
        "UV_FIND_LINKS",
        "UV_INDEX_URL",
        "UV_CONFIG_FILE",
        "NETRC",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "no-configuration"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", address)


class Guarded(ThreadingHTTPServer):
    """An index on loopback that answers who knows the password; `asked` and `turned_away` are paths."""

    daemon_threads = True

    def __init__(self, folder: Path, login: str) -> None:
        self.expected = "Basic " + base64.b64encode(login.encode()).decode()
        self.asked: list[str] = []
        self.turned_away: list[str] = []
        super().__init__(("127.0.0.1", 0), partial(_Handler, directory=str(folder)))


class _Handler(SimpleHTTPRequestHandler):
    server: Guarded

    def do_GET(self) -> None:
        if self.headers.get("Authorization") != self.server.expected:
            self.server.turned_away.append(self.path)
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic")
            self.end_headers()
            return
        self.server.asked.append(self.path)
        super().do_GET()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


Guard = Callable[[Path, str], Guarded]


@pytest.fixture
def guarded() -> Iterator[Guard]:
    """Serve folders on loopback, behind a login."""
    servers: list[Guarded] = []

    def serve(folder: Path, login: str) -> Guarded:
        servers.append(Guarded(folder, login))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return servers[-1]

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()
