"""The configuration files of a target, parsed as data; nothing in them is ever executed or imported."""

import configparser
import tomllib
from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from nightmend.frozen import Frozen
from nightmend.issue import Finding

Table = dict[str, JsonValue]

AT_ROOT = frozenset(
    (
        "pyproject.toml", "setup.cfg", "tox.ini", ".flake8", ".pycodestyle", ".bandit", "setup.py",
        ".pylintrc", "pylintrc", ".pylintrc.toml", "pylintrc.toml", "ruff.toml", ".ruff.toml", "mypy.ini",
        ".mypy.ini",
    )
)  # fmt: skip
ANYWHERE = frozenset(("pyproject.toml", "ruff.toml", ".ruff.toml"))
BROKEN = "broken-configuration"


class ConfigFiles(Frozen):
    """What could be read: tables by path, sections by path, and a finding for each file that is broken."""

    toml: dict[str, Table]
    ini: dict[str, dict[str, dict[str, str]]]
    broken: tuple[Finding, ...]

    def table(self, path: str, *keys: str) -> Table | None:
        """Return the table below the keys of a TOML file, None when there is none."""
        return sub_table(self.toml.get(path), *keys)

    def section(self, path: str, name: str) -> dict[str, str] | None:
        """Return a section of an INI file, None when there is none."""
        return self.ini.get(path, {}).get(name)


def config_paths(paths: Iterable[str]) -> list[str]:
    """Choose the files that may configure a tool, outermost first."""
    chosen = [
        path for path in paths if (path in AT_ROOT if "/" not in path else path.rsplit("/", 1)[1] in ANYWHERE)
    ]
    return sorted(chosen, key=lambda path: (path.count("/"), path))


def parse_files(contents: Mapping[str, bytes]) -> ConfigFiles:
    """Parse configuration files by their names; a broken one becomes a finding and stays out."""
    toml: dict[str, Table] = {}
    ini: dict[str, dict[str, dict[str, str]]] = {}
    broken = []
    for path, content in contents.items():
        if path.endswith(".py"):
            continue
        try:
            text = content.decode("utf-8-sig")
            if path.endswith(".toml"):
                toml[path] = _plain(tomllib.loads(text))
            else:
                ini[path] = _sections(text)
        except (ValueError, RecursionError, configparser.Error) as error:
            broken.append(broken_finding(path, str(error)))
    return ConfigFiles(toml=toml, ini=ini, broken=tuple(broken))


def broken_finding(path: str, problem: str) -> Finding:
    """Report a configuration file that no tool can use."""
    first = problem.splitlines()[0] if problem else "it cannot be read"
    return Finding(
        detector="nightmend", rule=BROKEN, path=path, line=1, message=f"broken configuration: {first}"
    )


def sub_table(table: object, *keys: str) -> Table | None:
    """Return the table below the keys, None as soon as something else stands there."""
    for key in keys:
        table = table.get(key) if isinstance(table, dict) else None
    return table if isinstance(table, dict) else None


def strings(value: object) -> tuple[str, ...]:
    """Return a list of strings as TOML or INI have it: a list, or text split by commas and spaces."""
    if isinstance(value, str):
        return tuple(value.replace(",", " ").split())
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def whole(value: object) -> int | None:
    """Return a positive whole number, None for anything else."""
    try:
        number = int(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else 0
    except ValueError:
        return None
    return number if number > 0 else None


def _sections(text: str) -> dict[str, dict[str, str]]:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    parser.read_string(text)
    return {name: {key: value or "" for key, value in parser.items(name)} for name in parser.sections()}


def _plain(value: dict[str, object]) -> Table:
    """Keep what JSON can say; TOML's dates and infinities configure nothing."""
    return {key: kept for key, item in value.items() if (kept := _json(item)) is not None}


def _json(value: object) -> JsonValue:
    if isinstance(value, dict):
        return _plain(value)
    if isinstance(value, list):
        return [_json(item) for item in value]
    return value if isinstance(value, (str, int, bool, float)) else None
