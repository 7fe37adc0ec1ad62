"""Small targets and real environments for them: a repository, a virtual environment, an install into it."""

import os
import site
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from nightmend.git.store import Store
from nightmend.git.target import Target
from nightmend.night import Night
from nightmend.settings import SandboxSettings
from nightmend.workspace import Workspace

MakeTarget = Callable[[Mapping[str, str]], Path]
MakeEnvironment = Callable[[], Path]
OpenWorkspace = Callable[..., Workspace]


@pytest.fixture
def make_target(tmp_path: Path) -> MakeTarget:
    """Make a repository with these files, committed."""

    def make(files: Mapping[str, str]) -> Path:
        root = tmp_path / "target"
        for path, content in files.items():
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content)
        commit(root)
        return root

    return make


def commit(root: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(root.parent), "GIT_CONFIG_NOSYSTEM": "1"}
    for command in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "--all"],
        ["-c", "user.name=A", "-c", "user.email=a@localhost", "commit", "--quiet", "-m", "first"],
    ):
        subprocess.run(["git", *command], cwd=root, env=environment, check=True)


@pytest.fixture
def open_workspace(tmp_path: Path) -> OpenWorkspace:
    """Open the workspace of a night on a target, with our own interpreter unless told otherwise."""

    def opened(root: Path, python: Path | None = None, **sandbox: float) -> Workspace:
        target = Target.open(root)
        store = Store(tmp_path / "first.git", target)
        night = Night(
            run="test", target=str(root), home=str(tmp_path / "home"), base_commit=target.head(),
            base=store.snapshot(target.head()), profile="ratchet", python=str(python or sys.executable),
            sandbox=SandboxSettings.model_validate({"base_directory": tmp_path / "boxes", **sandbox}),
        )  # fmt: skip
        return Workspace(night)

    return opened


@pytest.fixture
def make_environment(tmp_path: Path) -> MakeEnvironment:
    """Make a virtual environment that sees our own packages (pytest, build back ends) and no target."""

    def make() -> Path:
        folder = tmp_path / "environment"
        venv.create(folder, symlinks=True)
        python = folder / "bin" / "python"
        packages = next(folder.glob("lib/python*/site-packages"))
        (packages / "ours.pth").write_text("\n".join(site.getsitepackages()) + "\n")
        return python

    return make


@pytest.fixture
def install() -> Callable[..., None]:
    """Install a target into an environment with pip, as its user would, without a network."""

    def run(python: Path, root: Path, *options: str) -> None:
        command = [sys.executable, "-m", "pip", f"--python={python}", "install", "--quiet", "--no-index"]
        command += ["--no-build-isolation", "--no-deps", "--disable-pip-version-check", *options, str(root)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
        assert done.returncode == 0, done.stderr

    return run
