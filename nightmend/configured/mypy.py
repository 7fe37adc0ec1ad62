"""What a target tells mypy, cut down to what shapes its judgement.

Left out on purpose: what runs code (`plugins`, `python_executable`), where mypy reads and writes, and checks
that cannot be right without the types of the target's dependencies, which our sandbox does not show.
"""

import fnmatch
import posixpath
import re
from collections.abc import Iterable, Mapping

from nightmend.configured.files import ConfigFiles, Table, strings
from nightmend.frozen import Frozen

PER_MODULE = frozenset(
    (
        "allow_redefinition", "allow_untyped_globals", "always_false", "always_true", "check_untyped_defs",
        "disable_error_code", "disallow_any_explicit", "disallow_any_generics", "disallow_incomplete_defs",
        "disallow_untyped_calls", "disallow_untyped_defs", "enable_error_code", "extra_checks",
        "follow_imports", "ignore_errors", "ignore_missing_imports", "implicit_optional",
        "implicit_reexport", "local_partial_types", "no_implicit_optional", "no_implicit_reexport",
        "strict_concatenate", "strict_equality", "strict_optional", "warn_no_return", "warn_unreachable",
    )
)  # fmt: skip
OPTIONS = PER_MODULE | frozenset(
    (
        "disable_bytearray_promotion", "disable_memoryview_promotion", "exclude", "explicit_package_bases",
        "namespace_packages", "platform", "strict", "strict_bytes",
        "untyped_calls_exclude", "warn_redundant_casts",
    )
)  # fmt: skip
MODULE = re.compile(r"[\w.*]+")
EVERYTHING = (".", "./")


class MypySelection(Frozen):
    """The options that a target gives mypy, for all modules and for some, and the files that it checks."""

    path: str
    options: Table
    overrides: tuple[tuple[tuple[str, ...], Table], ...] = ()
    files: tuple[str, ...] = ()
    """Patterns from the root of the tree; none is every file."""
    python: tuple[int, int] | None = None
    """The Python that the target is checked for."""
    roots: tuple[str, ...] = ()
    """Folders in which imports start (`mypy_path`)."""

    def chooses(self, path: str) -> bool:
        """Say whether the target has mypy check a file."""
        places = [path, *_above(path)]
        return not self.files or any(
            fnmatch.fnmatchcase(place, name) for place in places for name in self.files
        )


def mypy_selection(files: ConfigFiles) -> MypySelection | None:
    """Return the selection of the first file that configures mypy, in mypy's own order."""
    for path in ("mypy.ini", ".mypy.ini", "pyproject.toml", "setup.cfg"):
        if path.endswith(".toml"):
            table, overrides = files.table(path, "tool", "mypy"), _toml_overrides(files, path)
        else:
            section = files.section(path, "mypy")
            table = dict(section) if section is not None else None
            overrides = _ini_overrides(files, path)
        if table is not None:
            return _selection(path, table, overrides)
    return None


def _selection(path: str, table: Table, overrides: Iterable[tuple[tuple[str, ...], Table]]) -> MypySelection:
    return MypySelection(
        path=path,
        options=_kept(table, OPTIONS),
        overrides=tuple((modules, _kept(options, PER_MODULE)) for modules, options in overrides),
        files=_files(table),
        python=_version(table.get("python_version")),
        roots=tuple(_inside(name) for name in _split(table.get("mypy_path"))),
    )


def _kept(table: Mapping[str, object], keys: frozenset[str]) -> Table:
    return {
        key: value
        for key, value in sorted(table.items())
        if key in keys and isinstance(value, (str, bool, list)) and value != ""
    }


def _version(value: object) -> tuple[int, int] | None:
    found = re.fullmatch(r"(\d)\.(\d{1,2})", str(value))
    return (int(found[1]), int(found[2])) if found else None


def _files(table: Table) -> tuple[str, ...]:
    """Return what mypy is told to check; packages and modules are files by another name."""
    named = [*_split(table.get("files")), *_modules(table.get("packages")), *_modules(table.get("modules"))]
    everything = any(name in EVERYTHING for name in named)
    return () if everything else tuple(_inside(name) for name in named)


def _modules(value: object) -> list[str]:
    paths = [name.replace(".", "/") for name in strings(value)]
    return [f"{root}{path}{end}" for path in paths for root in ("", "src/") for end in ("", ".py")]


def _split(value: object) -> list[str]:
    listed = value if isinstance(value, list) else re.split("[,:]" if value else ",", str(value or ""))
    return [item.strip() for item in listed if isinstance(item, str) and item.strip()]


def _inside(name: str) -> str:
    """Return a path from the root of the tree; mypy's own variable stands for that root."""
    bare = re.sub(r"^\$\{?MYPY_CONFIG_FILE_DIR\}?/?", "", name)
    return posixpath.normpath(bare or ".").lstrip("/")


def _toml_overrides(files: ConfigFiles, path: str) -> list[tuple[tuple[str, ...], Table]]:
    listed = (files.table(path, "tool", "mypy") or {}).get("overrides")
    tables = [table for table in listed if isinstance(table, dict)] if isinstance(listed, list) else []
    return [(modules, table) for table in tables if (modules := _patterns(table.get("module")))]


def _ini_overrides(files: ConfigFiles, path: str) -> list[tuple[tuple[str, ...], Table]]:
    sections = {
        name: dict(table) for name, table in files.ini.get(path, {}).items() if name.startswith("mypy-")
    }
    return [
        (modules, {**table})
        for name, table in sections.items()
        if (modules := _patterns(name.removeprefix("mypy-").split(",")))
    ]


def _patterns(value: object) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return tuple(name.strip() for name in names if isinstance(name, str) and MODULE.fullmatch(name.strip()))


def _above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]
