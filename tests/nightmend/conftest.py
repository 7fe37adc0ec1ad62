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
from nightmend.repairs.repair import Edit, Repair, Safety, repair_id
from nightmend.workspace import Workspace

WorkspaceOf = Callable[[Mapping[str, str | bytes]], Workspace]


@pytest.fixture
def workspace_of(tmp_path: Path) -> WorkspaceOf:
    """Commit these files to a new repository, and open the workspace of a night on it."""
    return _opener(tmp_path)


@pytest.fixture(scope="module")
def shared_workspace_of(tmp_path_factory: pytest.TempPathFactory) -> WorkspaceOf:
    """The same for the tests of a module that only read from it."""
    return _opener(tmp_path_factory.mktemp("shared"))


def _opener(folder: Path) -> WorkspaceOf:
    def opened(files: Mapping[str, str | bytes]) -> Workspace:
        root = folder / f"target-{len(list(folder.iterdir()))}"
        for path, content in files.items():
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.encode() if isinstance(content, str) else content)
        _commit(root)
        target = Target.open(root)
        base = Store(folder / f"{root.name}.git", target).snapshot(target.head())
        night = Night(
            run="test", target=str(root), home=str(folder / "home"), base_commit=target.head(), base=base,
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


RepairIn = Callable[..., Repair]


@pytest.fixture(scope="session")
def repair_in() -> RepairIn:
    """Make a repair by hand that replaces the first `old` in a file of a workspace's base with `new`."""

    def made(
        workspace: Workspace,
        path: str,
        old: str,
        new: str,
        *,
        pattern: str = "by-hand",
        faults: tuple[str, ...] = (),
        safety: Safety = "safe",
        gives_way_to: tuple[str, ...] = (),
    ) -> Repair:
        content = workspace.store.read(workspace.night.base, path)
        start = content.index(old.encode())
        edit = Edit(path=path, start=start, end=start + len(old.encode()), text=new)
        return Repair(
            id=repair_id(pattern, [edit]),
            agent="code_quality",
            pattern=pattern,
            safety=safety,
            issues=tuple(f"{fault}-{start}" for fault in faults),
            faults=faults,
            edits=(edit,),
            line=content.count(b"\n", 0, start) + 1,
            summary=f"{old} > {new}",
            gives_way_to=gives_way_to,
        )

    return made
