"""Rules that a target says it does not want: what it declines is no fault there, whatever we think of it."""

import re
import shlex
from collections.abc import Iterable, Iterator

from nightmend.configured.files import ConfigFiles, strings
from nightmend.configured.flake8 import CODE, CodeSelection, matches
from nightmend.configured.pylint import PylintSelection
from nightmend.configured.ruff import RuffTable
from nightmend.frozen import Frozen

IGNORING = ("--ignore", "--extend-ignore")
PER_FILE = ("per-file-ignores", "extend-per-file-ignores")


class Declined(Frozen):
    """Codes by prefix, each with the files where it is declined; "*" is all of them."""

    codes: tuple[tuple[str, str], ...] = ()
    messages: frozenset[str] = frozenset()
    """Pylint's, by number or name."""

    def covers(self, aliases: Iterable[str], path: str) -> bool:
        """Say whether the target declines any of these rules, each `tool:rule`, in a file."""
        for alias in aliases:
            tool, _, rule = alias.partition(":")
            if tool == "pylint" and rule in self.messages:
                return True
            if any(_within(rule, code) and _matches(where, path) for code, where in self.codes):
                return True
        return False


def declined(
    files: ConfigFiles,
    ruff: Iterable[RuffTable],
    checkers: Iterable[CodeSelection | None],
    pylint: PylintSelection | None,
) -> Declined:
    """Gather what the linters of a target are told to leave out, on their command lines in tox.ini too."""
    codes = [pair for table in ruff for pair in _of_ruff(table)]
    for checker in filter(None, checkers):
        codes += [(code, "*") for code in checker.ignore]
        codes += [(code, where) for where, ignored in checker.per_file_ignores for code in ignored]
    codes += [(code, "*") for code in _on_command_lines(files)]
    return Declined(
        codes=tuple(dict.fromkeys(codes)), messages=frozenset(pylint.disable if pylint else ()) - {"all"}
    )


def _of_ruff(table: RuffTable) -> Iterator[tuple[str, str]]:
    below = f"{table.folder}/*" if table.folder else "*"
    for key in ("ignore", "extend-ignore"):
        yield from ((code, below) for code in strings(table.lint.get(key)))
    for key in PER_FILE:
        places = table.lint.get(key)
        for where, codes in places.items() if isinstance(places, dict) else ():
            yield from ((code, where) for code in strings(codes))


def _on_command_lines(files: ConfigFiles) -> Iterator[str]:
    for section in files.ini.get("tox.ini", {}).values():
        for line in section.get("commands", "").splitlines():
            words = _words(line)
            if "flake8" in words[:3]:
                yield from _ignored(words)


def _ignored(words: list[str]) -> Iterator[str]:
    for number, word in enumerate(words):
        option, equals, value = word.partition("=")
        if option in IGNORING:
            given = value if equals else "".join(words[number + 1 : number + 2])
            yield from filter(CODE.fullmatch, given.split(","))


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return []


def _within(rule: str, code: str) -> bool:
    """Match a rule with a prefix of codes; letters alone are a family, so that S is not SIM."""
    family = re.match(r"[A-Z]*", rule)
    return rule.startswith(code) and (code[-1:].isdigit() or (family is not None and family[0] == code))


def _matches(pattern: str, path: str) -> bool:
    return not matches(pattern[1:], path) if pattern.startswith("!") else matches(pattern, path)
