"""Which import names a snapshot provides, and where the target's environment would find them instead."""

import os
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from nightmend.frozen import Frozen

SOURCE_ROOTS = frozenset({"src", "lib", "python", "source"})
"""Folders that stand on sys.path themselves rather than being packages."""
NO_PRODUCT = re.compile(
    r"(tests?|testing|docs?|examples?|benchmarks?|setup|conftest|noxfile|fabfile|versioneer|test_\w+|\w+_test)"
)
"""Top-level names that a target has for itself, and other distributions too; never what it ships."""


class Package(Frozen):
    """A top-level package or module of a snapshot."""

    name: str
    """Dotted when it lies in a namespace package."""
    path: str
    """Its folder, or its file, relative to the target."""
    root: str
    """What must be on sys.path to import it, relative to the target."""
    modules: dict[str, str]
    """Dotted name to file, for every module in it."""

    @property
    def is_module(self) -> bool:
        """Whether it is one file."""
        return self.path.endswith(".py")


def packages_of(paths: Iterable[str]) -> tuple[Package, ...]:
    """Find what a tree would install, whether flat or below a source root."""
    sources = sorted(PurePosixPath(path) for path in paths if path.endswith(".py"))
    folders = {path.parent for path in sources if path.name == "__init__.py"}
    tops = [folder for folder in sorted(folders) if folder.parent not in folders and folder.name]
    inside: dict[PurePosixPath, list[PurePosixPath]] = {folder: [] for folder in tops}
    for path in sources:
        for folder in inside.keys() & set(path.parents):
            inside[folder].append(path)
    found = [_package(folder, below) for folder, below in inside.items()]
    found += [_package(path, [path]) for path in sources if str(path.parent) in {".", *SOURCE_ROOTS}]
    return tuple(package for package in found if _is_product(package))


def _package(place: PurePosixPath, inside: Iterable[PurePosixPath]) -> Package:
    at = next((n for n in range(len(place.parts) - 1, 0, -1) if place.parts[n - 1] in SOURCE_ROOTS), 0)
    root = PurePosixPath(*place.parts[:at])
    modules = {_dotted(path.relative_to(root)): str(path) for path in inside}
    return Package(name=_dotted(place.relative_to(root)), path=str(place), root=str(root), modules=modules)


def _dotted(path: PurePosixPath) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _is_product(package: Package) -> bool:
    names = package.name.split(".")
    return all(name.isidentifier() for name in names) and not NO_PRODUCT.fullmatch(names[0])


def copies_among(
    packages: Iterable[Package], places: Mapping[str, str | None], target: str
) -> dict[str, Package]:
    """Return the packages that are installed as copies, by the place of the copy.

    `places` tells where the environment finds each name: a module's file, or a package's `__init__.py`.
    A place with less than half of the snapshot's files is another project of the same name.
    """
    copies = {}
    for package in packages:
        found = places.get(package.name)
        if found is None or _below(found, target):
            continue
        place = Path(found) if package.is_module else Path(found).parent
        if _same_project(package, place):
            copies[str(place)] = package
    return copies


def roots_missing(
    packages: Iterable[Package], places: Mapping[str, str | None], copies: Iterable[Package], target: str
) -> tuple[str, ...]:
    """Return the source roots, relative, of packages that the environment lacks or has of another project."""
    covered = {package.name for package in copies}

    def missing(package: Package) -> bool:
        place = places.get(package.name)
        if place is None:
            return True
        theirs = package.name in sys.stdlib_module_names or package.name in covered
        return not theirs and not _below(place, target)

    return tuple(dict.fromkeys(package.root for package in packages if missing(package)))


def _below(path: str, folder: str) -> bool:
    real, root = os.path.realpath(path), os.path.realpath(folder)
    return real == root or real.startswith(root + os.sep)


def _same_project(package: Package, place: Path) -> bool:
    if package.is_module:
        return place.is_file() and not (place.parent / package.name).is_dir()
    relative = [PurePosixPath(path).relative_to(package.path) for path in package.modules.values()]
    return 2 * sum((place / path).is_file() for path in relative) >= len(relative)
