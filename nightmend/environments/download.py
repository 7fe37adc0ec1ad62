"""Resolve what a target declares, and fetch the files: the one step that has a network, and runs no package.

uv resolves among wheels alone. What has no wheel is fetched as it is, read for what it needs, and left to the
build. A requirement that stands in the way of all others is left out, with the reason.
"""

import json
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.tags import compatible_tags, cpython_tags
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from pydantic import Field

from nightmend.environments.declared import Declaration, Missing, Wanted
from nightmend.environments.index import Indexes
from nightmend.environments.interpreter import Interpreter, holds_more
from nightmend.environments.spec import INSIDE, LIMITS, SETTINGS, UV, last_words, shown, uv_binary
from nightmend.frozen import Frozen
from nightmend.sandboxes import backends
from nightmend.sandboxes.network import Network
from nightmend.sandboxes.protocol import DEFAULT_WORKDIR, Bind, CommandResult, Sandbox, SandboxSpec

FETCH, PEEK = "/nightmend/fetch.py", "/nightmend/peek.py"
ETC = ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs", "/etc/pki/tls/certs", "/etc/pki/ca-trust")
NSSWITCH = Path(__file__).parent / "etc" / "nsswitch.conf"
WITHOUT_WHEEL = re.compile(r"Wheels are required for `([\w.-]+)`")
UNREACHABLE = re.compile(
    r"dns error|error sending request|tcp connect error|[Cc]onnection refused|[Nn]etwork is unreachable"
    r"|operation timed out|Failed to fetch"
)
NAME = re.compile(r"[\w.+!-]+\.(whl|tar\.gz|zip)", re.ASCII)
SOFT = ("setuptools<81",)
"""The last ones have no pkg_resources, which older packages import without asking for it."""
ROUNDS = 50
"""Packages without a wheel that one resolution may turn out to need."""


class Download(Frozen):
    """What was fetched, by file name, and what could not be had."""

    wheels: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    missing: tuple[Missing, ...] = ()
    unpinned: bool = False
    """Whether the target's lock could not be held to."""
    unreachable: str = ""
    """Why no index could be asked; then nothing was fetched."""


class Locked(Frozen):
    """One package of a resolution and the file to take."""

    name: str
    version: str
    url: str
    file: str
    sha256: str | None


def download(
    wanted: Declaration, base: Interpreter, own: Interpreter, indexes: Indexes, boxes: Path, into: Path
) -> Download:
    """Put the files that the environment of a target is made of into the folder `into`, which is made.

    `base` is the Python that they are for, `own` the one that fetches; `boxes` is the folder for the sandbox.
    """
    spec = SandboxSpec(
        name="download",
        base_directory=str(boxes),
        lower=None,
        binds=shown(own.binds, base.binds, _tools(), _system_files(indexes), _local_indexes(indexes)),
        limits=LIMITS,
        network=Network(),
    )
    with backends.create(spec) as box:
        got = _Download(box, wanted, base, own, indexes).get()
        (box.path / "upper" / "files").rename(into)  # nothing but our own script wrote there
    return got


class _Download:
    """One download in its sandbox."""

    def __init__(
        self, box: Sandbox, wanted: Declaration, base: Interpreter, own: Interpreter, indexes: Indexes
    ) -> None:
        self.box, self.base, self.own, self.indexes = box, base, own, indexes
        self.wanted = wanted
        self.pins = (*wanted.pins, *SOFT)
        self.sources: dict[str, str] = {}
        """File by name of what has no wheel."""
        self.build_files: dict[str, Locked] = {}
        self.failed: dict[str, str] = {}
        """Why a name cannot be had, whoever asks for it."""
        self.excluded = {canonicalize_name(wanted.name)} if wanted.name else set()
        self.missing: list[Missing] = []

    def get(self) -> Download:
        self.box.execute_command("mkdir -p files cache")
        if self.wanted.built_by:
            self._take_builders(self.wanted.built_by)
        texts = [one.text for one in self.wanted.requirements]
        locked, said = self._solve(texts)
        if locked is None and UNREACHABLE.search(said):
            return Download(unreachable=self._told(said))
        if locked is None and self.pins:
            self.pins = ()
            locked, said = self._solve(texts)
        if locked is None:
            locked = self._without_culprits()
        chosen = [*locked, *self.build_files.values()]
        problems = self._fetch(chosen)
        self.missing += [
            Missing(requirement=f"{one.name}=={one.version}", path="", why=problems[one.file])
            for one in chosen
            if one.file in problems
        ]
        self.missing += [Missing(requirement=name, path="", why=why) for name, why in self.failed.items()]
        return Download(
            wheels=tuple(one.file for one in locked if one.file not in problems),
            sources=tuple(self.sources.values()),
            missing=tuple(self.missing),
            unpinned=bool(self.wanted.pins) and not self.pins,
        )

    def _without_culprits(self) -> list[Locked]:
        """Leave out what cannot be had alone, then what does not go with what comes before it."""
        good: list[Wanted] = []
        for one in self.wanted.requirements:
            locked, said = self._solve([one.text])
            if locked is None:
                self.missing.append(Missing(requirement=one.text, path=one.path, why=self._told(said)))
            else:
                good.append(one)
        locked, said = self._solve([one.text for one in good])
        if locked is not None:
            return locked
        kept: list[Wanted] = []
        locked = []
        for one in good:
            more, said = self._solve([other.text for other in (*kept, one)])
            if more is None:
                self.missing.append(Missing(requirement=one.text, path=one.path, why=self._told(said)))
            else:
                kept.append(one)
                locked = more
        return locked

    def _solve(self, texts: Sequence[str]) -> tuple[list[Locked] | None, str]:
        """Resolve among wheels; what has none is fetched, taken out, and what it needs asked for instead."""
        waiting = list(texts)
        for _ in range(ROUNDS):
            waiting = [text for text in waiting if not self._is_excluded(text)]
            result = self._compile(waiting, narrowed=True)
            said = result.stderr.decode("utf-8", "replace")
            if result.return_code == 0:
                return self._locked(result.stdout), ""
            bare = {canonicalize_name(name) for name in WITHOUT_WHEEL.findall(said)} - self.excluded
            if not bare:
                return None, said
            for name in sorted(bare):
                waiting += self._take_source(name, texts)
        return None, "too many packages have no wheel"

    def _is_excluded(self, text: str) -> bool:
        try:
            return canonicalize_name(Requirement(text).name) in self.excluded
        except InvalidRequirement:
            return True

    def _compile(self, texts: Iterable[str], *, narrowed: bool, words: Sequence[str] = ()) -> CommandResult:
        narrowing = (*self.wanted.constraints, *self.indexes.constraints, *self.pins) if narrowed else ()
        excluded = self.excluded if narrowed else ()
        for name, lines in (("wanted.in", texts), ("narrowing", narrowing), ("excluded", excluded)):
            self.box.write(f"{name}.txt", "".join(f"{line}\n" for line in lines).encode())
        command = (
            *(UV, "pip", "compile", "wanted.in.txt", "-c", "narrowing.txt", "--excludes", "excluded.txt"),
            *("--format", "pylock.toml", "--no-header", "--no-annotate", "--python", self.base.executable),
            *(words or ("--no-build",)),
        )
        return self.box.run(command, env=self._variables())

    def _variables(self) -> dict[str, str]:
        return {**SETTINGS, **self.indexes.variables, "UV_CACHE_DIR": f"{DEFAULT_WORKDIR}/cache"}

    def _locked(self, lock: bytes) -> list[Locked]:
        packages = tomllib.loads(lock.decode("utf-8", "replace")).get("packages", [])
        return [locked for package in packages if (locked := self._choice(package)) is not None]

    def _choice(self, package: Mapping[str, object]) -> Locked | None:
        """Take the wheel that suits the Python best; of a package without one, its source."""
        listed = package.get("wheels")
        files = list(_files(listed if isinstance(listed, list) else [package.get("sdist")]))
        ranked = sorted(files, key=lambda file: self._rank(file.name))
        return next((file.of(package) for file in ranked if NAME.fullmatch(file.name)), None)

    def _rank(self, name: str) -> int:
        version = self.base.version
        order = [*cpython_tags(version), *compatible_tags(version, f"cp{version[0]}{version[1]}")]
        try:
            tags = parse_wheel_filename(name)[3]
        except InvalidWheelFilename:
            return len(order)
        return min((order.index(tag) for tag in tags if tag in order), default=len(order))

    def _take_source(self, name: str, texts: Iterable[str]) -> list[str]:
        """Fetch what has no wheel, with what it is built by, and return what it needs to run."""
        self.excluded.add(canonicalize_name(name))
        asked = next((text for text in texts if _named(text) == name), name)
        result = self._compile([asked], narrowed=False, words=("--no-deps", "--no-binary", name))
        locked = self._locked(result.stdout) if result.return_code == 0 else []
        if not locked:
            self.failed[name] = self._told(result.stderr.decode("utf-8", "replace"))
            return []
        [source] = locked[:1]
        if problem := self._fetch([source]).get(source.file):
            self.failed[name] = problem
            return []
        needs = self._peek(source.file)
        self._take_builders(needs.build)
        self.sources[name] = source.file
        return [text for text in needs.run if "extra ==" not in text and _from_index(text)]

    def _take_builders(self, asked: Iterable[str]) -> None:
        """Note the wheels to fetch that a build needs; what it cannot have, the build will miss."""
        tools = (*filter(_from_index, asked), "setuptools", "wheel")
        resolved = self._compile(tools, narrowed=False)
        if resolved.return_code == 0:
            self.build_files |= {one.file: one for one in self._locked(resolved.stdout)}

    def _peek(self, file: str) -> "_Needs":
        result = self.box.run((self.own.executable, "-I", "-S", PEEK, f"files/{file}"))
        try:
            return _Needs.model_validate_json(result.stdout)
        except ValueError:
            return _Needs()

    def _fetch(self, files: Sequence[Locked]) -> dict[str, str]:
        """Fetch files and return the problem of each that was not had."""
        orders = {
            "files": [{"url": one.url, "name": one.file, "sha256": one.sha256} for one in files],
            "logins": self.indexes.logins,
            "trusted": self.indexes.trusted_hosts,
            "into": f"{DEFAULT_WORKDIR}/files",
        }
        command = (self.own.executable, "-I", "-S", FETCH)
        result = self.box.run(command, env=self.indexes.environment, stdin=json.dumps(orders).encode())
        try:
            told: dict[str, str] = json.loads(result.stdout)
        except ValueError:
            return {one.file: self.indexes.scrubbed(last_words(result)) for one in files}
        return {name: self.indexes.scrubbed(problem) for name, problem in told.items()}

    def _told(self, said: str) -> str:
        """Return uv's reason in one line, without passwords."""
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        causes = [line.partition("cause:")[2].strip() for line in lines if line.startswith("cause:")]
        hints = [line.partition("hint:")[2].strip() for line in lines if "authentication" in line]
        telling = causes[:1] + causes[-1:] if len(causes) > 1 else causes or lines[:1]
        return self.indexes.scrubbed("; ".join(dict.fromkeys([*telling, *hints])))[:400]


class _Needs(Frozen):
    """What a source distribution needs."""

    build: tuple[str, ...] = ()
    run: tuple[str, ...] = ()


class _File(Frozen):
    """One file of a resolution, as the lock has it."""

    url: str
    sha256: str | None
    size: int = Field(0)

    @property
    def name(self) -> str:
        return os.path.basename(urlsplit(self.url).path).replace("%2B", "+").replace("%2b", "+")

    def of(self, package: Mapping[str, object]) -> Locked:
        return Locked(
            name=str(package.get("name")),
            version=str(package.get("version")),
            url=self.url,
            file=self.name,
            sha256=self.sha256,
        )


def _files(listed: Iterable[object]) -> Iterator[_File]:
    for entry in listed:
        if isinstance(entry, dict) and ("url" in entry or "path" in entry):
            path = str(entry.get("path", ""))
            place = os.path.normpath(os.path.join(DEFAULT_WORKDIR, path))
            hashes = entry.get("hashes")
            yield _File(
                url=str(entry.get("url") or Path(place).as_uri()),
                sha256=hashes.get("sha256") if isinstance(hashes, dict) else None,
            )


def _from_index(text: str) -> bool:
    """Say whether a package asks for another by name alone: no address, no option of pip's files."""
    try:
        return Requirement(text).url is None
    except InvalidRequirement:
        return False


def _named(text: str) -> str:
    try:
        return canonicalize_name(Requirement(text).name)
    except InvalidRequirement:
        return ""


def _tools() -> tuple[Bind, ...]:
    return (
        Bind(host=uv_binary(), inside=UV),
        Bind(host=str(INSIDE / "fetch.py"), inside=FETCH),
        Bind(host=str(INSIDE / "peek.py"), inside=PEEK),
        Bind(host=str(NSSWITCH), inside="/etc/nsswitch.conf"),
    )


def _system_files(indexes: Indexes) -> Iterator[Bind]:
    """Yield what a network needs: names of hosts, and whose certificates are believed."""
    named = (value for name, value in indexes.environment.items() if name.startswith("SSL_"))
    for place in dict.fromkeys((*ETC, *named)):
        if os.path.exists(place) and not place.startswith("/usr/") and os.path.isabs(place):
            yield Bind(host=os.path.realpath(place), inside=os.path.normpath(place))


def _local_indexes(indexes: Indexes) -> Iterator[Bind]:
    """Yield the folders of this machine that serve as index, with the files that lie beside their pages."""
    for place in indexes.local:
        folder = place.parent if place.name == "simple" and not holds_more(place.parent) else place
        if folder.exists() and not str(folder).startswith("/usr/"):
            yield Bind(host=os.path.realpath(folder), inside=str(folder))
