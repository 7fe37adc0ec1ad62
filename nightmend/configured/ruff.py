"""What a target tells ruff, cut down to settings that choose and shape rules.

Left out on purpose: where ruff reads and writes (cache, output, include), fixing, and `required-version`.
"""

import posixpath
from collections.abc import Iterator

from pydantic import JsonValue

from nightmend.configured.files import ConfigFiles, Table, strings, sub_table
from nightmend.frozen import Frozen

DEFAULT_SELECT = ("E4", "E7", "E9", "F")
"""What ruff selects for a target that chose nothing, in every release until its defaults grew."""

TOP = frozenset(
    (
        "builtins", "exclude", "extend-exclude", "indent-width", "line-length", "namespace-packages",
        "per-file-target-version", "preview", "target-version",
    )
)  # fmt: skip
CHOICE = frozenset(
    (
        "select", "extend-select", "ignore", "extend-ignore", "per-file-ignores", "extend-per-file-ignores",
        "fixable", "extend-fixable", "unfixable", "extend-safe-fixes", "extend-unsafe-fixes", "external",
        "exclude", "explicit-preview-rules", "preview",
    )
)  # fmt: skip
"""Keys of `lint` that choose rules; the wide look at a tree leaves them out."""
SHAPE = frozenset(
    (
        "allowed-confusables", "dummy-variable-rgx", "future-annotations", "logger-objects", "task-tags",
        "typing-extensions", "typing-modules", "isort", "mccabe", "pep8-naming", "pycodestyle", "pydoclint",
        "pydocstyle", "pyflakes", "pylint", "pyupgrade", "ruff",
        "flake8-annotations", "flake8-bandit", "flake8-boolean-trap", "flake8-bugbear", "flake8-builtins",
        "flake8-comprehensions", "flake8-copyright", "flake8-errmsg", "flake8-gettext",
        "flake8-implicit-str-concat", "flake8-import-conventions", "flake8-pytest-style", "flake8-quotes",
        "flake8-self", "flake8-tidy-imports", "flake8-type-checking", "flake8-unused-arguments",
    )
)  # fmt: skip
DROPPED = frozenset(("extend-select", "ignore", "extend-ignore"))
EXTENDING = frozenset(key for key in CHOICE if key.startswith("extend-")) | {"extend-exclude", "ignore"}
PATTERNS = frozenset(
    ("exclude", "extend-exclude", "per-file-ignores", "extend-per-file-ignores", "per-file-target-version")
)
"""Keys whose values or names are path patterns."""
DEPTH = 8
SRC = (".", "src")
"""Ruff's default for `src`."""


class RuffTable(Frozen):
    """Ruff's settings for the files below one folder, in the shape of a `ruff.toml`.

    Path patterns are relative to the root of the tree, wherever the table stands.
    """

    folder: str
    path: str
    top: Table
    lint: Table
    src: tuple[str, ...] = SRC
    """Folders in which imports of the target's own start."""


def ruff_tables(files: ConfigFiles) -> tuple[RuffTable, ...]:
    """Return a table for each folder that configures ruff, outermost first."""
    found = {}
    for path in sorted(files.toml, key=lambda path: (path.count("/"), _precedence(path), path)):
        folder = posixpath.dirname(path)
        if folder not in found and (raw := _raw(files, path)) is not None:
            found[folder] = _table(folder, path, _resolved(files, path, raw, DEPTH))
    return tuple(found.values())


def table_of(tables: tuple[RuffTable, ...], path: str) -> RuffTable | None:
    """Return the table that rules a file: the nearest, as ruff has it."""
    above = [table for table in tables if not table.folder or path.startswith(f"{table.folder}/")]
    return max(above, key=lambda table: len(table.folder), default=None)


def _precedence(path: str) -> int:
    return (
        (".ruff.toml", "ruff.toml", "pyproject.toml").index(posixpath.basename(path)) if _named(path) else 9
    )


def _named(path: str) -> bool:
    return posixpath.basename(path) in (".ruff.toml", "ruff.toml", "pyproject.toml")


def _raw(files: ConfigFiles, path: str) -> Table | None:
    if not _named(path):
        return None
    return files.table(path, "tool", "ruff") if path.endswith("pyproject.toml") else files.toml.get(path)


def _resolved(files: ConfigFiles, path: str, raw: Table, depth: int) -> Table:
    """Lay a table over the one that it extends, which must lie in the same tree."""
    folder = posixpath.dirname(path)
    own: Table = {**_anchored(raw, folder), "lint": _anchored(_lint(raw), folder)}
    parent = raw.get("extend")
    if not isinstance(parent, str) or depth == 0:
        return own
    parent_path = posixpath.normpath(posixpath.join(posixpath.dirname(path), parent))
    base_raw = _raw(files, parent_path)
    if base_raw is None:
        return own
    base = _resolved(files, parent_path, base_raw, depth - 1)
    lint = _over(sub_table(base, "lint") or {}, sub_table(own, "lint") or {})
    return {**_over(base, own), "lint": lint}


def _anchored(table: Table, folder: str) -> Table:
    """Write path patterns relative to the root of the tree; bare names match anywhere as they are."""
    anchored = dict(table)
    for key in PATTERNS & table.keys():
        value = table[key]
        if isinstance(value, dict):
            anchored[key] = {_anchor(pattern, folder): item for pattern, item in value.items()}
        else:
            anchored[key] = [_anchor(pattern, folder) for pattern in strings(value)]
    return anchored


def _anchor(pattern: str, folder: str) -> str:
    negated, bare = pattern.startswith("!"), pattern.removeprefix("!")
    if "/" in bare and not bare.startswith("/"):
        bare = posixpath.join(folder, bare.removeprefix("./"))
    return f"!{bare}" if negated else bare


def _over(base: Table, own: Table) -> Table:
    """Merge as ruff does: a `select` of one's own starts afresh, keys that extend add up, others replace."""
    kept = {key: value for key, value in base.items() if not ("select" in own and key in DROPPED)}
    merged = {**kept, **own}
    for key in EXTENDING & kept.keys() & own.keys():
        first, second = kept[key], own[key]
        if isinstance(first, list) and isinstance(second, list):
            merged[key] = [*first, *second]
        elif isinstance(first, dict) and isinstance(second, dict):
            merged[key] = {**first, **second}
    return merged


def _lint(raw: Table) -> Table:
    """Return the `lint` table; older files have its keys at the top."""
    old = {key: value for key, value in raw.items() if key in (CHOICE | SHAPE) - TOP}
    return {**old, **(sub_table(raw, "lint") or {})}


def _table(folder: str, path: str, resolved: Table) -> RuffTable:
    lint = sub_table(resolved, "lint") or {}
    return RuffTable(
        folder=folder,
        path=path,
        top={key: value for key, value in resolved.items() if key in TOP},
        lint={key: value for key, value in lint.items() if key in CHOICE | SHAPE},
        src=_src(folder, resolved.get("src")),
    )


def _src(folder: str, named: JsonValue) -> tuple[str, ...]:
    """Return the folders from the root of the tree; one outside it is no folder of the target's."""
    places = (posixpath.normpath(posixpath.join(folder, name)) for name in strings(named) or SRC)
    return tuple(place for place in places if not place.startswith(("/", "..")))


def selected(table: RuffTable) -> Iterator[tuple[str, JsonValue]]:
    """Yield the keys of `lint` that choose rules, with the default where the target chose nothing."""
    yield "select", list(strings(table.lint["select"]) if "select" in table.lint else DEFAULT_SELECT)
    for key, value in table.lint.items():
        if key in CHOICE and key != "select":
            yield key, value
