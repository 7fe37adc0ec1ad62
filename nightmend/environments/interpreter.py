"""Python interpreters, and what a sandbox must see of the machine to start one.

An interpreter is asked with `-I -S` only: no .pth file, no sitecustomize and no site-packages of it runs
outside a sandbox. What `-S` does not tell (pyvenv.cfg, editable installs) is read as data.
"""

import json
import os
import pwd
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlparse

from nightmend.errors import UsageError
from nightmend.frozen import Frozen
from nightmend.sandboxes.protocol import Bind

OLDEST = (3, 8)
QUESTION = (
    "import sys, json; sys.stdout.write(json.dumps("
    "[sys.executable, sys.prefix, sys.base_prefix, list(sys.version_info[:2])]))"
)
"""Runs on every Python that has `-I`; older ones refuse the option."""
PASSED_ON = ("PATH", "HOME", "PYENV_ROOT", "PYENV_VERSION", "ASDF_DIR", "ASDF_DATA_DIR")
"""What a shim needs to find the interpreter that it stands for."""
SYSTEM = tuple(Path(path) for path in ("/usr", "/bin", "/lib", "/lib64"))
"""Every sandbox has these already."""


class Interpreter(Frozen):
    """A Python and the folders that it needs, each bound read-only at its own path."""

    executable: str
    prefix: str
    """Root of the virtual environment, or the same as `base_prefix`."""
    base_prefix: str
    version: tuple[int, int]
    binds: tuple[Bind, ...]
    user_base: str | None = None
    """Where `pip install --user` put packages, for an interpreter that looks there."""

    @property
    def site_packages(self) -> tuple[str, ...]:
        """Folders of installed packages that exist, where a virtual environment has them."""
        roots = [
            (self.prefix, "lib"),
            (self.prefix, "lib64"),
            *([(self.user_base, "lib")] if self.user_base else []),
        ]
        places = (Path(root) / lib / _library(self.version) / "site-packages" for root, lib in roots)
        return tuple(dict.fromkeys(os.path.realpath(place) for place in places if place.is_dir()))


def find_interpreter(path: str | None, *, target: str | None = None) -> Interpreter:
    """Describe the interpreter at `path` (a name on PATH also does); None is the one that runs us.

    `target` is the repository under recovery: it is never bound as a whole.
    Raises UsageError in one sentence when there is no Python 3.8 or later.
    """
    asked = Path(sys.executable) if path is None else _locate(path)
    executable, prefix, base, version = _ask(asked)
    if version < OLDEST:
        found, oldest = (".".join(map(str, pair)) for pair in (version, OLDEST))
        raise UsageError(f"{asked} is Python {found}; name an interpreter of Python {oldest} or later")
    prefix, base = _environment_of(executable, prefix, base)
    bare = Interpreter(
        executable=str(executable),
        prefix=prefix,
        base_prefix=base,
        version=version,
        binds=(),
        user_base=_user_base(version) if prefix == base else None,
    )
    binds = _binds(_shown(bare, frozenset([Path(target)]) if target else frozenset()))
    return bare.model_copy(update={"binds": binds})


def _user_base(version: tuple[int, int]) -> str | None:
    base = Path.home() / ".local"
    return str(base) if (base / "lib" / _library(version)).is_dir() else None


def _shown(interpreter: Interpreter, kept_out: frozenset[Path]) -> Iterator[tuple[Path, Path]]:
    """Yield (real path, path inside) pairs of everything that an interpreter needs."""
    executable, version = Path(interpreter.executable), interpreter.version
    places = (Path(interpreter.prefix), Path(interpreter.base_prefix))
    for root, hop in (*_installations(executable), *((place, executable) for place in places)):
        yield from _bindable(root, hop, version, kept_out)
    if interpreter.user_base is not None:
        library = Path(interpreter.user_base) / "lib" / _library(version)
        yield Path(os.path.realpath(library)), library
    for real, source in _editable_sources(interpreter):
        hides_target = _below(real, kept_out) or _below(source, kept_out)
        if not hides_target and not _kept_out(source, kept_out):
            yield real, source


def _library(version: tuple[int, int]) -> str:
    return f"python{version[0]}.{version[1]}"


def _locate(path: str) -> Path:
    """Return the absolute path of what the user named, its symlinks as they stand."""
    place = Path(path).expanduser()
    if os.sep not in path:
        place = Path(shutil.which(path) or place)
    place = Path(os.path.abspath(place))  # resolve() would leave the virtual environment
    if not place.exists():
        raise UsageError(
            f"there is no interpreter at {place}; name the Python that has the target's packages"
        )
    if place.is_dir():
        raise UsageError(
            f"{place} is a folder; name the interpreter in it, such as {place / 'bin' / 'python'}"
        )
    if not os.access(place, os.X_OK):
        raise UsageError(f"{place} is not executable; name the Python that has the target's packages")
    return place


def _ask(place: Path) -> tuple[Path, str, str, tuple[int, int]]:
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    command = [str(place), "-I", "-S", "-c", QUESTION]
    try:
        answer = subprocess.run(
            command,
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=60,
            check=False,
        )
        executable, prefix, base, version = json.loads(answer.stdout)
        return Path(executable), str(prefix), str(base), (int(version[0]), int(version[1]))
    except subprocess.TimeoutExpired:
        raise UsageError(f"{place} did not answer within a minute; name another interpreter") from None
    except (OSError, ValueError, TypeError):
        raise UsageError(
            f"{place} does not answer as Python 3.8 or later does; name another interpreter"
        ) from None


def _environment_of(executable: Path, prefix: str, base: str) -> tuple[str, str]:
    """Find the virtual environment of an interpreter, which Python itself hides under `-S`."""
    for folder in (executable.parent, executable.parent.parent):
        if (folder / "pyvenv.cfg").is_file():
            return str(folder), base
    return prefix, base


def _installations(executable: Path) -> Iterator[tuple[Path, Path]]:
    """Follow the chain of symlinks of an interpreter: (root of the installation, executable in it) pairs."""
    seen: set[Path] = set()
    while executable not in seen:
        seen.add(executable)
        yield (executable.parent.parent if executable.parent.name == "bin" else executable), executable
        if not executable.is_symlink():
            break
        executable = Path(os.path.normpath(executable.parent / executable.readlink()))


def _bindable(
    root: Path, executable: Path, version: tuple[int, int], kept_out: frozenset[Path]
) -> Iterator[tuple[Path, Path]]:
    """Yield (real path, path inside) pairs that show an installation and nothing beside it."""
    if not _kept_out(root, kept_out):
        yield Path(os.path.realpath(root)), root
        yield Path(os.path.realpath(root)), Path(os.path.realpath(root))
        return
    lib = f"python{version[0]}.{version[1]}"
    parts = (
        "pyvenv.cfg",
        f"lib/{lib}",
        f"lib64/{lib}",
        f"include/{lib}",
        f"bin/{executable.name}",
        f"bin/{lib}",
    )
    libraries = root.glob(f"lib/lib{lib}*.so*") if root != Path("/") else iter(())
    for place in (*(root / part for part in parts), *libraries):
        if place.exists():
            yield Path(os.path.realpath(place)), place


def _kept_out(place: Path, kept_out: frozenset[Path]) -> bool:
    """Say whether a folder holds more than an installation: a top folder, a home, the target or above it."""
    homes = {Path.home(), *(Path(user.pw_dir) for user in pwd.getpwall())}
    real = Path(os.path.realpath(place))
    if real in homes or (real.parent == Path("/") and not (real / "pyvenv.cfg").is_file()):
        return True
    guarded = {Path.home(), *kept_out, *(Path(os.path.realpath(path)) for path in kept_out)}
    return any(folder == path or folder in path.parents for folder in (place, real) for path in guarded)


def holds_more(place: Path) -> bool:
    """Say whether a folder is no place for packages alone, but a top folder or a home."""
    return _kept_out(place, frozenset())


def _below(place: Path, folders: frozenset[Path]) -> bool:
    """Say whether a place lies in the target: what is bound there would hide the snapshot."""
    return any(
        Path(os.path.realpath(folder)) in place.parents or folder in place.parents for folder in folders
    )


def _editable_sources(interpreter: Interpreter) -> Iterator[tuple[Path, Path]]:
    """Yield the source folders of editable installs: PEP 610 records, and the plain lines of .pth files."""
    for site in interpreter.site_packages:
        for record in sorted(Path(site).glob("*.dist-info/direct_url.json")):
            yield from _existing(_editable_folder(record), Path(site))
        for listing in sorted(Path(site).glob("*.pth")):
            for line in _read(listing).splitlines():
                if line.strip() and not re.match(r"#|import[ \t]", line):
                    yield from _existing(line.strip(), Path(site))


def _editable_folder(record: Path) -> str | None:
    try:
        answer = json.loads(_read(record))
        url = urlparse(answer["url"])
        return unquote(url.path) if url.scheme == "file" and answer["dir_info"].get("editable") else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _existing(path: str | None, beside: Path) -> Iterator[tuple[Path, Path]]:
    if path is not None and "\0" not in path and (place := beside / path).is_dir():
        place = Path(os.path.normpath(place))
        yield Path(os.path.realpath(place)), place


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _binds(places: Iterable[tuple[Path, Path]]) -> tuple[Bind, ...]:
    """Return the binds without those that another one, or every sandbox, already shows."""
    chosen: dict[Path, Path] = {}
    for host, inside in sorted(places, key=lambda pair: (len(pair[1].parts), pair[1])):
        if any(root == inside or root in inside.parents for root in SYSTEM):
            continue
        above = next((folder for folder in (inside, *inside.parents) if folder in chosen), None)
        if above is None or chosen[above] / inside.relative_to(above) != host:
            chosen[inside] = host
    return tuple(Bind(host=str(host), inside=str(inside)) for inside, host in chosen.items())
