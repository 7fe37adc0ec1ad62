"""What a target declares and locks, parsed as data: nothing is resolved, built or asked of an index."""

import json
import posixpath
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from pydantic import JsonValue

from nightmend.configured.files import ConfigFiles, Table, parse_files, sub_table
from nightmend.frozen import Frozen

LOCKS = frozenset(("poetry.lock", "uv.lock", "pdm.lock", "Pipfile.lock"))
REQUIREMENTS = re.compile(r"(.*/)?(requirements([-_.][\w.-]+)?|requirements/[\w.-]+)\.(txt|in)")


class Dependency(Frozen):
    """One distribution that a target asks for: at one version, or within a range."""

    name: str
    """Normalized, as PEP 503 has it."""
    version: str | None
    """Where it is locked or pinned."""
    specifier: str
    path: str
    line: int


def dependency_paths(paths: Iterable[str]) -> list[str]:
    """Choose the files that declare or lock dependencies."""
    return sorted(
        path
        for path in paths
        if posixpath.basename(path) in LOCKS
        or path in ("pyproject.toml", "setup.cfg")
        or REQUIREMENTS.fullmatch(path)
    )


def dependencies(contents: Mapping[str, bytes]) -> tuple[Dependency, ...]:
    """Return what the files ask for; a range gives way to a lock, and a broken file says nothing."""
    found = [one for path, content in sorted(contents.items()) for one in _read(path, content)]
    locked = {one.name for one in found if one.version is not None}
    kept = [one for one in found if one.version is not None or one.name not in locked]
    return tuple({(one.name, one.version, one.specifier, one.path): one for one in kept}.values())


def _read(path: str, content: bytes) -> Iterator[Dependency]:
    text = content.decode("utf-8", "replace")
    name = posixpath.basename(path)
    try:
        if name in LOCKS:
            pins = _pipfile(json.loads(text)) if name == "Pipfile.lock" else _packages(tomllib.loads(text))
            for package, version in pins:
                yield _dependency(path, text, package, version, "")
        else:
            plain = name.endswith((".txt", ".in"))
            for line in _requirement_lines(text) if plain else _declared(path, content):
                yield from _required(path, text, line)
    except (ValueError, RecursionError):
        return


def _packages(lock: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield the pins of poetry, uv and pdm, but for what comes from the tree itself."""
    listed = lock.get("package")
    for package in listed if isinstance(listed, list) else ():
        if isinstance(package, dict) and _from_index(package.get("source")):
            name, version = package.get("name"), package.get("version")
            if isinstance(name, str) and isinstance(version, str):
                yield name, version


def _from_index(source: object) -> bool:
    if not isinstance(source, dict):
        return True
    return "registry" in source or source.get("type") in ("legacy", "pypi")


def _pipfile(lock: object) -> Iterator[tuple[str, str]]:
    for section in ("default", "develop"):
        packages = lock.get(section) if isinstance(lock, dict) else None
        for name, package in packages.items() if isinstance(packages, dict) else ():
            version = package.get("version") if isinstance(package, dict) else None
            if isinstance(version, str):
                yield name, version.removeprefix("==")


def _requirement_lines(text: str) -> Iterator[str]:
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        bare = re.split(r"(?:^|\s)(?:#|--hash)", line)[0].strip()
        if bare and not bare.startswith("-"):
            yield bare


def _declared(path: str, content: bytes) -> Iterator[str]:
    files = parse_files({path: content})
    if path.endswith(".toml"):
        yield from _from_pyproject(files)
        return
    options = files.section(path, "options") or {}
    extras = files.section(path, "options.extras_require") or {}
    for text in (options.get("install_requires", ""), options.get("setup_requires", ""), *extras.values()):
        yield from (line.strip() for line in text.splitlines() if line.strip())


def _from_pyproject(files: ConfigFiles) -> Iterator[str]:
    project = files.table("pyproject.toml", "project") or {}
    yield from _listed(project.get("dependencies"))
    groups = files.table("pyproject.toml", "dependency-groups")
    for table in (sub_table(project, "optional-dependencies"), groups):
        for group in (table or {}).values():
            yield from _listed(group)
    yield from _poetry(files.table("pyproject.toml", "tool", "poetry", "dependencies") or {})


def _listed(value: JsonValue) -> Iterator[str]:
    yield from (item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _poetry(table: Table) -> Iterator[str]:
    """Yield what poetry writes as PEP 440 has it; its own signs (^, ~) always admit what mends a fault."""
    for name, value in table.items():
        version = value.get("version") if isinstance(value, dict) else value
        if isinstance(version, str) and name != "python":
            bare = version.strip()
            yield f"{name}{f'=={bare}' if bare[:1].isdigit() else bare if bare[:1] in '<>=!' else ''}"


def _required(path: str, text: str, line: str) -> Iterator[Dependency]:
    try:
        requirement = Requirement(line)
    except InvalidRequirement:
        return
    if requirement.url is None:
        pinned = _pin(requirement.specifier)
        yield _dependency(path, text, requirement.name, pinned, str(requirement.specifier))


def _pin(specifier: SpecifierSet) -> str | None:
    exact = [one.version for one in specifier if one.operator in ("==", "===") and "*" not in one.version]
    return exact[0] if exact else None


def _dependency(path: str, text: str, name: str, version: str | None, specifier: str) -> Dependency:
    known = version if version is not None and is_version(version) else None
    return Dependency(
        name=canonicalize_name(name), version=known, specifier=specifier, path=path, line=_line(text, name)
    )


def is_version(text: str) -> bool:
    """Say whether a text is a version as PEP 440 has it."""
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _line(text: str, name: str) -> int:
    """Return the line that names a distribution, in whatever spelling."""
    spelled = re.sub(r"[-_.]+", "[-_.]+", re.escape(name).replace("\\-", "-").replace("\\.", "."))
    patterns = (rf'^\s*name = "{spelled}"', rf"(?<![\w.-]){spelled}(?![\w.-])")
    for pattern in patterns:
        found = re.search(pattern, text, re.MULTILINE | re.IGNORECASE)
        if found:
            return text.count("\n", 0, found.start()) + 1 + (found[0].startswith("\n"))
    return 1
