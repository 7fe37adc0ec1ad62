"""What a target tells flake8 and pycodestyle: codes by prefix, and where they do not count."""

import fnmatch
import posixpath
import re
from collections.abc import Iterable, Mapping

from nightmend.configured.files import ConfigFiles, strings, whole
from nightmend.frozen import Frozen

DEFAULT_IGNORE = ("E121", "E123", "E126", "E226", "E24", "E704", "W503", "W504")
CODE = re.compile(r"[A-Z]{1,4}[0-9]{0,4}")


class CodeSelection(Frozen):
    """Which codes a target enables, and for which files."""

    path: str
    select: tuple[str, ...]
    ignore: tuple[str, ...]
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    exclude: tuple[str, ...] = ()
    max_line_length: int | None = None
    max_complexity: int | None = None

    def enables(self, code: str, path: str) -> bool:
        """Say whether a code counts in a file; of a selection and an exception the longer prefix wins."""
        if any(matches(pattern, path) for pattern in self.exclude):
            return False
        here = [code for pattern, codes in self.per_file_ignores if matches(pattern, path) for code in codes]
        return _longest(self.select, code) > max(_longest(self.ignore, code), _longest(here, code))


def flake8_selection(files: ConfigFiles) -> CodeSelection | None:
    """Return the selection of the first file that configures flake8, in flake8's own order."""
    for path in ("setup.cfg", "tox.ini", ".flake8"):
        section = files.section(path, "flake8")
        if section is not None:
            return _selection(path, _dashed(section), ("E", "F", "W", "C90"))
    table = files.table("pyproject.toml", "tool", "flake8")
    return _selection("pyproject.toml", _dashed(table), ("E", "F", "W", "C90")) if table is not None else None


def pycodestyle_selection(files: ConfigFiles) -> CodeSelection | None:
    """Return the selection of a target that configures pycodestyle itself."""
    for path in ("setup.cfg", "tox.ini"):
        section = files.section(path, "pycodestyle")
        if section is not None:
            return _selection(path, _dashed(section), ("E", "W"))
    return None


def matches(pattern: str, path: str) -> bool:
    """Match as flake8 does: a bare name anywhere on the way to the file, a path from the root of the tree."""
    pattern = pattern.removeprefix("./").rstrip("/")
    places = [path, *_above(path)]
    if "/" not in pattern:
        return any(fnmatch.fnmatchcase(posixpath.basename(place), pattern) for place in places)
    return any(fnmatch.fnmatchcase(place, pattern.lstrip("/")) for place in places)


def _selection(path: str, options: Mapping[str, object], default: tuple[str, ...]) -> CodeSelection:
    chosen = _codes(options.get("select")) or default
    ignore = _codes(options.get("ignore")) if "ignore" in options else DEFAULT_IGNORE
    return CodeSelection(
        path=path,
        select=(*chosen, *_codes(options.get("extend-select"))),
        ignore=(*ignore, *_codes(options.get("extend-ignore"))),
        per_file_ignores=_per_file(options.get("per-file-ignores")),
        exclude=(*strings(options.get("exclude")), *strings(options.get("extend-exclude"))),
        max_line_length=whole(options.get("max-line-length")),
        max_complexity=whole(options.get("max-complexity")),
    )


def _dashed(options: Mapping[str, object]) -> dict[str, object]:
    return {key.replace("_", "-"): value for key, value in options.items()}


def _codes(value: object) -> tuple[str, ...]:
    return tuple(code for code in strings(value) if CODE.fullmatch(code))


def _per_file(value: object) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Read `a.py,b.py: E1, W2  c.py: F`: after a colon come codes, any other word is a file."""
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value or "")
    entries: list[tuple[list[str], list[str]]] = []
    colon = True
    for word in text.replace(":", " : ").replace(",", " ").split():
        if word == ":":
            colon = True
        elif colon and entries and CODE.fullmatch(word):
            entries[-1][1].append(word)
        else:
            if colon:
                entries.append(([], []))
            entries[-1][0].append(word)
            colon = False
    return tuple((name, tuple(codes)) for names, codes in entries for name in names)


def _longest(prefixes: Iterable[str], code: str) -> int:
    return max((len(prefix) for prefix in prefixes if code.startswith(prefix)), default=0)


def _above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]
