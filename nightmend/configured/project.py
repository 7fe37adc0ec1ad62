"""What a target says of itself that is no linter's business: its Pythons, its formatter, its line length."""

import ast
import re
from typing import Literal

from nightmend.configured.files import ConfigFiles, Table, strings, whole
from nightmend.parsing import parse_source

Formatter = Literal["ruff", "black", "yapf", "autopep8"]
BOUND = re.compile(r"(>=|~=|==|===|\^|>)\s*v?(\d+)\.(\d+)")
CLASSIFIER = re.compile(r"Programming Language :: Python :: (\d+\.\d+)")
BLACK_LINE = 88


def requires_python(files: ConfigFiles, setup_py: bytes | None) -> str | None:
    """Return the Python versions that the target declares, as it wrote them.

    A target that only lists versions for the package index declares the least of them.
    """
    declared = (
        _value(files.table("pyproject.toml", "project"), "requires-python"),
        _value(files.table("pyproject.toml", "tool", "poetry", "dependencies"), "python"),
        (files.section("setup.cfg", "options") or {}).get("python_requires"),
        _from_setup(setup_py),
        _from_classifiers(files, setup_py),
    )
    return next((text for text in declared if text), None)


def python_floor(declared: str | None) -> tuple[int, int] | None:
    """Return the least minor version that a declaration admits, None when it names none.

    `>=2.7, !=3.0.*` and `^2.7 || ^3.6` admit Python 2.7, and `>=2.7, >=3.6` does not.
    """
    bounds = (BOUND.findall(either) for either in (declared or "").split("||"))
    floors = [
        max((int(major), int(minor) + (sign == ">")) for sign, major, minor in found)
        for found in bounds
        if found
    ]
    return min(floors, default=None)


def formatter(files: ConfigFiles, ruff_formats: bool) -> Formatter | None:
    """Return the formatter that the target configures, None when it has none."""
    if ruff_formats:
        return "ruff"
    names: tuple[Formatter, ...] = ("black", "yapf", "autopep8")
    return next((name for name in names if files.table("pyproject.toml", "tool", name) is not None), None)


def black_line_length(files: ConfigFiles) -> int | None:
    """Return the line length of a target that uses black."""
    table = files.table("pyproject.toml", "tool", "black")
    return None if table is None else whole(table.get("line-length")) or BLACK_LINE


def _value(table: Table | None, key: str) -> str | None:
    value = (table or {}).get(key)
    return value if isinstance(value, str) else None


def _from_classifiers(files: ConfigFiles, setup_py: bytes | None) -> str | None:
    project = files.table("pyproject.toml", "project") or {}
    named = (
        *strings(project.get("classifiers")),
        *(files.section("setup.cfg", "metadata") or {}).get("classifiers", "").splitlines(),
        *_constants(setup_py),
    )
    versions = [match[1] for text in named if (match := CLASSIFIER.search(text))]
    return f">={min(versions, key=_numbers)}" if versions else None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))


def _constants(source: bytes | None) -> list[str]:
    tree = _parsed(source)
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return [line for node in nodes if isinstance(node.value, str) for line in node.value.splitlines()]


def _parsed(source: bytes | None) -> ast.Module:
    try:
        return parse_source(source or b"")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module(body=[], type_ignores=[])


def _from_setup(source: bytes | None) -> str | None:
    keywords = (node for node in ast.walk(_parsed(source)) if isinstance(node, ast.keyword))
    for keyword in keywords:
        if keyword.arg == "python_requires" and isinstance(keyword.value, ast.Constant):
            return str(keyword.value.value)
    return None
