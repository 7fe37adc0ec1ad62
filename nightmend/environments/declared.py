"""What a target declares that its tests need, read as data from one snapshot: nothing of it runs.

Its own dependencies, the extras and groups that are named for testing, requirements files, tox. What an index
cannot answer for (an address, a folder, a computed list) is told as missing.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from pydantic import Field

from nightmend.advisories.dependency import LOCKS, dependencies, is_version
from nightmend.configured.files import ConfigFiles, Table, parse_files, strings, sub_table
from nightmend.configured.project import requires_python
from nightmend.environments.names import Chosen, chosen
from nightmend.environments.own_build import build_requirements, must_be_built
from nightmend.environments.poetry import poetry_extra, poetry_requirements
from nightmend.environments.requirement_files import expanded, requirements_of
from nightmend.environments.setup_script import COMPUTED, setup_arguments
from nightmend.frozen import Frozen
from nightmend.git.store import Store
from nightmend.snapshot import Snapshot

PYPROJECT, CFG, SCRIPT, TOX = "pyproject.toml", "setup.cfg", "setup.py", "tox.ini"
FOR_TESTS = r"(dev|devel|develop|development|tests?|testing|ci)"
TEST_FILE = re.compile(
    rf"((requirements|tests?)/)?({FOR_TESTS}[-_.]?requirements?|requirements?[-_.]?{FOR_TESTS}([-_.]\w+)?"
    rf"|(?<=requirements/){FOR_TESTS}|(?<=tests/)requirements|(?<=test/)requirements)\.(txt|in)"
)
REQUIREMENTS = "requirements.txt"
READ = re.compile(
    r"[^/]+\.(txt|in|toml|cfg|ini|lock)|setup\.py|Pipfile\.lock|(requirements|tests?)/[^/]+\.(txt|in)"
)
TEST_ENVIRONMENT = re.compile(r"testenv(:(py\w*|tests?|unit\w*))?")


class Wanted(Frozen):
    """One requirement, and the file that has it."""

    text: str
    """As PEP 508 has it."""
    path: str


class Missing(Frozen):
    """A requirement that cannot be had, with the reason."""

    requirement: str
    path: str
    """The file of the target that asks for it."""
    why: str


class Declaration(Frozen):
    """Everything that the environment of a target is made from."""

    name: str | None = None
    version: str = ""
    """Empty where only a build would tell."""
    requires_python: str | None = None
    requirements: tuple[Wanted, ...] = ()
    own_dependencies: tuple[str, ...] = ()
    """Of the requirements, those that the target itself cannot be imported without."""
    constraints: tuple[str, ...] = ()
    """What the target's own files narrow."""
    pins: tuple[str, ...] = ()
    """What its lock says; let go where that cannot be had."""
    missing: tuple[Missing, ...] = ()
    entry_points: dict[str, dict[str, str]] = Field(default_factory=dict)
    """By group, then name."""
    built_by: tuple[str, ...] = ()
    """What builds the target, where it cannot be imported without; empty where it can."""


class _Files(Frozen):
    """The files of a snapshot that may declare something."""

    contents: dict[str, bytes]
    parsed: ConfigFiles
    setup: dict[str, object]

    def table(self, *keys: str) -> Table:
        return self.parsed.table(PYPROJECT, *keys) or {}

    def option(self, section: str, key: str) -> str:
        return (self.parsed.section(CFG, section) or {}).get(key, "")


def declaration(store: Store, snapshot: Snapshot, wish: Chosen) -> Declaration:
    """Read a snapshot; UsageError where an extra or a group that the target itself names is not there."""
    paths = [path for path in store.files(snapshot) if READ.fullmatch(path)]
    return declared_in(store.read_many(snapshot, paths), wish, store.files(snapshot).keys())


def declared_in(contents: Mapping[str, bytes], wish: Chosen, paths: Collection[str] = ()) -> Declaration:
    """Read the files of a target that may declare something; `paths` names all that it has."""
    configuration = {path: contents[path] for path in (PYPROJECT, CFG, TOX) if path in contents}
    files = _Files(
        contents=dict(contents),
        parsed=parse_files(configuration),
        setup=setup_arguments(contents.get(SCRIPT)),
    )
    own = _text(files.table("project").get("name") or files.table("tool", "poetry").get("name"))
    name = own or files.option("metadata", "name") or _text(files.setup.get("name"))
    lines = list(_all_lines(files, wish, canonicalize_name(name) if name else ""))
    wanted, missing = _sorted([Wanted(text=text, path=path) for text, path, narrows in lines if not narrows])
    narrowing = [text for text, _, narrows in lines if narrows and _requirement(text)]
    return Declaration(
        name=name or None,
        version=_version(files),
        requires_python=requires_python(files.parsed, contents.get(SCRIPT)),
        requirements=wanted,
        own_dependencies=tuple(text for text, _, _ in _base(files) if _requirement(text)),
        constraints=tuple(dict.fromkeys(narrowing)),
        pins=_pins(contents),
        missing=missing,
        entry_points=_entry_points(files),
        built_by=build_requirements(files.parsed) if must_be_built(files.parsed, files.setup, paths) else (),
    )


def _all_lines(files: _Files, wish: Chosen, own: str) -> Iterator[tuple[str, str, bool]]:
    """Yield (text, path, narrows) of all that is asked for; its own extras stand for what they hold."""
    extras, groups = _extras(files), _groups(files)
    taken: set[str] = set()
    waiting = [*_base(files)]
    waiting += chosen(extras, wish.extras, "extras") + chosen(groups, wish.groups, "groups")
    if wish.extras is None and wish.groups is None:
        waiting += [*_test_files(files), *_from_tox(files, extras, groups)]
    while waiting:
        text, path, narrows = waiting.pop(0)
        for name in _own_extras(text, own):
            if name not in taken:
                taken.add(name)
                waiting += extras.get(name, ())
        if not _is_own(text, own):
            yield text, path, narrows


def _own_extras(text: str, own: str) -> list[str]:
    """Return the extras that the target asks of itself, as `.[tests]` or by its name."""
    if named := re.fullmatch(r"\.(?:/)?\[([^]]*)\]", text):
        return [canonicalize_name(name) for name in strings(named[1])]
    asked = _requirement(text)
    mine = asked is not None and canonicalize_name(asked.name) == own
    return [canonicalize_name(name) for name in sorted(asked.extras)] if asked and mine else []


def _is_own(text: str, own: str) -> bool:
    asked = _requirement(text)
    return bool(re.fullmatch(r"\.(/)?(\[[^]]*\])?", text)) or bool(
        asked and canonicalize_name(asked.name) == own
    )


Lines = list[tuple[str, str, bool]]


def _listed(value: object, path: str) -> Lines:
    return (
        [(text.strip(), path, False) for text in value if isinstance(text, str)]
        if isinstance(value, list)
        else []
    )


def _split(text: str, path: str) -> Lines:
    bare = (line.partition(" #")[0].strip() for line in text.splitlines())
    return [(line, path, False) for line in bare if line and not line.startswith("#")]


def _base(files: _Files) -> Lines:
    """Return what the target needs to be imported; its requirements.txt where it does not say so itself."""
    project = files.table("project")
    found = _listed(project.get("dependencies"), PYPROJECT)
    poetry = files.table("tool", "poetry", "dependencies")
    found += _listed(list(poetry_requirements(poetry)), PYPROJECT)
    found += _split(files.option("options", "install_requires"), CFG)
    computed = files.setup.get("install_requires")
    found += _split(computed, SCRIPT) if isinstance(computed, str) else _listed(computed, SCRIPT)
    if found or project.get("dependencies") == []:
        return found
    if REQUIREMENTS in files.contents:
        return list(requirements_of(REQUIREMENTS, files.contents))
    return [("install_requires of setup.py", SCRIPT, False)] if computed is COMPUTED else []


def _extras(files: _Files) -> dict[str, Lines]:
    found: dict[str, Lines] = {}
    declared = sub_table(files.table("project"), "optional-dependencies") or {}
    for name, value in declared.items():
        found.setdefault(canonicalize_name(name), []).extend(_listed(value, PYPROJECT))
    for name, text in (files.parsed.section(CFG, "options.extras_require") or {}).items():
        found.setdefault(canonicalize_name(name), []).extend(_split(text, CFG))
    scripted = files.setup.get("extras_require")
    for name, value in scripted.items() if isinstance(scripted, dict) else ():
        lines = _split(value, SCRIPT) if isinstance(value, str) else _listed(value, SCRIPT)
        found.setdefault(canonicalize_name(str(name)), []).extend(lines)
    poetry = files.table("tool", "poetry")
    for name in sub_table(poetry, "extras") or {}:
        optional = poetry_extra(poetry, name)
        table = {
            key: value for key, value in (sub_table(poetry, "dependencies") or {}).items() if key in optional
        }
        lines = _listed(list(poetry_requirements(table, optional)), PYPROJECT)
        found.setdefault(canonicalize_name(name), []).extend(lines)
    tests = files.setup.get("tests_require")
    lines = _listed(tests, SCRIPT) + _split(files.option("options", "tests_require"), CFG)
    return {**found, "tests-require": lines} if lines else found


def _groups(files: _Files) -> dict[str, Lines]:
    declared = files.table("dependency-groups")
    tables: dict[str, Lines] = {
        canonicalize_name(name): list(_group(declared, name, ())) for name in declared
    }
    tool = files.table("tool")
    for name, table in (sub_table(tool, "poetry", "group") or {}).items():
        within = sub_table(table, "dependencies") or {}
        tables.setdefault(canonicalize_name(name), []).extend(
            _listed(list(poetry_requirements(within)), PYPROJECT)
        )
    older = sub_table(tool, "poetry", "dev-dependencies") or {}
    more: dict[str, Lines] = {"dev": _listed(list(poetry_requirements(older)), PYPROJECT)}
    more["dev"] += _listed((sub_table(tool, "uv") or {}).get("dev-dependencies"), PYPROJECT)
    for name, value in (sub_table(tool, "pdm", "dev-dependencies") or {}).items():
        more.setdefault(canonicalize_name(name), []).extend(_listed(value, PYPROJECT))
    for name, table in (sub_table(tool, "hatch", "envs") or {}).items():
        lines = [line for key in ("dependencies", "extra-dependencies") for line in _hatch(table, key)]
        more.setdefault(canonicalize_name(name), []).extend(lines)
    for name, lines in more.items():
        if lines:
            tables.setdefault(name, []).extend(lines)
    return tables


def _hatch(table: object, key: str) -> Lines:
    return _listed(table.get(key), PYPROJECT) if isinstance(table, dict) else []


def _group(groups: Table, name: str, above: tuple[str, ...]) -> Iterator[tuple[str, str, bool]]:
    """Yield a dependency group of PEP 735, with the groups that it includes."""
    wanted = canonicalize_name(name)
    found = next((value for key, value in groups.items() if canonicalize_name(key) == wanted), None)
    if wanted in above or not isinstance(found, list):
        return
    for item in found:
        if isinstance(item, str):
            yield item.strip(), PYPROJECT, False
        elif isinstance(item, dict) and isinstance(other := item.get("include-group"), str):
            yield from _group(groups, other, (*above, wanted))


def _test_files(files: _Files) -> Lines:
    """Return what the requirements files named for tests hold; of an .in and its compiled .txt, the .in."""
    named = sorted(path for path in files.contents if TEST_FILE.fullmatch(path))
    compiled = {path.removesuffix(".in") + ".txt" for path in named if path.endswith(".in")}
    return [line for path in named if path not in compiled for line in requirements_of(path, files.contents)]


def _from_tox(files: _Files, extras: Mapping[str, Lines], groups: Mapping[str, Lines]) -> Lines:
    found: Lines = []
    for path, sections in _tox_sections(files):
        for section, options in sections.items():
            if not TEST_ENVIRONMENT.fullmatch(section):
                continue
            found += list(expanded(_unconditional(options.get("deps", "")), path, files.contents))
            for key, available in (("extras", extras), ("dependency_groups", groups)):
                for name in strings(options.get(key)):
                    found += available.get(canonicalize_name(name), [])
    base = files.table("tool", "tox", "env_run_base")
    found += _listed(base.get("deps"), PYPROJECT)
    for key, available in (("extras", extras), ("dependency_groups", groups)):
        found += [
            line for name in strings(base.get(key)) for line in available.get(canonicalize_name(name), [])
        ]
    return found


def _tox_sections(files: _Files) -> Iterator[tuple[str, dict[str, dict[str, str]]]]:
    yield TOX, files.parsed.ini.get(TOX, {})
    yield CFG, files.parsed.ini.get(CFG, {})
    legacy = files.table("tool", "tox").get("legacy_tox_ini")
    if isinstance(legacy, str):
        yield PYPROJECT, parse_files({TOX: legacy.encode()}).ini.get(TOX, {})


def _unconditional(lines: str) -> str:
    """Leave out what tox asks for in some environments only, and what it takes from elsewhere."""
    return "\n".join(line for line in lines.splitlines() if not re.match(r"\s*[\w!,.{}-]+:\s|.*\{", line))


def _sorted(wanted: Iterable[Wanted]) -> tuple[tuple[Wanted, ...], tuple[Missing, ...]]:
    """Part what an index may have from what it cannot."""
    unique = {one.text: one for one in wanted}.values()
    good, bad = [], []
    for one in unique:
        asked = _requirement(one.text)
        if asked is not None and asked.url is None:
            good.append(one)
        else:
            bad.append(Missing(requirement=one.text, path=one.path, why=_why_not(one.text, asked)))
    return tuple(good), tuple(bad)


def _why_not(text: str, asked: Requirement | None) -> str:
    if text.startswith("install_requires"):
        return "only running it would tell; declare the dependencies in pyproject.toml"
    if asked is not None or re.search(r"://|^[./]|^git\+|\.(whl|zip|tar\.gz)$", text):
        return "it is an address or a folder, and only what an index has is installed"
    return "it is no requirement that can be read"


def _requirement(text: str) -> Requirement | None:
    try:
        return Requirement(text)
    except InvalidRequirement:
        return None


def _pins(contents: Mapping[str, bytes]) -> tuple[str, ...]:
    """Return what the locks at the root hold to one version."""
    locks = {path: content for path, content in contents.items() if path in LOCKS}
    locks |= {path: content for path, content in contents.items() if _compiled(path, contents)}
    versions: dict[str, set[str]] = {}
    for one in dependencies(locks):
        if one.version is not None:
            versions.setdefault(one.name, set()).add(one.version)
    return tuple(f"{name}=={version}" for name, (version, *more) in sorted(versions.items()) if not more)


def _compiled(path: str, contents: Mapping[str, bytes]) -> bool:
    return path.endswith(".txt") and path.removesuffix(".txt") + ".in" in contents


def _version(files: _Files) -> str:
    said = (
        _text(files.table("project").get("version")),
        _text(files.table("tool", "poetry").get("version")),
        files.option("metadata", "version"),
        _text(files.setup.get("version")),
    )
    return next((text for text in said if is_version(text)), "")


def _entry_points(files: _Files) -> dict[str, dict[str, str]]:
    project = files.table("project")
    found = {
        "console_scripts": _names(sub_table(project, "scripts")),
        "gui_scripts": _names(sub_table(project, "gui-scripts")),
    }
    found["console_scripts"] |= _names(files.table("tool", "poetry", "scripts"))
    found |= {group: _names(table) for group, table in (sub_table(project, "entry-points") or {}).items()}
    found |= {group: _names(table) for group, table in files.table("tool", "poetry", "plugins").items()}
    for group, text in (files.parsed.section(CFG, "options.entry_points") or {}).items():
        found.setdefault(group, {}).update(_assigned(text.splitlines()))
    scripted = files.setup.get("entry_points")
    for group, lines in scripted.items() if isinstance(scripted, dict) else ():
        if isinstance(lines, list):
            found.setdefault(str(group), {}).update(_assigned(map(str, lines)))
    return {group: names for group, names in found.items() if names}


def _names(table: object) -> dict[str, str]:
    return (
        {key: value for key, value in table.items() if isinstance(value, str)}
        if isinstance(table, dict)
        else {}
    )


def _assigned(lines: Iterable[str]) -> dict[str, str]:
    pairs = (line.partition("=") for line in lines if "=" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
