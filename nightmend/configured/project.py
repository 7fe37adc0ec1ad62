"""What a target says of itself that is no linter's business: its Pythons, its formatter, its line length."""

import ast
import re
from typing import Literal

from nightmend.configured.files import ConfigFiles, Table, whole

Formatter = Literal["ruff", "black", "yapf", "autopep8"]
BOUND = re.compile(r"(>=|~=|==|===|\^|>)\s*v?(\d+)\.(\d+)")
BLACK_LINE = 88


def requires_python(files: ConfigFiles, setup_py: bytes | None) -> str | None:
    """Return the Python versions that the target declares, as it wrote them."""
    declared = (
        _value(files.table("pyproject.toml", "project"), "requires-python"),
        _value(files.table("pyproject.toml", "tool", "poetry", "dependencies"), "python"),
        (files.section("setup.cfg", "options") or {}).get("python_requires"),
        _from_setup(setup_py),
    )
    return next((text for text in declared if text), None)


def python_floor(declared: str | None) -> tuple[int, int] | None:
    """Return the least minor version of Python 3 that a declaration admits, None when it names none."""
    found = [(int(major), int(minor) + (sign == ">")) for sign, major, minor in BOUND.findall(declared or "")]
    return max((version for version in found if version[0] == 3), default=None)


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


def _from_setup(source: bytes | None) -> str | None:
    try:
        tree = ast.parse(source or b"")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    keywords = (node for node in ast.walk(tree) if isinstance(node, ast.keyword))
    for keyword in keywords:
        if keyword.arg == "python_requires" and isinstance(keyword.value, ast.Constant):
            return str(keyword.value.value)
    return None
