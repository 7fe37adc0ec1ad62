"""A folder of advisories in the format of OSV, one JSON file each, as its public export has them.

`index.json`, where there is one, spares reading all of them: it names the files of each package.
"""

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from nightmend.advisories.dependency import Dependency
from nightmend.frozen import Frozen
from nightmend.home import state_folder
from nightmend.issue import Severity

INDEX = "index.json"
GRADES: dict[str, Severity] = {
    "LOW": "low", "MODERATE": "medium", "MEDIUM": "medium", "HIGH": "high", "CRITICAL": "high",
}  # fmt: skip
PREFERRED = ("CVE-", "GHSA-", "PYSEC-")


class Index(Frozen):
    """Which files speak of which package, and the day of the newest of them."""

    date: str
    packages: dict[str, tuple[str, ...]]


class Vulnerability(Frozen):
    """A known fault of a dependency, under its best known name."""

    id: str
    aliases: tuple[str, ...]
    summary: str
    severity: Severity
    dependency: Dependency
    fixed: str | None
    """The first version without it, where there is one."""


def advisories_folder() -> Path:
    """Return where the advisories lie: NIGHTMEND_ADVISORIES, else below the state folder."""
    named = os.environ.get("NIGHTMEND_ADVISORIES")
    return Path(named).expanduser().absolute() if named else state_folder() / "advisories"


class Database:
    """The advisories of a folder; ValueError or OSError where it holds none that can be read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = folder / INDEX
        self.index = Index.model_validate_json(kept.read_bytes()) if kept.exists() else make_index(folder)
        if not self.index.packages:
            raise ValueError("it holds no advisory")

    @property
    def date(self) -> str:
        """The day of the newest advisory."""
        return self.index.date

    def vulnerabilities(self, wanted: Iterable[Dependency]) -> tuple[Vulnerability, ...]:
        """Return the known faults of the dependencies, one for each however many names it has."""
        found = [one for dependency in wanted for one in self._of(dependency)]
        return tuple(sorted(found, key=lambda one: (one.dependency.path, one.dependency.name, one.id)))

    def _of(self, dependency: Dependency) -> Iterator[Vulnerability]:
        entries = [self._read(name) for name in self.index.packages.get(dependency.name, ())]
        hits = {entry["id"]: entry for entry in entries if affects(entry, dependency)}
        while hits:
            _, first = hits.popitem()
            names = {first["id"], *first.get("aliases", ())}
            same = [hits.pop(name) for name in list(hits) if names & {name, *hits[name].get("aliases", ())}]
            yield _vulnerability([first, *same], dependency)

    def _read(self, name: str) -> dict[str, Any]:
        entry: dict[str, Any] = json.loads((self.folder / name).read_bytes())
        return entry


def advisories_date() -> str | None:
    """Return the day of the newest advisory on this machine, None where there is none."""
    try:
        return Database(advisories_folder()).date
    except (OSError, ValueError):
        return None


def stamp(folder: Path) -> str:
    """Return what changes when the advisories of a folder do; of a folder without an index, by its files."""
    kept = folder / INDEX
    if kept.is_file():
        return hashlib.sha256(kept.read_bytes()).hexdigest()
    states = [(place.name, place.stat().st_mtime_ns) for place in sorted(folder.glob("*.json"))]
    return hashlib.sha256(repr(states).encode()).hexdigest()


def make_index(folder: Path) -> Index:
    """Read all advisories of a folder; what is none is passed over, withdrawn ones too."""
    packages: dict[str, list[str]] = defaultdict(list)
    date = ""
    for place in sorted(folder.glob("*.json")):
        if place.name == INDEX:
            continue
        try:
            entry = json.loads(place.read_bytes())
            names = {canonicalize_name(one["package"]["name"]) for one in _affected(entry)}
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        date = max(date, str(entry.get("modified", ""))[:10])
        for name in names:
            packages[name].append(place.name)
    return Index(date=date, packages={name: tuple(files) for name, files in packages.items()})


def _affected(entry: Mapping[str, Any], name: str | None = None) -> list[dict[str, Any]]:
    """Return what an advisory says of packages of the Python index, or of one of them."""
    if entry.get("withdrawn"):
        return []
    return [
        one
        for one in entry.get("affected", ())
        if one["package"]["ecosystem"] == "PyPI" and name in (None, canonicalize_name(one["package"]["name"]))
    ]


def affects(entry: Mapping[str, Any], dependency: Dependency) -> bool:
    """Say whether a locked version is affected, or a range admits nothing but what is.

    A range that admits a version with the fault mended is no issue: whoever installs it gets that one.
    """
    affected = _affected(entry, dependency.name)
    if dependency.version is not None:
        return any(_holds(one, dependency.version) for one in affected)
    try:
        specifier = SpecifierSet(dependency.specifier)
    except InvalidSpecifier:
        return False
    fixes = [fix for one in affected for fix in _fixes(one)]
    listed = [version for one in affected for version in one.get("versions", ())]
    if not specifier or any(specifier.contains(fix, prereleases=True) for fix in fixes):
        return False
    return bool(fixes) and any(_admits(specifier, version) for version in listed)


def _holds(affected: Mapping[str, Any], version: str) -> bool:
    mine = Version(version)
    if any(_version(listed) == mine for listed in affected.get("versions", ())):
        return True
    return any(_in_range(events["events"], mine) for events in _ranges(affected))


def _ranges(affected: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [one for one in affected.get("ranges", ()) if one["type"] in ("ECOSYSTEM", "SEMVER")]


def _in_range(events: Iterable[Mapping[str, str]], version: Version) -> bool:
    """Walk the events in order: introduced opens, fixed closes before, last_affected closes behind."""
    inside = False
    for kind, text in (pair for event in events for pair in event.items()):
        at = Version("0.dev0") if text == "0" else _version(text)
        if at is None:
            continue
        if kind == "introduced" and version >= at:
            inside = True
        elif (kind == "fixed" and version >= at) or (kind == "last_affected" and version > at):
            inside = False
    return inside


def _fixes(affected: Mapping[str, Any]) -> list[str]:
    texts = [event["fixed"] for one in _ranges(affected) for event in one["events"] if "fixed" in event]
    return [text for text in texts if _version(text) is not None]


def _admits(specifier: SpecifierSet, text: str) -> bool:
    return _version(text) is not None and specifier.contains(text, prereleases=True)


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _vulnerability(entries: list[dict[str, Any]], dependency: Dependency) -> Vulnerability:
    names = {name for entry in entries for name in (entry["id"], *entry.get("aliases", ()))}
    ranked = sorted(names, key=_rank)
    summaries = [entry.get("summary") or str(entry.get("details", "")).split("\n")[0] for entry in entries]
    fixes = [fix for entry in entries for one in _affected(entry, dependency.name) for fix in _fixes(one)]
    least = Version(dependency.version) if dependency.version else Version("0")
    later = sorted(Version(fix) for fix in fixes if Version(fix) > least)
    return Vulnerability(
        id=ranked[0],
        aliases=tuple(ranked[1:]),
        summary=next((text for text in summaries if text), "no summary"),
        severity=_severity(entries, dependency),
        dependency=dependency,
        fixed=str(later[0]) if later else None,
    )


def _rank(name: str) -> tuple[int, str]:
    """Put the names first that most people search for."""
    return next((at for at, start in enumerate(PREFERRED) if name.startswith(start)), len(PREFERRED)), name


def _severity(entries: Iterable[Mapping[str, Any]], dependency: Dependency) -> Severity:
    """Return the gravest grade that is given; medium where none is, and at most medium for a mere range."""
    said = [str((entry.get("database_specific") or {}).get("severity", "")).upper() for entry in entries]
    grades = [GRADES[word] for word in said if word in GRADES]
    order: tuple[Severity, ...] = ("high", "medium", "low")
    for grade in order:
        if grade in grades and not (grade == "high" and dependency.version is None):
            return grade
    return "medium"
