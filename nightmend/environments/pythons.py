"""Which Python of this machine a target's environment is made of: the one that runs us, where that suits."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from nightmend.environments.interpreter import OLDEST, Interpreter, find_interpreter
from nightmend.environments.poetry import specifier
from nightmend.environments.spec import base_executable
from nightmend.errors import UsageError

NEWEST = (3, 15)
MANAGED = ("~/.pyenv/versions/*/bin/python3", "~/.local/share/uv/python/*/bin/python3")


def python_for(declared: str | None, own: Interpreter) -> Interpreter | None:
    """Return the base interpreter to use, None where none that is found here suits the declaration."""
    for place in (base_executable(own), *_places()):
        try:
            found = find_interpreter(place)
        except UsageError:
            continue
        if found.prefix == found.base_prefix and admits(declared, found.version):
            return found
    return None


@cache
def base_interpreters() -> tuple[Interpreter, ...]:
    """Return the base interpreters that are found here by name or by version managers, one a version."""
    found: dict[tuple[int, int], Interpreter] = {}
    for place in _places():
        with suppress(UsageError):
            one = find_interpreter(place)
            if one.prefix == one.base_prefix:
                found.setdefault(one.version, one)
    return tuple(found.values())


def admits(declared: str | None, version: tuple[int, int]) -> bool:
    """Say whether `requires-python` admits any release of a minor version; nonsense admits all."""
    alternatives = (declared or "").split("||")
    return any(_admits(alternative, version) for alternative in alternatives)


def _admits(declared: str, version: tuple[int, int]) -> bool:
    try:
        bounds = SpecifierSet(specifier(declared) if re.search(r"[\^~](?!=)", declared) else declared)
    except InvalidSpecifier:
        return True
    major, minor = version
    return any(bounds.contains(f"{major}.{minor}.{micro}") for micro in range(40))


def _places() -> Iterator[str]:
    """Yield the interpreters that are found by name, newest first, and then those of version managers."""
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        if found := shutil.which(f"python3.{minor}"):
            yield found
    for pattern in MANAGED:
        home, _, rest = os.path.expanduser(pattern).partition("/*")
        yield from map(str, sorted(Path(home).glob(f"*{rest}"), reverse=True))
