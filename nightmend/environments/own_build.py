"""Whether a target must be built to be imported: it has modules to compile, or one that a build writes."""

from collections.abc import Collection, Iterator

from nightmend.configured.files import ConfigFiles, strings, sub_table
from nightmend.targets.protected import is_test, vendored

COMPILED = (".pyx", ".c", ".cc", ".cpp", ".cxx", ".rs", ".f", ".f90")
PYPROJECT = "pyproject.toml"
LEGACY = ("setuptools", "wheel")


def must_be_built(files: ConfigFiles, setup: dict[str, object], paths: Collection[str]) -> bool:
    """Say whether a tree lacks what its own build would make."""
    if PYPROJECT not in paths and "setup.py" not in paths:
        return False
    compiled = any(path.endswith(COMPILED) and not is_test(path) and not vendored(path) for path in paths)
    return compiled or any(path not in paths for path in _written(files, setup))


def build_requirements(files: ConfigFiles) -> tuple[str, ...]:
    """Return what the target's build needs by its own word."""
    return strings_of((files.table(PYPROJECT, "build-system") or {}).get("requires")) or LEGACY


def strings_of(value: object) -> tuple[str, ...]:
    """Return the strings of a list."""
    return strings(value) if isinstance(value, list) else ()


def _written(files: ConfigFiles, setup: dict[str, object]) -> Iterator[str]:
    """Yield the modules with a version that build back ends write."""
    tool = files.table(PYPROJECT, "tool") or {}
    scripted = setup.get("use_scm_version")
    tables = (
        sub_table(tool, "setuptools_scm"),
        sub_table(tool, "hatch", "build", "hooks", "vcs"),
        sub_table(tool, "pdm", "version"),
        scripted if isinstance(scripted, dict) else None,
    )
    for table in tables:
        for key in ("version_file", "version-file", "write_to"):
            path = (table or {}).get(key)
            if isinstance(path, str) and path.endswith(".py"):
                yield path
