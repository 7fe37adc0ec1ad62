"""A workspace on a small repository, made of the files that a test names."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from nightmend.git.store import Store
from nightmend.git.target import Target
from nightmend.night import Night
from nightmend.workspace import Workspace

WorkspaceOf = Callable[[Mapping[str, str | bytes]], Workspace]


@pytest.fixture
def workspace_of(tmp_path: Path) -> WorkspaceOf:
    """Commit these files to a new repository, and open the workspace of a night on it."""

    def opened(files: Mapping[str, str | bytes]) -> Workspace:
        root = tmp_path / f"target-{len(list(tmp_path.iterdir()))}"
        for path, content in files.items():
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.encode() if isinstance(content, str) else content)
        _commit(root)
        target = Target.open(root)
        base = Store(tmp_path / f"{root.name}.git", target).snapshot(target.head())
        night = Night(
            run="test", target=str(root), home=str(tmp_path / "home"), base_commit=target.head(), base=base,
            profile="ratchet", python=sys.executable,
        )  # fmt: skip
        return Workspace(night)

    return opened


def _commit(root: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(root.parent), "GIT_CONFIG_NOSYSTEM": "1"}
    for command in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "--all", "--force"],
        ["-c", "user.name=A", "-c", "user.email=a@localhost", "commit", "--quiet", "-m", "first"],
    ):
        subprocess.run(["git", *command], cwd=root, env=environment, check=True)
