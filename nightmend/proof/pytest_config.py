"""The target's own pytest configuration, read as data, without what would spoil a measured run."""

import configparser
import shlex
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

from nightmend.frozen import Frozen

Reader = Callable[[str], bytes | None]
"""Gives the content of a file of the target by its path, None where there is none."""
Parser = Callable[[str], list[str] | None]
"""Gives `addopts` of a file, None where the file does not configure pytest."""

OPTIONS = Path(__file__).with_name("pytest_options.toml")
SHORT_WITH_VALUE = frozenset("cknmoprW")
VALUED = frozenset(
    (
        "--asyncio-mode", "--basetemp", "--capture", "--color", "--confcutdir", "--deselect", "--durations",
        "--durations-min", "--ignore", "--ignore-glob", "--import-mode", "--junit-prefix", "--junit-xml",
        "--junitxml", "--log-level", "--override-ini", "--pythonwarnings", "--show-capture", "--tb",
        "--timeout", "--verbosity",
    )
)  # fmt: skip
"""Options of pytest that may stand, with a value behind them."""


class PytestConfig(Frozen):
    """Which file configures pytest, its `addopts` as they may stand, and the options left out."""

    file: str | None = None
    addopts: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


def pytest_config(read: Reader, version: tuple[int, ...]) -> PytestConfig:
    """Read the configuration that this version of pytest would take, by its own order of precedence."""
    for file, parse in _candidates(version):
        content = read(file)
        options = None if content is None else parse(content.decode("utf-8-sig", "replace"))
        if options is not None:
            kept, dropped = split_options(options)
            return PytestConfig(file=file, addopts=tuple(kept), dropped=tuple(dropped))
    return PytestConfig()


def random_seed(config: PytestConfig) -> int:
    """Return the seed that a target gives to pytest-randomly; 0 where it leaves it open."""
    words = [part for word in config.dropped for part in word.split("=", 1)]
    following = (value for word, value in pairwise(words) if word == "--randomly-seed" and value.isdigit())
    return int(next(following, "0"))


def _candidates(version: tuple[int, ...]) -> Iterator[tuple[str, Parser]]:
    if version >= (9,):
        yield from (("pytest.toml", _from_toml), (".pytest.toml", _from_toml))
    for name in ("pytest.ini", ".pytest.ini"):
        yield name, lambda text: _from_ini(text, "pytest") or []
    yield "pyproject.toml", lambda text: _from_pyproject(text, native=version >= (9,))
    yield "tox.ini", lambda text: _from_ini(text, "pytest")
    yield "setup.cfg", lambda text: _from_ini(text, "tool:pytest")


def _from_ini(text: str, section: str) -> list[str] | None:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True, comment_prefixes=("#", ";"))
    try:
        parser.read_string(text)
        return _words(parser.get(section, "addopts", fallback="")) if parser.has_section(section) else None
    except configparser.Error:
        return None


def _from_pyproject(text: str, *, native: bool) -> list[str] | None:
    tool = _toml(text).get("tool")
    settings = tool.get("pytest") if isinstance(tool, dict) else None
    if not isinstance(settings, dict):
        return None
    options = settings.get("ini_options")
    if isinstance(options, dict):
        return _words(options.get("addopts"))
    return _words(settings.get("addopts")) if native else None


def _from_toml(text: str) -> list[str] | None:
    settings = _toml(text).get("pytest")
    return _words(settings.get("addopts")) if isinstance(settings, dict) else []


def _toml(text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}


def _words(addopts: object) -> list[str]:
    if isinstance(addopts, list):
        return [str(word) for word in addopts]
    try:
        return shlex.split(str(addopts or ""))
    except ValueError:
        return []


@cache
def _listed(kind: str, reasons: tuple[str, ...] = ()) -> frozenset[str]:
    """Return what the data file lists as `flags`, `values` (a value follows), `maybe_values` or `plugins`."""
    known = tomllib.loads(OPTIONS.read_text(encoding="utf-8"))
    chosen = (known[reason] for reason in reasons or known)
    return frozenset(option for reason in chosen for option in reason.get(kind, ()))


def split_options(options: list[str]) -> tuple[list[str], list[str]]:
    """Part options into those that may stand and those left out, each with its value."""
    kept: list[str] = []
    dropped: list[str] = []
    words = [part for word in options for part in apart(word)]
    while words:
        word = words.pop(0)
        name, value = name_and_value(word)
        if value is None and words and takes_next(name, words[0]):
            value = words.pop(0)
            option = [word, value]
        else:
            option = [word]
        (dropped if left_out(name, value) else kept).extend(option)
    return kept, dropped


def name_and_value(word: str) -> tuple[str, str | None]:
    """Part an option from a value that is joined to it."""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return name, value if equals else None
    return (word[:2], word[2:] or None) if word.startswith("-") else (word, None)


def takes_next(name: str, following: str) -> bool:
    """Say whether the word behind an option is its value."""
    if name in _listed("maybe_values"):
        return not following.startswith("-")
    valued = _listed("values") | VALUED
    return name in valued or (name.startswith("-") and name[1:] in SHORT_WITH_VALUE)


def left_out(name: str, value: str | None, reasons: tuple[str, ...] = ()) -> bool:
    """Say whether a measured run leaves an option out, for one of these reasons; none given is any."""
    options = frozenset().union(*(_listed(kind, reasons) for kind in ("flags", "values", "maybe_values")))
    return name in options or (name == "-p" and value in _listed("plugins", reasons))


def apart(word: str) -> list[str]:
    """Take a cluster of short options apart: `-xvs` is `-x -v -s`, `-vn4` is `-v -n4`."""
    if not word.startswith("-") or word.startswith("--"):
        return [word]
    at = next((at for at, letter in enumerate(word) if letter in SHORT_WITH_VALUE), len(word))
    flags = [f"-{flag}" for flag in word[1:at]]
    return [*flags, f"-{word[at:]}"] if at < len(word) else flags
