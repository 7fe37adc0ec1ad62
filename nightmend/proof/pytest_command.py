"""The `test_command` of a target: pytest tells us of each test, another command its exit code."""

import shlex
from collections.abc import Collection, Iterator

from nightmend.errors import UsageError
from nightmend.frozen import Frozen
from nightmend.proof.pytest_config import apart, left_out, name_and_value, takes_next

PYTEST = frozenset(("pytest", "py.test"))
PYTHON = ("python", "python3", "py")
REFUSED = ("runs_a_part", "opens_a_debugger", "moves_the_run")
"""Of the options that a measured run leaves out, those whose loss would make it another run."""
OURS = ("addopts", "cache_dir")
ACCEPTED = "`pytest` or `python -m pytest`, followed by options and paths, or another command without a shell"
SHELL = frozenset("&|;<>`$")


class PytestCommand(Frozen):
    """How a target wants its tests run: options of pytest, and the files or folders that hold the tests."""

    options: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    """A command that is not pytest's, judged by its exit code alone."""


def pytest_command(command: str | list[str], files: Collection[str]) -> PytestCommand:
    """Read a command line for a snapshot that has these files.

    Options that stop early, run in parallel, shuffle or measure coverage are left out: every run measures,
    in one order. UsageError names what makes it unknown what ran, and what only a shell understands.
    """
    said = _words(command)
    arguments = _arguments(said)
    if arguments is None:
        return PytestCommand(other=_other(said))
    words = [part for word in arguments for part in apart(word)]
    options: list[str] = []
    paths: list[str] = []
    for name, value, written in _options(words):
        if not name.startswith("-"):
            paths.append(_path(name, files))
        elif not _left_out(name, value):
            options += written
    return PytestCommand(options=tuple(options), paths=tuple(paths))


def _words(command: str | list[str]) -> list[str]:
    try:
        words = shlex.split(command) if isinstance(command, str) else list(command)
    except ValueError as error:
        raise _refusal(f"cannot be split into words ({error})") from None
    if not words:
        raise _refusal("is empty")
    return words


def _arguments(words: list[str]) -> list[str] | None:
    """Return what follows the name of pytest; None for another command."""
    if words[0] in PYTEST:
        return words[1:]
    if words[0] in PYTHON and words[1:3] == ["-m", "pytest"]:
        return words[3:]
    return None


def _other(words: list[str]) -> tuple[str, ...]:
    """Refuse what would be another command than it seems: of a shell, or pytest of another place."""
    if "=" in words[0] or any(word.rpartition("/")[2] in PYTEST for word in words):
        raise _refusal(f"begins with `{words[0]}`")
    if shell := next((word for word in words if SHELL & {*word}), ""):
        raise _refusal(f"has `{shell}`, which only a shell understands")
    return tuple(words)


def _options(words: list[str]) -> Iterator[tuple[str, str | None, list[str]]]:
    """Yield each option with its value and as it was written; a path is a name without a value."""
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        name, value = name_and_value(word)
        written = [word]
        if name.startswith("-") and value is None and waiting and takes_next(name, waiting[0]):
            value = waiting.pop(0)
            written.append(value)
        yield name, value, written


def _left_out(name: str, value: str | None) -> bool:
    """Say whether an option makes no difference here; raise UsageError where it would make one."""
    overrides = name in ("-o", "--override-ini") and (value or "").partition("=")[0] in OURS
    if name == "--" or overrides or left_out(name, value, REFUSED):
        raise _refusal(f"has `{name}`, with which it is not known what ran")
    return left_out(name, value)


def _path(word: str, files: Collection[str]) -> str:
    path = word.partition("::")[0].removeprefix("./").rstrip("/")
    if path in files or path == "." or any(file.startswith(f"{path}/") for file in files):
        return path
    hint = "join the value of an option to it by `=`"
    raise _refusal(f"names `{word}`, which is no file or folder of the target ({hint})")


def _refusal(problem: str) -> UsageError:
    return UsageError(f"test_command in [tool.nightmend] of pyproject.toml {problem}: write {ACCEPTED}")
