"""What stands in the target's environment and working tree beside the snapshot, and how a run shows it.

An installed copy is covered by the snapshot's package; files that a build made and git ignores (a version
module, compiled extensions) stay visible, since the package does not work without them.
"""

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from nightmend.proof.packages import Package
from nightmend.sandboxes.protocol import Bind
from nightmend.snapshot import Snapshot
from nightmend.workspace import Workspace

IMPORTED = (".py", ".so", ".pyd")


def built_in_place(workspace: Workspace, snapshot: Snapshot, packages: Iterable[Package]) -> list[Bind]:
    """Show the importable files of the working tree that git ignores, beside the sources of each package."""
    root = workspace.target.path
    folders = {str(PurePosixPath(path).parent) for package in packages for path in package.modules.values()}
    listed = _ignored(workspace, snapshot, sorted({package.path for package in packages}))
    return [
        Bind(host=str(root / path), inside=str(root / path))
        for path in listed
        if path.endswith(IMPORTED) and str(PurePosixPath(path).parent) in folders and _regular(root / path)
    ]


def built_in_copies(
    workspace: Workspace, snapshot: Snapshot, copies: Mapping[str, Package]
) -> Iterator[Bind]:
    """Show what a build added to installed copies beside the sources, too: tests may import from there."""
    for place, package in copies.items():
        if package.is_module:
            continue
        for extra in _made_by_build(workspace, snapshot, package, Path(place)):
            if extra.suffix in IMPORTED and _regular(Path(place) / extra):
                inside = workspace.target.path / package.path / extra
                yield Bind(host=str(Path(place) / extra), inside=str(inside))


def _ignored(workspace: Workspace, snapshot: Snapshot, below: list[str]) -> list[str]:
    if not below or workspace.night.carried:  # elsewhere there is no working tree
        return []
    with workspace.store.index(snapshot, work_tree=workspace.target.path) as git:
        ignored = ("--others", "--ignored", "--exclude-per-directory=.gitignore")
        said = git.run("ls-files", *ignored, "-z", "--", *below)
    return [os.fsdecode(path) for path in said.split(b"\0") if path]


def _regular(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def lay_copy(
    workspace: Workspace,
    snapshot: Snapshot,
    package: Package,
    place: Path,
    changes: Mapping[str, bytes],
    into: Path,
) -> Path:
    """Build the snapshot's package, changes included, to be shown at the place of an installed copy.

    Unchanged files are links to the checkout's. Returns the folder, or the file, below `into`.
    """
    checkout = workspace.checkout(snapshot)
    fresh = into / PurePosixPath(package.path).name
    if package.is_module:
        os.link(checkout / package.path, fresh)
    else:
        shutil.copytree(checkout / package.path, fresh, copy_function=os.link, symlinks=True)
        for extra in _made_by_build(workspace, snapshot, package, place):
            shutil.copy2(place / extra, fresh / extra)
    for path, content in changes.items():
        if path == package.path or path.startswith(package.path + "/"):
            _replace(fresh / PurePosixPath(path).relative_to(package.path), content)
    return fresh


def _replace(place: Path, content: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.write_bytes(content)


def _made_by_build(
    workspace: Workspace, snapshot: Snapshot, package: Package, place: Path
) -> Iterator[PurePosixPath]:
    """Yield the files of a copy, relative to it, that no snapshot has: all but stale sources."""
    checkout = workspace.checkout(snapshot)
    with workspace.store.index(snapshot, work_tree=checkout) as index:
        git = replace(index, environment={**index.environment, "GIT_LITERAL_PATHSPECS": "0"})
        for path in _files_of(place):
            there = PurePosixPath(package.path) / path
            if (checkout / there).exists() or not (checkout / there).parent.is_dir():
                continue
            if path.suffix != ".py" or git.holds("check-ignore", "--quiet", "--no-index", f"./{there}"):
                yield path


def _files_of(place: Path) -> Iterator[PurePosixPath]:
    for folder, names, files in os.walk(place):
        names[:] = [name for name in names if name != "__pycache__"]
        yield from (PurePosixPath(os.path.relpath(os.path.join(folder, name), place)) for name in files)
