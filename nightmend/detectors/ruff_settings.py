"""The `ruff.toml` that we write for a look at a tree: from the target's table, or of our own choice."""

import sys
from collections.abc import Iterable

from pydantic import JsonValue

from nightmend.configured.files import Table, strings, sub_table
from nightmend.configured.flake8 import CodeSelection
from nightmend.configured.ruff import PATTERNS, SHAPE, RuffTable, selected
from nightmend.detectors.taxonomy import Wide
from nightmend.detectors.tree import TreeView
from nightmend.targets.config import TargetConfig

SELECTORS = frozenset(
    (
        "select", "extend-select", "ignore", "extend-ignore", "fixable", "extend-fixable", "unfixable",
        "extend-safe-fixes", "extend-unsafe-fixes",
    )
)  # fmt: skip
SELECTORS_BY_FILE = frozenset(("per-file-ignores", "extend-per-file-ignores"))
OLDEST = (3, 7)
"""Python that ruff knows."""
RENAMED = {"TCH": "TC", "PSG": "PSF"}
KNOWN_MODULES = ("known-first-party", "known-third-party", "known-local-folder", "extra-standard-library")


def own_settings(table: RuffTable, tree: TreeView, config: TargetConfig) -> Table:
    """Return the target's own choice of rules, with its shape."""
    settings = _shared(table, tree, config)
    lint = {**(sub_table(settings, "lint") or {}), **dict(selected(table))}
    return _in_box({**table.top, **settings, "lint": lint}, tree)


def flake8_settings(selection: CodeSelection, tree: TreeView, config: TargetConfig) -> Table:
    """Return what flake8 would report, as far as ruff knows the same rules."""
    by_file: Table = {}
    for pattern, codes in selection.per_file_ignores:
        by_file[pattern] = [*strings(by_file.get(pattern)), *codes]
    unlimited = () if selection.max_complexity else ("C901",)
    complexity: Table = {"max-complexity": selection.max_complexity or 10}
    lint: Table = {"per-file-ignores": by_file, "mccabe": complexity}
    lint |= {"select": [*selection.select], "ignore": [*selection.ignore, *unlimited]}
    top: Table = {"exclude": list(selection.exclude), "line-length": selection.max_line_length or 79}
    return _in_box({**_target(config), **top, "lint": lint}, tree)


def wide_settings(table: RuffTable | None, wide: Wide, tree: TreeView, config: TargetConfig) -> Table:
    """Return our own choice of rules; what shapes them is the target's."""
    settings = _shared(table, tree, config) if table else {**_target(config), "lint": {}}
    lint: Table = dict(sub_table(settings, "lint") or {})
    lint |= {"select": [*wide.select], "ignore": [*wide.ignore]}
    return {**settings, "lint": lint}


def only_known(settings: Table, known: frozenset[str]) -> Table:
    """Leave out selectors that this ruff does not have: of another release, or of a plugin it has not."""
    lint = dict(sub_table(settings, "lint") or {})
    for key in SELECTORS & lint.keys():
        lint[key] = _known(lint[key], known)
    for key in SELECTORS_BY_FILE & lint.keys():
        by_file = sub_table(lint, key) or {}
        lint[key] = {pattern: _known(codes, known) for pattern, codes in by_file.items()}
    return {**settings, "lint": lint}


def without_shape(settings: Table) -> Table:
    """Leave out everything that shapes rules: a value there is one that this ruff does not accept."""
    lint = {key: value for key, value in (sub_table(settings, "lint") or {}).items() if key not in SHAPE}
    return {**settings, "lint": lint}


def _shared(table: RuffTable, tree: TreeView, config: TargetConfig) -> Table:
    """What shapes rules whoever chooses them."""
    top = {
        key: value for key, value in table.top.items() if key in ("line-length", "indent-width", "builtins")
    }
    lint = {key: value for key, value in table.lint.items() if key in SHAPE}
    lint["isort"] = _isort(sub_table(lint, "isort") or {}, tree.local_modules(table.src))
    src: list[JsonValue] = [tree.pattern(f"{folder}/.") for folder in table.src]
    return {**_target(config, table), **top, "src": src, "lint": lint}


def _isort(isort: Table, local: Iterable[str]) -> Table:
    """Name the target's own modules: a box of variants shows one file alone."""
    sections = sub_table(isort, "sections") or {}
    named = {name for key in KNOWN_MODULES for name in strings(isort.get(key))}
    named |= {name for value in sections.values() for name in strings(value)}
    own = [name for name in local if name not in named and name not in sys.stdlib_module_names]
    return {**isort, "known-first-party": [*strings(isort.get("known-first-party")), *own]}


def _target(config: TargetConfig, table: RuffTable | None = None) -> Table:
    own = table.top.get("target-version") if table else None
    if isinstance(own, str):
        return {"target-version": own}
    if config.python_floor:
        return {"target-version": "py{}{}".format(*max(config.python_floor, OLDEST))}
    return {}


def _in_box(settings: Table, tree: TreeView) -> Table:
    """Rewrite every path pattern for the box."""
    lint = sub_table(settings, "lint") or {}
    return {**_rewritten(settings, tree), "lint": _rewritten(lint, tree)}


def _rewritten(table: Table, tree: TreeView) -> Table:
    return {key: _patterns(value, tree) if key in PATTERNS else value for key, value in table.items()}


def _patterns(value: JsonValue, tree: TreeView) -> JsonValue:
    if isinstance(value, dict):
        return {tree.pattern(pattern): item for pattern, item in value.items()}
    return [tree.pattern(pattern) for pattern in strings(value)]


def _known(value: JsonValue, known: Iterable[str]) -> list[JsonValue]:
    kept: list[JsonValue] = []
    for name in strings(value):
        letters = name.rstrip("0123456789")
        code = RENAMED.get(letters, letters) + name[len(letters) :]
        if code == "ALL" or any(rule.startswith(code) for rule in known):
            kept.append(code)
    return kept
