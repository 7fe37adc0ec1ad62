"""Give a night the environment of its target: from the cache, or built now, by whoever is first."""

import contextlib
import fcntl
import hashlib
import os
import platform
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

from nightmend.environments.build import build
from nightmend.environments.declared import Declaration, Missing, Wanted, declaration
from nightmend.environments.download import Download, download
from nightmend.environments.environment import Environment
from nightmend.environments.index import user_indexes
from nightmend.environments.interpreter import Interpreter, find_interpreter
from nightmend.environments.names import Chosen
from nightmend.environments.own_wheel import OwnWheel, own_wheel, version_in
from nightmend.environments.pythons import python_for
from nightmend.environments.take import ENVIRONMENT
from nightmend.errors import NightmendError
from nightmend.files import write_atomically
from nightmend.git.store import Store
from nightmend.proof.packages import Package, packages_of
from nightmend.sandboxes.cleanup import reap, remove_tree
from nightmend.snapshot import Snapshot

FORMAT = "1"
"""Changes when the same declaration would be built otherwise."""
DAY = 24 * 60 * 60
UNUSED, KEPT, IN_USE = 30 * DAY, 12, 2 * DAY
"""After so many seconds an environment goes, so many are kept at most, and one used so lately stays."""
ABANDONED = 600
"""Seconds after which the sandbox of a build that was killed is removed."""
RETRY = DAY
"""After so many seconds what could not be had is tried again."""
PYTEST = Wanted(text="pytest", path="")
Tell = Callable[[str], None]


def environments_folder(home: Path) -> Path:
    """Return where environments are kept below the state folder."""
    return home / "environments"


def provide(
    store: Store, snapshot: Snapshot, target: Path, home: Path, wish: Chosen, tell: Tell = lambda _: None
) -> Environment:
    """Return the environment that a snapshot of a target declares.

    Nothing that keeps it from being built is an error: then `note` says so, and there is none.
    """
    declared = declaration(store, snapshot, wish)
    if not declared.requirements:
        return Environment(missing=declared.missing)
    own = find_interpreter(None, target=str(target))
    base = python_for(declared.requires_python, own)
    if base is None:
        wanted = f"no Python here is {declared.requires_python}, as the target requires"
        note = f"{wanted}, and our own runs its tests; name one by --python"
        return Environment(missing=declared.missing, note=note)
    packages = packages_of(store.files(snapshot))
    wheel = _own_wheel(store, snapshot, target, declared, packages)
    try:
        return _Cache(environments_folder(home), store, snapshot).get(declared, wheel, base, own, tell)
    except (NightmendError, OSError, ValueError) as error:
        return Environment(
            missing=declared.missing,
            note=f"no environment could be built, and our own Python runs the tests: {error}",
        )


@contextlib.contextmanager
def free_environment(folder: Path, name: str) -> Iterator[tuple[Path, ...]]:
    """Give what there is of an environment, and keep others from it; nothing where somebody builds it."""
    with (folder / f"{name}.lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield ()
            return
        yield tuple(place for place in (folder / f"{name}.json", folder / name) if place.exists())


def _own_wheel(
    store: Store, snapshot: Snapshot, target: Path, declared: Declaration, packages: tuple[Package, ...]
) -> OwnWheel | None:
    if declared.name is None:
        return None
    roots = dict.fromkeys(os.path.normpath(target / package.root) for package in packages)
    files = store.files(snapshot)
    places = [Path(package.path) for package in packages if not package.is_module]
    names = ("__init__.py", "_version.py", "version.py", "__about__.py", "__version__.py")
    sources = [path for place in places for name in names if (path := str(place / name)) in files]
    version = declared.version or version_in(store.read_many(snapshot, sources).values())
    return own_wheel(declared, version, roots)


class _Cache:
    """The environments of a state folder: `<digest>/env`, what is known of it beside, and a lock."""

    def __init__(self, folder: Path, store: Store, snapshot: Snapshot) -> None:
        self.folder, self.store, self.snapshot = folder, store, snapshot
        self.folder.mkdir(parents=True, exist_ok=True)

    def get(
        self,
        declared: Declaration,
        wheel: OwnWheel | None,
        base: Interpreter,
        own: Interpreter,
        tell: Tell,
    ) -> Environment:
        """Return what is kept for a declaration, or build it; of several at once, one builds."""
        name = _digest(declared, wheel, base, self.snapshot.tree if declared.built_by else "")
        with self._locked(name, tell):
            if kept := self._kept(name):
                packages = len(kept.installed)
                tell(f"environment: {packages} packages, kept from an earlier night")
                return kept
            tell(
                f"environment: installing what the target declares, {len(declared.requirements)} requirements"
            )
            built = self._build(name, declared, wheel, base, own)
            missing = f", {len(built.missing)} could not be had" if built.missing else ""
            tell(f"environment: {len(built.installed)} packages in {built.seconds:.0f} s{missing}")
            if built.prefix:
                write_atomically(self._record(name), built.model_dump_json().encode())
                self._prune()
            return built

    def _kept(self, name: str) -> Environment | None:
        record = self._record(name)
        try:
            kept = Environment.model_validate_json(record.read_bytes())
            age = time.time() - record.stat().st_mtime if kept.missing else 0
        except (OSError, ValueError):
            return None
        if age > RETRY or not (self.folder / name / ENVIRONMENT).is_dir():
            return None
        os.utime(self.folder / name)
        return kept

    def _build(
        self,
        name: str,
        declared: Declaration,
        wheel: OwnWheel | None,
        base: Interpreter,
        own: Interpreter,
    ) -> Environment:
        clock = time.perf_counter()
        place, boxes = self.folder / name, self.folder / "boxes"
        self._record(name).unlink(missing_ok=True)
        remove_tree(place)
        boxes.mkdir(mode=0o700, exist_ok=True)
        reap(boxes, ABANDONED)
        with TemporaryDirectory(dir=self.folder, prefix=".files-") as temporary:
            os.chmod(temporary, 0o755)  # noqa: S103 -- the user of the sandboxes reads there
            files = Path(temporary) / "files"
            wanted = declared.model_copy(update={"requirements": (*declared.requirements, PYTEST)})
            got = download(wanted, base, own, user_indexes(), boxes, files)
            missing = (*declared.missing, *got.missing)
            if got.unreachable or not (got.wheels or got.sources):
                return Environment(missing=missing, note=_nothing(got))
            if wheel is not None and declared.built_by:
                wheel = wheel._replace(tree=self._checked_out(Path(temporary) / "tree"))
            made = build(files, got.wheels, got.sources, wheel, base, boxes, place)
        return Environment(
            prefix=str(place / ENVIRONMENT),
            base=base,
            installed=made.installed,
            missing=_once((*missing, *made.missing)),
            note="its lock could not be held to" if got.unpinned else "",
            seconds=round(time.perf_counter() - clock, 1),
        )

    def _checked_out(self, into: Path) -> Path:
        into.mkdir()
        self.store.check_out(self.snapshot, into)
        return into

    def _record(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    @contextlib.contextmanager
    def _locked(self, name: str, tell: Tell) -> Iterator[None]:
        """Hold the lock of one environment; the kernel takes it from who dies."""
        with (self.folder / f"{name}.lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                tell("environment: another night builds it, and this one waits")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _prune(self) -> None:
        """Remove what was not used for long, and the oldest of too many."""
        used = sorted(
            ((place.stat().st_mtime, place) for place in self.folder.glob("[0-9a-f]*") if place.is_dir()),
            reverse=True,
        )
        for at, (moment, place) in enumerate(used):
            age = time.time() - moment
            if age > UNUSED or (at >= KEPT and age > IN_USE):
                self._record(place.name).unlink(missing_ok=True)
                remove_tree(place)
        for left in self.folder.glob(".files-*"):
            if time.time() - left.stat().st_mtime > IN_USE:
                remove_tree(left)


def _digest(declared: Declaration, wheel: OwnWheel | None, base: Interpreter, tree: str) -> str:
    digest = hashlib.sha256()
    for part in (
        FORMAT,
        declared.model_dump_json(),
        base.executable,
        str(base.version),
        " ".join((platform.machine(), *platform.libc_ver())),
        metadata.version("uv"),
        tree,
    ):
        digest.update(part.encode() + b"\0")
    digest.update(wheel.content if wheel else b"")
    return digest.hexdigest()[:24]


def _nothing(got: Download) -> str:
    if got.unreachable:
        return f"no package index could be reached, and our own Python runs the tests ({got.unreachable})"
    return "nothing of what the target declares could be had, and our own Python runs the tests"


def _once(missing: tuple[Missing, ...]) -> tuple[Missing, ...]:
    return tuple({one.requirement: one for one in missing}.values())
