"""Requirements as pip's files and tox write them, one a line; options of pip are obeyed or left alone."""

import posixpath
import re
from collections.abc import Iterator, Mapping

INCLUDES = re.compile(r"(-r|--requirement|-c|--constraint)[ =]*(?P<path>\S+)")
EDITABLE = re.compile(r"(-e|--editable)[ =]*(?P<place>\S+)")
DEEPEST = 20


def requirements_of(path: str, contents: Mapping[str, bytes]) -> Iterator[tuple[str, str, bool]]:
    """Yield (line, path of the file that has it, whether it only constrains), included files too."""
    yield from _lines_of(path, contents, constrains=False, above=())


def expanded(lines: str, path: str, contents: Mapping[str, bytes]) -> Iterator[tuple[str, str, bool]]:
    """Yield what lines within another file, such as tox.ini, ask for; names of files are beside that file."""
    yield from _expanded(lines, path, contents, constrains=False, above=())


def _lines_of(
    path: str, contents: Mapping[str, bytes], *, constrains: bool, above: tuple[str, ...]
) -> Iterator[tuple[str, str, bool]]:
    if path in above or len(above) > DEEPEST:
        return
    text = contents.get(path, b"").decode("utf-8-sig", "replace")
    yield from _expanded(text, path, contents, constrains=constrains, above=(*above, path))


def _expanded(
    text: str, path: str, contents: Mapping[str, bytes], *, constrains: bool, above: tuple[str, ...]
) -> Iterator[tuple[str, str, bool]]:
    for line in _bare(text):
        if named := INCLUDES.match(line):
            other = posixpath.normpath(posixpath.join(posixpath.dirname(path), named["path"]))
            narrower = constrains or named[1] in ("-c", "--constraint")
            yield from _lines_of(other, contents, constrains=narrower, above=above)
        elif editable := EDITABLE.match(line):
            yield editable["place"], path, constrains
        elif not line.startswith("-"):
            yield line, path, constrains


def _bare(text: str) -> Iterator[str]:
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        bare = re.split(r"(?:^|\s)(?:#|--hash|--config-settings?|--global-option)", line)[0].strip()
        if bare:
            yield bare
