"""Where the files of a tree are, and where one that a link misses is now."""

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from nightmend.documents.link import Link, is_relative
from nightmend.targets.protected import is_test

_COMMON = frozenset(
    {
        "readme", "readme.md", "readme.rst", "index.md", "index.rst", "license", "license.md", "license.txt",
        "changelog.md", "changes.md", "contributing.md", "makefile", "dockerfile", "package.json",
        "__init__.py", "setup.py", "pyproject.toml", "requirements.txt", "conf.py", "config.py", "main.py",
        "settings.py", "assets", "data", "doc", "docs", "examples", "images", "img", "lib", "scripts", "src",
        "static", "test", "tests", "tools",
    }
)  # fmt: skip
"""Names that say nothing about which of the files of that name is meant, even where there is only one."""
_PAGES = (
    ".md",
    ".rst",
    ".markdown",
    ".mdx",
    ".ipynb",
    ".html",
    ".txt",
    "/index.md",
    "/index.rst",
    "/README.md",
)
_BUILT = (".html", ".htm", ".pdf", ".xml", ".whl", ".zip", ".gz", ".js", ".css")
"""What a documentation build makes or copies, so that its absence from the tree says nothing."""

_SITE = re.compile(r"docusaurus\.config\.[cm]?[jt]s")


class Places:
    """The paths of one tree; what lies below its `links`, symbolic ones and submodules, is unknown."""

    def __init__(self, files: Iterable[str], links: Iterable[str] = ()) -> None:
        self.files = frozenset(files)
        self.links = frozenset(links)

    @cached_property
    def folders(self) -> frozenset[str]:
        """Every folder with something in it, the root as an empty path."""
        above = {""}
        for path in (*self.files, *self.links):
            while path := posixpath.dirname(path):
                if path in above:
                    break
                above.add(path)
        return frozenset(above)

    @cached_property
    def named(self) -> Mapping[str, Sequence[str]]:
        """Files and folders by the lower-case name of their last part."""
        names: dict[str, list[str]] = defaultdict(list)
        for path in sorted(self.files | self.folders | self.links):
            names[posixpath.basename(path).lower()].append(path)
        return names

    @cached_property
    def sites(self) -> tuple[str, ...]:
        """Folders of Docusaurus sites, which resolve a link from any folder above its document."""
        configurations = (path for path in self.files if _SITE.fullmatch(posixpath.basename(path)))
        return tuple(f"{posixpath.dirname(path)}/".lstrip("/") for path in configurations)

    def exists(self, path: str) -> bool:
        """Say whether something is at a path, or may be: below a link nobody knows from here."""
        if path in self.files or path in self.folders or path in self.links:
            return True
        return any(path.startswith(f"{link}/") for link in self.links)


def meant(document: str, path: str) -> str | None:
    """Return the path from the root that a link means; None where it leaves the tree."""
    resolved = posixpath.normpath(posixpath.join(posixpath.dirname(document), path))
    if resolved == ".." or resolved.startswith("../"):
        return None
    return "" if resolved == "." else resolved


def broken(document: str, links: Iterable[Link], places: Places) -> list[Link]:
    """Return the links of a document that surely point to nothing.

    A link that a site generator or a build may resolve is given the benefit of the doubt.
    """
    return [link for link in links if is_relative(link.path) and _broken(document, link, places)]


def _broken(document: str, link: Link, places: Places) -> bool:
    path = meant(document, link.path)
    if path is None or places.exists(path) or _resolved_by_site(document, link.path, places):
        return False
    folder = link.path.endswith("/")
    if folder or not _extension(path):
        stem = posixpath.basename(path)
        if any(places.named.get(f"{stem}{page}".lower()) for page in _PAGES[:7]) or any(
            places.exists(f"{path}{page}") for page in _PAGES
        ):
            return False
        return bool(_same_end(link.path, places))
    return not path.lower().endswith(_BUILT) or bool(_same_end(link.path, places))


def _resolved_by_site(document: str, path: str, places: Places) -> bool:
    if not any(document.startswith(site) for site in places.sites):
        return False
    parts = document.split("/")
    return any(places.exists(posixpath.join(*parts[:depth], path)) for depth in range(1, len(parts)))


def _extension(path: str) -> str:
    extension = posixpath.splitext(path)[1]
    return extension if 1 < len(extension) <= 9 and not extension[1:].isdigit() else ""


def new_place(
    document: str, link: Link, places: Places, moves: Mapping[str, str], *, by_name: bool = True
) -> str | None:
    """Return where the file of a broken link is now, None where that is not certain.

    `moves` says for paths of the past where they are now. What history says goes before what names say,
    which are asked only `by_name`.
    """
    told = _from_history(document, link.path, places, moves)
    if told:
        return told.pop() if len(told) == 1 else None
    if not by_name:
        return None
    path = meant(document, link.path)
    found = places.named.get(posixpath.basename(path or "").lower(), ())
    other_case = [place for place in found if path and place.lower() == path.lower()]
    if len(other_case) == 1:
        return other_case[0]
    same_end = [place for place in _same_end(link.path, places) if is_test(document) or not is_test(place)]
    return same_end[0] if len(same_end) == 1 else None


def _from_history(document: str, path: str, places: Places, moves: Mapping[str, str]) -> set[str]:
    """Return where the link points when read from where its document once was, and its file followed."""
    once = [document, *(old for old, new in moves.items() if new == document)]
    told = set()
    for place in once:
        there = meant(place, path)
        if there is None:
            continue
        now = there if places.exists(there) else _moved(there, moves)
        if now is not None and now and places.exists(now):
            told.add(now)
    return told


def _moved(path: str, moves: Mapping[str, str]) -> str | None:
    """Return where a file is now, or a folder all of whose files moved to one other."""
    if path in moves:
        return moves[path]
    found = set()
    for old, new in moves.items():
        if path and old.startswith(f"{path}/"):
            rest = old.removeprefix(path)
            found.add(new.removesuffix(rest) if new.endswith(rest) else None)
    return found.pop() if len(found) == 1 else None


def _same_end(path: str, places: Places) -> list[str]:
    """Return the places whose path ends like the link, or the one of its name that has its folders too.

    A name that is common needs more than itself.
    """
    parts = [part for part in posixpath.normpath(path).split("/") if part not in {"..", "."}]
    if not parts or (len(parts) == 1 and parts[0].lower() in _COMMON):
        return []
    found = [place for place in places.named.get(parts[-1].lower(), ()) if place.endswith(parts[-1])]
    same = [place for place in found if place.split("/")[-len(parts) :] == parts]
    return same or [place for place in found if len(found) == 1 and _in_order(parts, place.split("/"))]


def _in_order(parts: Iterable[str], place: Iterable[str]) -> bool:
    """Say whether the parts all come in a place, in their order."""
    rest = iter(place)
    return all(part in rest for part in parts)
