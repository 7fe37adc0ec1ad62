"""Live sandboxes for the contract, on every back end, below a folder that is closed to others."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from nightmend.sandboxes import bubblewrap
from nightmend.sandboxes.backends import BACKENDS, create
from nightmend.sandboxes.cgroups import group_places
from nightmend.sandboxes.owner import sandbox_owner
from nightmend.sandboxes.protocol import Bind, CommandResult, Sandbox, SandboxSpec

KNOWN_FAILURES: dict[str, dict[str, str]] = {
    "bubblewrap": {},
    "docker": {
        "test_the_mounts_of_the_host_never_change": "the daemon mounts what a container"
        " sees in a mount namespace of its own, which is the host's",
    },
}
"""For each back end, the tests that it cannot pass, each with the reason."""

PYTHON = os.path.realpath(sys.executable)
PYTHON_BINDS = (
    () if sys.base_prefix.startswith("/usr") else (Bind(host=sys.base_prefix, inside=sys.base_prefix),)
)

Make = Callable[..., Sandbox]


@pytest.fixture(
    params=[
        pytest.param(name, marks=pytest.mark.integration if name == "docker" else ()) for name in BACKENDS
    ]
)
def backend(request: pytest.FixtureRequest) -> str:
    if request.param == "docker":
        request.getfixturevalue("docker_daemon")
    reason = KNOWN_FAILURES[request.param].get(request.node.originalname)
    if reason:
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    return str(request.param)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = tmp_path / "private" / "sandboxes"
    folder.mkdir(parents=True)
    folder.parent.chmod(0o700)
    return folder


@pytest.fixture
def make(backend: str, base: Path) -> Iterator[Make]:
    """Make sandboxes that can run Python, and close them."""
    with ExitStack() as stack:

        def made(*, binds: tuple[Bind, ...] = (), **settings: object) -> Sandbox:
            spec = {
                "name": "test",
                "base_directory": str(base),
                "lower": None,
                "back_end": backend,
                **settings,
            }
            sandbox = create(SandboxSpec.model_validate({**spec, "binds": (*PYTHON_BINDS, *binds)}))
            return stack.enter_context(sandbox)

        yield made


@pytest.fixture
def box(make: Make) -> Sandbox:
    return make()


@pytest.fixture
def tree(tmp_path: Path) -> Callable[[Mapping[str, str]], Path]:
    """Make a lower tree from its files, owned as a checkout would be."""

    def planted(files: Mapping[str, str]) -> Path:
        folder = tmp_path / "lower"
        folder.mkdir()
        for name, text in files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        give(folder)
        return folder

    return planted


def give(folder: Path) -> None:
    owner = sandbox_owner()
    if owner:
        for place in (folder, *folder.rglob("*")):
            os.chown(place, *owner, follow_symlinks=False)


@pytest.fixture(params=["kernel", "polling"])
def meter(request: pytest.FixtureRequest, backend: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Count with the best means of this machine, and with those of a machine that has no control groups."""
    if backend == "docker":
        if request.param == "polling":
            pytest.skip("Docker always counts by control groups")
        return "kernel"
    if request.param == "kernel" and not group_places():
        pytest.skip("no control groups can be made here: everything is tested by polling")
    if request.param == "polling":
        monkeypatch.setattr(bubblewrap, "cgroup_meter", lambda limits: None)
    return str(request.param)


@pytest.fixture
def run_python() -> Callable[..., CommandResult]:
    """Run Python inside."""

    def run(sandbox: Sandbox, source: str, **options: Any) -> CommandResult:
        return sandbox.run([PYTHON, "-I", "-S", "-c", source], **options)

    return run


@pytest.fixture
def python(run_python: Callable[..., CommandResult]) -> Callable[..., tuple[int, str]]:
    """Run Python inside: return its exit code and what it printed."""

    def run(sandbox: Sandbox, source: str, **options: Any) -> tuple[int, str]:
        result = run_python(sandbox, source, **options)
        return result.return_code, (result.stdout + result.stderr).decode(errors="replace").strip()

    return run


@pytest.fixture
def alive() -> Callable[[str], bool]:
    """Whether any process of the host has this on its command line."""

    def look(token: str) -> bool:
        for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                if token.encode() in cmdline.read_bytes():
                    return True
        return False

    return look
