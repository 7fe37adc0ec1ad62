"""How a target configures its tools, read as data and cut down to what cannot execute anything."""

from nightmend.configured.bandit import BanditSelection, bandit_selection
from nightmend.configured.declined import Declined, declined
from nightmend.configured.files import ConfigFiles, Table, config_paths, parse_files, sub_table, whole
from nightmend.configured.flake8 import CodeSelection, flake8_selection, pycodestyle_selection
from nightmend.configured.formatting import formatting
from nightmend.configured.mypy import MypySelection, mypy_selection
from nightmend.configured.project import (
    Formatter,
    black_line_length,
    formatter,
    python_floor,
    requires_python,
)
from nightmend.configured.pylint import PylintSelection, pylint_selection
from nightmend.configured.ruff import RuffTable, ruff_tables
from nightmend.frozen import Frozen
from nightmend.git.store import Store
from nightmend.issue import Finding
from nightmend.snapshot import Snapshot
from nightmend.targets.protected import is_test

PEP8_LINE = 79
RUFF_LINE = 88


class TargetConfig(Frozen):
    """The tools that a target configures; None where it does not use one."""

    ruff: tuple[RuffTable, ...] = ()
    """One table for each folder that has its own, outermost first."""
    flake8: CodeSelection | None = None
    pycodestyle: CodeSelection | None = None
    pylint: PylintSelection | None = None
    bandit: BanditSelection | None = None
    mypy: MypySelection | None = None
    line_length: int | None = None
    """What the target says, None when it says nothing."""
    requires_python: str | None = None
    python_floor: tuple[int, int] | None = None
    formatter: Formatter | None = None
    formatting: Table | None = None
    """Settings with which ruff's formatter does as the target's own; None where it cannot stand for that."""
    docstring_convention: str | None = None
    declined: Declined = Declined()
    """Rules that the target says it does not want."""
    broken: tuple[Finding, ...] = ()
    """One finding for each configuration file that no tool could read."""

    @property
    def max_line_length(self) -> int:
        """The line length that PEP 8 is measured by."""
        return self.line_length or PEP8_LINE


def target_config(store: Store, snapshot: Snapshot) -> TargetConfig:
    """Read the configuration of a snapshot; a broken file is reported in `broken` and otherwise left out."""
    paths = [path for path in config_paths(store.files(snapshot)) if "/" not in path or not is_test(path)]
    contents = store.read_many(snapshot, paths)
    files = parse_files(contents)
    tables = ruff_tables(files)
    flake8, pycodestyle, pylint = (
        flake8_selection(files),
        pycodestyle_selection(files),
        pylint_selection(files),
    )
    refused = declined(files, tables, (flake8, pycodestyle), pylint)
    declared = requires_python(files, contents.get("setup.py"))
    return TargetConfig(
        ruff=tables,
        flake8=flake8,
        pycodestyle=pycodestyle,
        pylint=pylint,
        bandit=bandit_selection(files),
        mypy=mypy_selection(files),
        line_length=_line_length(files, tables, (pycodestyle, flake8), pylint),
        requires_python=declared,
        python_floor=python_floor(declared),
        formatter=formatter(files, _ruff_formats(files)),
        formatting=formatting(
            files, next((table for table in tables if not table.folder), None), python_floor(declared)
        ),
        docstring_convention=_convention(files, tables),
        declined=refused,
        broken=files.broken,
    )


def _line_length(
    files: ConfigFiles,
    tables: tuple[RuffTable, ...],
    selections: tuple[CodeSelection | None, ...],
    pylint: PylintSelection | None,
) -> int | None:
    """Return the first line length that the target names: the checkers of PEP 8 before the formatters."""
    root = next((table for table in tables if not table.folder), None)
    ruff_lint = sub_table(root.lint, "pycodestyle") or {} if root else {}
    named = (
        *(selection.max_line_length for selection in selections if selection),
        whole(ruff_lint.get("max-line-length")),
        (whole(root.top.get("line-length")) or RUFF_LINE) if root else None,
        black_line_length(files),
        whole(pylint.options.get("max-line-length")) if pylint else None,
    )
    return next((length for length in named if length), None)


def _ruff_formats(files: ConfigFiles) -> bool:
    return any(
        files.table(path, *keys) is not None
        for path, keys in (
            ("pyproject.toml", ("tool", "ruff", "format")),
            ("ruff.toml", ("format",)),
            (".ruff.toml", ("format",)),
        )
    )


def _convention(files: ConfigFiles, tables: tuple[RuffTable, ...]) -> str | None:
    """Return the docstring convention that the target follows by its own word: google, numpy or pep257."""
    found = [
        (sub_table(table.lint, "pydocstyle") or {}).get("convention") for table in tables if not table.folder
    ]
    found.append((files.table("pyproject.toml", "tool", "pydocstyle") or {}).get("convention"))
    return next((name for name in found if isinstance(name, str)), None)
