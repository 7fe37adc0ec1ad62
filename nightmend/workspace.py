"""The folder of a night for one target: its object store, the trees checked out of it, and its sandboxes."""

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import stat
import threading
import weakref
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from nightmend.environments.environment import Environment
from nightmend.environments.interpreter import Interpreter, find_interpreter
from nightmend.errors import PrerequisiteError
from nightmend.frozen import Frozen
from nightmend.git.store import Store
from nightmend.git.target import Target
from nightmend.night import Night
from nightmend.sandboxes import backends
from nightmend.sandboxes.owner import sandbox_owner
from nightmend.sandboxes.protocol import Bind, Sandbox, SandboxSpec
from nightmend.settings import Limits, SandboxSettings
from nightmend.snapshot import Snapshot

TREES = "trees"
READERS = "readers"
"""In the folder of a target: locked by whoever reads the trees there."""
_MAKING = threading.Lock()
M = TypeVar("M", bound=Frozen)


class Workspace:
    """What every step of a night works with; made anew from the Night in each process."""

    def __init__(self, night: Night) -> None:
        self.night = night
        self.target = _target(night)
        self.home = Path(night.home)
        self.folder = target_folder(self.home, self.target.path)
        self._trees = self.private(TREES)
        self._reading: int | None = None
        self._seen: set[Path] = set()
        self.store = Store(self.folder / "store.git", self.target)

    @cached_property
    def environment(self) -> Environment:
        """What was installed for the target; an empty one where an interpreter was named."""
        ref = self.night.environment
        return Environment() if ref is None else self.get(ref, Environment)

    @cached_property
    def interpreter(self) -> Interpreter:
        """The Python that has the target's dependencies; one that we built is never asked, only described."""
        return self.environment.interpreter or find_interpreter(
            self.night.python, target=str(self.target.path)
        )

    @cached_property
    def own(self) -> Interpreter:
        """The Python that runs us, and our tools inside sandboxes."""
        return find_interpreter(None, target=str(self.target.path))

    def checkout(self, snapshot: Snapshot) -> Path:
        """Return the folder with the files of a snapshot, for reading only, made by whoever is first.

        One from before is looked at once: where its bytes were changed on disk, it is made again.
        """
        with _MAKING:  # else another thread takes for whole, or for damaged, what is not yet seen
            return self._checkout(snapshot)

    def _checkout(self, snapshot: Snapshot) -> Path:
        self._read()
        place = self._trees / snapshot.tree
        if place in self._seen:
            return place
        fresh = self._trees / f".{snapshot.tree}-{secrets.token_hex(4)}"
        if place.is_dir() and not self.store.holds(snapshot, place):
            with contextlib.suppress(FileNotFoundError):  # another process was faster
                place.rename(fresh)
            shutil.rmtree(fresh, ignore_errors=True)
        if not place.is_dir():
            self._make(snapshot, place, fresh)
        self._seen.add(place)
        return place

    def _make(self, snapshot: Snapshot, place: Path, fresh: Path) -> None:
        try:
            fresh.mkdir(mode=0o755)
            self.store.check_out(snapshot, fresh)
            hand_over(fresh)
            fresh.rename(place)
        except OSError:
            if not place.is_dir():
                raise
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    def _read(self) -> None:
        """Keep the trees from being removed for as long as this workspace is in use."""
        if self._reading is None:
            self._reading = _open_readers(self.folder)
            weakref.finalize(self, os.close, self._reading)
            fcntl.flock(self._reading, fcntl.LOCK_SH)

    def sandbox(
        self,
        snapshot: Snapshot | None,
        name: str,
        *,
        limits: Limits | None = None,
        at_target: bool = False,
        binds: Sequence[Bind] = (),
    ) -> Sandbox:
        """Open a sandbox on a snapshot (None: on an empty tree), with our interpreter and the target's.

        `at_target` mounts the work layer at the target's own absolute path, as its tests need.
        """
        seen = {bind.inside: bind for bind in (*self.own.binds, *self.interpreter.binds, *binds)}
        spec = SandboxSpec(
            name=name,
            base_directory=str(sandbox_folder(self.night.sandbox)),
            lower=str(self.checkout(snapshot)) if snapshot else None,
            binds=tuple(seen.values()),
            limits=limits or self.night.sandbox.limits,
            back_end=self.night.sandbox.back_end,
        )
        if at_target:
            spec = spec.model_copy(update={"workdir": str(self.target.path)})
        return backends.create(spec)

    def private(self, name: str) -> Path:
        """Return a folder of ours for this target that the user of the sandboxes may pass through."""
        return passable(self.home, self.folder.relative_to(self.home) / name)

    def put(self, value: Frozen) -> str:
        """Keep a value as JSON in the object store; returns the name to get it by."""
        return self.store.put(value.model_dump_json().encode())

    def get(self, ref: str, model: type[M]) -> M:
        """Read a value that `put` kept."""
        return model.model_validate_json(self.store.get(ref))


def _target(night: Night) -> Target:
    """Return the repository of a night; where it was carried to, it has its objects and path, no files."""
    if night.carried is None:
        return Target.open(Path(night.target))
    place = Path(night.carried)
    return Target(Path(night.target), place, place, (os.getuid(), os.getgid()), {})


def target_folder(home: Path, target: Path) -> Path:
    """Return the folder of a target below the state folder; one a path, whatever is checked out there."""
    return home / "targets" / hashlib.sha256(os.fsencode(target)).hexdigest()[:16]


@contextlib.contextmanager
def nobody_reads(folder: Path) -> Iterator[bool]:
    """Say whether nobody reads the trees of the target with this folder; then nobody can meanwhile."""
    descriptor = _open_readers(folder)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(descriptor)


def _open_readers(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    return os.open(folder / READERS, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def sandbox_folder(settings: SandboxSettings) -> Path:
    """Return the folder of this user's sandboxes, made when missing; others may have theirs beside it."""
    shared, mine = settings.base_directory, settings.base_directory / str(os.getuid())
    try:
        with contextlib.suppress(FileExistsError):
            shared.mkdir(parents=True)
            shared.chmod(0o1777)
        mine.mkdir(mode=0o700, exist_ok=True)
        state = mine.lstat()
    except OSError as error:
        raise PrerequisiteError(
            f"no sandbox can be made in {mine}: {error.strerror}; set base_directory to a folder of yours"
        ) from error
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.getuid():
        raise PrerequisiteError(
            f"{mine} belongs to someone else; remove it, or set base_directory to a folder of yours"
        )
    mine.chmod(0o700)  # what hostile code leaves there must not be started by other users
    return mine


def passable(home: Path, below: str | Path) -> Path:
    """Make a folder below the state folder that the user of the sandboxes may pass, though not list."""
    place = home / below
    place.mkdir(parents=True, exist_ok=True)
    if sandbox_owner() is not None:
        for folder in (place, *place.parents):
            if folder == home.parent:
                break
            folder.chmod(0o711)
    return place


def hand_over(tree: Path) -> None:
    """Give a fresh tree to the user that sandboxes run as, when that is not ourselves."""
    owner = sandbox_owner()
    if owner is None:
        return
    for folder, names, files in os.walk(tree):
        for place in (folder, *(os.path.join(folder, name) for name in (*names, *files))):
            os.chown(place, *owner, follow_symlinks=False)
