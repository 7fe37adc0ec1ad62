"""Checks all files of a request with mypy, as one program; runs with -I in a sandbox, imports none of ours.

Mypy gives up on a whole program for one file that it cannot read, and for two files of one name. So the one
is left out, and the other gets a name of its own.
"""

import ast
import io
import json
import os
import re
import sys
import warnings

from mypy.build import build
from mypy.defaults import PYTHON3_VERSION_MIN
from mypy.errors import CompileError
from mypy.find_sources import InvalidSourceList, SourceFinder
from mypy.fscache import FileSystemCache
from mypy.main import process_options
from mypy.modulefinder import BuildSource

PLACE = "/tmp/mypy.toml"  # noqa: S108 -- of the box, new in each run of a tool
ATTEMPTS = 20
PLAIN = re.compile(r"(.+\.pyi?)(?::\d+)*: error: (.*)", re.DOTALL)


class Files(FileSystemCache):
    """The files as they lie there, but for those that stop mypy."""

    def __init__(self):
        super().__init__()
        self.hidden = set()

    def stat_or_none(self, path):
        """Know nothing of a hidden file, so that no import finds it either."""
        return None if os.path.abspath(path) in self.hidden else super().stat_or_none(path)


def examine(request, source):
    """Check all files with the settings of one source; return what mypy says."""
    said = io.StringIO()
    python = request["python"]
    version = ["--python-version={}.{}".format(*max(tuple(python), PYTHON3_VERSION_MIN))] if python else []
    arguments = [*request["arguments"], *version, "--config-file=" + source]
    try:
        _, options = process_options(arguments, stdout=said, stderr=said, require_targets=False)
    except SystemExit:
        sys.stderr.write(said.getvalue())
        raise
    cache = Files()
    messages, unread = check(sources_of(SourceFinder(cache, options), request["paths"]), options, cache)
    return {
        "messages": list(parsed(messages)),
        "unread": [unread[path] for path in sorted(unread)],
        "excluded": excluded(options.exclude, request["paths"]),
        "refused": bool(said.getvalue().strip()),
    }


def sources_of(finder, paths):
    """Return a source for each file; of files of one name, the first has it, as mypy looks for imports."""
    sources = {}
    for path in paths:
        module, base = named(finder, path)
        if module in sources:
            module = spelled(path)
        sources[module] = BuildSource(path, module, None, base)
    return list(sources.values())


def named(finder, path):
    """Return a file's module and the folder in which imports of it start."""
    try:
        return finder.crawl_up(path)
    except InvalidSourceList:
        return spelled(path), os.path.dirname(os.path.abspath(path))


def spelled(path):
    """Return a module's name that no import asks for, and no other file has."""
    return "nightmend_" + "".join(letter if letter.isalnum() else f"_{ord(letter):x}_" for letter in path)


def check(sources, options, cache):
    """Return mypy's messages, and the files that it could not read."""
    unread = {}
    for _ in range(ATTEMPTS):
        try:
            return build(sources, options, fscache=cache, stdout=io.StringIO()).errors, unread
        except CompileError as error:
            guilty = {fault["file"]: fault for fault in faults(error.messages)}
            guilty = {**({} if unread else unparsed(sources)), **guilty}
            kept = [source for source in sources if os.path.normpath(source.path) not in guilty]
            if len(kept) == len(sources):
                raise
            unread.update(guilty)
            cache.hidden.update(map(os.path.abspath, guilty))
            sources = kept
    raise RuntimeError("too many files stop mypy")


def unparsed(sources):
    """Return what Python itself says of the files that do not parse; mypy finds them one at a time."""
    found = {}
    for source in sources:
        try:
            with open(source.path, "rb") as file, warnings.catch_warnings(action="ignore"):
                ast.parse(file.read())
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            path = os.path.normpath(source.path)
            found[path] = {"file": path, "line": getattr(error, "lineno", None) or 1, "message": str(error)}
    return found


def faults(messages):
    """Yield the errors that stop mypy, some of which it writes as plain text."""
    for message in messages:
        plain = PLAIN.fullmatch(message)
        if plain:
            yield {"file": plain[1], "line": 1, "message": plain[2]}
        else:
            yield from (fault for fault in parsed([message]) if fault["severity"] == "error")


def parsed(messages):
    """Yield what mypy wrote as JSON."""
    for message in messages:
        try:
            yield json.loads(message)
        except ValueError:
            continue


def main():
    """Answer the request on standard input; settings that mypy refuses are left out as a whole."""
    request = json.load(sys.stdin)
    with open(PLACE, "w", encoding="utf-8") as settings:
        settings.write(request["settings"])
    try:
        answer = examine(request, PLACE)
    except (SystemExit, CompileError):
        answer = {**examine(request, ""), "refused": True}
    json.dump(answer, sys.stdout)


def excluded(patterns, paths):
    """Return the files that mypy passes over, or a folder above them, when it looks for files itself."""
    try:
        known = [re.compile(pattern) for pattern in patterns]
    except re.error:
        return []
    return [path for path in paths if any(one.search(place) for one in known for place in places(path))]


def places(path):
    """Yield a file and the folders above it, as patterns of mypy have them."""
    path = os.path.normpath(path)
    yield path
    parts = path.split("/")
    for count in range(1, len(parts)):
        yield "/".join(parts[:count]) + "/"


main()
