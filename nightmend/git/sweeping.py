"""Which objects of a store nothing leads to any more, seen from what names them."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from nightmend.git.store import Store

_NAME = re.compile(rb"(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])")


def names_in(content: bytes) -> frozenset[str]:
    """Return whatever in a text may be the name of an object."""
    return frozenset(found.decode() for found in _NAME.findall(content))


def unnamed(store: Store, roots: Iterable[str], base: str) -> list[Path]:
    """Return the files of the loose objects that neither a root nor a value of ours leads to.

    Our values are JSON, and name others in it; what only looks like a name keeps an object, and does no harm.
    `base` is a commit of the target, whose own objects need no place here.
    """
    names = "".join(f"{name}\n" for name in _closure(store, frozenset(roots)))
    listed = store.git.run(
        *("rev-list", "--objects", "--no-object-names", "--ignore-missing", "--stdin"),
        stdin=f"{names}^{base}\n".encode(),
    )
    reached = frozenset(listed.decode().split())
    return [place for name, place in _loose(store.folder / "objects") if name not in reached]


def _closure(store: Store, names: frozenset[str]) -> frozenset[str]:
    """Return the objects that there are of these names, and those that our values among them name in turn."""
    known: dict[str, str] = {}
    while fresh := names - known.keys():
        kinds = _kinds(store, fresh)
        known |= dict.fromkeys(fresh, "missing") | kinds
        values = store.get_many(name for name, kind in kinds.items() if kind == "blob").values()
        names = frozenset[str]().union(*(names_in(value) for value in values if value.startswith(b"{")))
    return frozenset(name for name, kind in known.items() if kind != "missing")


def _kinds(store: Store, names: Iterable[str]) -> dict[str, str]:
    asked = "".join(f"{name}\n" for name in names).encode()
    lines = store.git.run("cat-file", "--batch-check", stdin=asked).decode().splitlines()
    answers = (line.split() for line in lines)
    return {answer[0]: answer[1] for answer in answers if answer[1] in {"blob", "tree", "commit", "tag"}}


def _loose(objects: Path) -> Iterator[tuple[str, Path]]:
    for place in objects.glob("[0-9a-f][0-9a-f]/*"):
        name = place.parent.name + place.name
        if _NAME.fullmatch(name.encode()):
            yield name, place
