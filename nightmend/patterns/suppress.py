"""Inline suppressions: where a person told a linter to leave a line alone, we do so too."""

import re
from collections.abc import Iterator
from functools import lru_cache

from nightmend.patterns.pattern import Pattern
from nightmend.patterns.source import Module

_NOQA = re.compile(
    r"#\s*(?P<file>(?:ruff|flake8)\s*:\s*)?noqa(?P<codes>\s*:\s*[A-Z]+[0-9]+(?:[\s,]+[A-Z]+[0-9]+)*)?", re.I
)
_NOSEC = re.compile(r"#\s*nosec\b(?P<codes>[:\s]+B[0-9]+(?:[\s,]+B[0-9]+)*)?", re.I)
_PYLINT = re.compile(
    r"#\s*pylint:\s*(?P<verb>disable-next|disable|enable|skip-file)\b(?:\s*=\s*(?P<names>[\w\s,-]+))?"
)
_ANY = re.compile(rb"noqa|nosec|pylint:", re.I)
_CODE = re.compile(r"[A-Z]+[0-9]+", re.I)


def suppressed(module: Module, pattern: Pattern, first: int, last: int) -> bool:
    """Say whether a comment on the lines `first` to `last`, or one for the whole file, says to leave it."""
    if not _says_anything(module.content):
        return False
    codes = {alias.split(":")[1].lower() for alias in pattern.aliases}
    if pattern.rewrite.ruff is not None:
        codes.add(pattern.rewrite.ruff.lower())
    lines = [module.line(number) for number in range(first, last + 1)]
    if any(_silences(match, codes) for line in lines for match in _comments(line)):
        return True
    return _file_wide(module, codes) or (b"pylint:" in module.content and _pylint(module, codes, first, last))


@lru_cache(maxsize=8)
def _says_anything(content: bytes) -> bool:
    return _ANY.search(content) is not None


def _comments(line: str) -> Iterator[re.Match[str]]:
    for expression in (_NOQA, _NOSEC):
        match = expression.search(line)
        if match and not match.groupdict().get("file"):
            yield match


def _silences(match: re.Match[str], codes: set[str]) -> bool:
    if not match["codes"]:
        return True
    named = [code.lower() for code in _CODE.findall(match["codes"])]
    return any(code.startswith(prefix) for prefix in named for code in codes)


def _file_wide(module: Module, codes: set[str]) -> bool:
    if not re.search(rb"#\s*(ruff|flake8)\s*:\s*noqa", module.content, re.I):
        return False
    for line in module.content.decode().splitlines():
        match = _NOQA.match(line.strip())
        if match and match["file"] and _silences(match, codes):
            return True
    return False


def _pylint(module: Module, codes: set[str], first: int, last: int) -> bool:
    """`disable` behind code holds for its line; on a line of its own, for the rest of its block."""
    depth: int | None = None
    for number in range(1, last + 1):
        line = module.line(number)
        indent = len(line) - len(line.lstrip())
        if depth is not None and line.strip() and indent < depth:
            depth = None
        verb = _verb(line, codes)
        if verb == "skip-file" or (verb == "here" and number >= first):
            return True
        if verb == "disable-next" and first <= number + 1 <= last:
            return True
        if verb in {"disable", "enable"}:
            depth = indent if verb == "disable" else None
    return depth is not None


def _verb(line: str, codes: set[str]) -> str | None:
    """What pylint is told in a line about one of the codes; `here` is a `disable` behind code."""
    match = _PYLINT.search(line) if "pylint:" in line else None
    if match is None or match["verb"] == "skip-file":
        return match and match["verb"]
    names = {name.strip().lower() for name in (match["names"] or "").split(",")}
    if not names & (codes | {"all"}):
        return None
    return "here" if match["verb"] == "disable" and not line.lstrip().startswith("#") else match["verb"]
