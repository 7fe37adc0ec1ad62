"""What the rest of a project takes from a module: an unused name may be meant for that."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

_FROM = re.compile(rb"from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]*(\([^()]*\)|[^\n;]*)")
_DOTTED = re.compile(rb"\b(\w+)\.(?=(\w+))")
_COMMENT = re.compile(rb"#[^\n]*")


def names_taken(contents: Iterable[bytes]) -> frozenset[str]:
    """Every `module.name` that the sources mention, by the last part of the module; `module.*` for a star.

    Text is read, not syntax: too many names cost nothing but a repair.
    """
    taken: set[bytes] = set()
    for content in contents:
        taken |= {b".".join(pair) for pair in _DOTTED.findall(content)}
        for home, names in _FROM.findall(content):
            module = home.rpartition(b".")[2]
            listed = re.findall(rb"\w+|\*", re.sub(rb"\bas[ \t]+\w+", b"", _COMMENT.sub(b"", names)))
            taken |= {module + b"." + name for name in listed}
    return frozenset(name.decode("utf-8", "replace") for name in taken)


def is_taken(path: str, name: str, taken: frozenset[str]) -> bool:
    """Say whether the rest of the project takes a name from the module at a path."""
    place = PurePosixPath(path)
    module = place.parent.name if place.stem == "__init__" else place.stem
    return f"{module}.{name}" in taken or f"{module}.*" in taken
