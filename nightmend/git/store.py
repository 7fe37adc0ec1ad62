import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from nightmend.errors import UsageError
from nightmend.git.apply import fast_forward
from nightmend.git.objects import blob_id, damaged, write_blob
from nightmend.git.publish import publish, send_objects
from nightmend.git.runner import Git, signature
from nightmend.git.target import Target
from nightmend.snapshot import FileEntry, Snapshot

_EXACT = b"* -text -eol -ident -filter -working-tree-encoding -export-ignore -export-subst\n"
_HEAD = b"ref: refs/heads/none\n"
_CONFIG = b"[core]\nrepositoryformatversion = 0\nbare = true\n"
_OWN = {
    "HEAD": _HEAD,
    "config": _CONFIG,
    "exact/HEAD": _HEAD,
    "exact/config": _CONFIG,
    "exact/info/attributes": _EXACT,
}
"""What git reads beside the objects; looked at whenever a store is opened, since a disk may forget."""
_LISTINGS_KEPT = 8
_SUBMODULE = "160000"
_BLOB = re.compile("[0-9a-f]{40}")


class _Entry(NamedTuple):
    mode: str
    object: str
    size: int | None

    @property
    def regular(self) -> bool:
        return self.mode.startswith("100")


_Listing = dict[bytes, _Entry]


class Store:
    """A bare object store of ours that borrows the target's objects; objects are only ever added.

    Several processes may open and use one store at once.
    """

    def __init__(self, folder: Path, target: Target) -> None:
        self.folder = folder
        if not (folder / "HEAD").exists():
            _create(folder)
        for name, content in _OWN.items():
            _keep(folder / name, content)
        _keep(folder / "objects/info/alternates", _quoted(target.common_dir / "objects"))
        shallow = target.common_dir / "shallow"
        _keep(folder / "shallow", shallow.read_bytes() if shallow.exists() else None)
        self._git = Git(folder)
        self._listings: dict[str, _Listing] = {}

    def snapshot(self, commit: str) -> Snapshot:
        """Return the tree of a commit."""
        return Snapshot(tree=self._line("rev-parse", "--verify", "--end-of-options", f"{commit}^{{tree}}"))

    def files(self, snapshot: Snapshot) -> dict[str, FileEntry]:
        """Return the regular files by path; links, submodules and names that are not UTF-8 are left out."""
        return {
            path: FileEntry(mode=entry.mode, blob=entry.object, size=entry.size or 0)
            for name, entry in self._listing(snapshot).items()
            if entry.regular and (path := _text(name)) is not None
        }

    def unnamed(self, snapshot: Snapshot) -> list[str]:
        """Return the names that are not UTF-8 of regular files, with a mark for what cannot be written."""
        return [
            name.decode(errors="replace")
            for name, entry in self._listing(snapshot).items()
            if entry.regular and _text(name) is None
        ]

    def special(self, snapshot: Snapshot) -> dict[str, str]:
        """Return the paths that are no regular files with their mode: 120000 link, 160000 submodule."""
        return {
            path: entry.mode
            for name, entry in self._listing(snapshot).items()
            if not entry.regular and (path := _text(name)) is not None
        }

    def read(self, snapshot: Snapshot, path: str) -> bytes:
        """Return the content of a regular file; raise FileNotFoundError when the snapshot has none there."""
        return self.read_many(snapshot, [path])[path]

    def read_many(self, snapshot: Snapshot, paths: Iterable[str]) -> dict[str, bytes]:
        """Return the contents of regular files by path, read with one process."""
        listing = self._listing(snapshot)
        wanted = {}
        for path in paths:
            entry = listing.get(path.encode())
            if entry is None or not entry.regular:
                raise FileNotFoundError(f"{path} is no regular file of snapshot {snapshot.tree}")
            wanted[path] = entry.object
        blobs = self.get_many(wanted.values())
        return {path: blobs[blob] for path, blob in wanted.items()}

    def put(self, content: bytes) -> str:
        """Keep a blob and return its id; the same content always has the same id."""
        return write_blob(self.folder / "objects", content)

    def get(self, blob: str) -> bytes:
        """Return the content of a blob; raise UsageError when the store has none of that id."""
        return self.get_many([blob])[blob]

    def get_many(self, blobs: Iterable[str]) -> dict[str, bytes]:
        """Return the contents of blobs by id, read with one process."""
        wanted = list(dict.fromkeys(blobs))
        for blob in wanted:
            if not _BLOB.fullmatch(blob):
                raise UsageError(f"the store has no blob {blob!r}")
        if not wanted:
            return {}
        names = "".join(f"{blob}\n" for blob in wanted)
        said = memoryview(self._git.run("cat-file", "--batch", "--buffer", stdin=names.encode()))
        return dict(zip(wanted, _contents(said, wanted), strict=True))

    def write(self, snapshot: Snapshot, changes: Mapping[str, bytes]) -> Snapshot:
        """Return the snapshot with the given regular files replaced or added; modes stay."""
        if not changes:
            return snapshot
        modes = _modes(self._listing(snapshot), changes)
        lines = [f"{modes[path]} {self.put(content)}\t{path}\0".encode() for path, content in changes.items()]
        with self.index(snapshot) as git:
            git.run("update-index", "-z", "--index-info", stdin=b"".join(lines))
            return Snapshot(tree=git.run("write-tree").decode().strip())

    def check_out(self, snapshot: Snapshot, folder: Path) -> None:
        """Write the exact bytes of every file into an empty folder; attributes convert and hide nothing."""
        if any(folder.iterdir()):
            raise UsageError(f"{folder} is not empty: a snapshot is checked out into an empty folder")
        with self.index(snapshot, folder="exact", work_tree=folder) as git:
            git.run("checkout-index", "--all", "--force", "--quiet")

    def commit(self, snapshot: Snapshot, parent: str, message: str, seconds: int | None = None) -> str:
        """Commit a snapshot and return the id; dated `seconds` since 1970 or now, never before the parent."""
        said = self._line("rev-list", "--no-walk", "--format=%ct", "--end-of-options", parent)
        earliest = int(said.splitlines()[-1])
        date = f"{max(earliest, int(time.time()) if seconds is None else seconds)} +0000"
        git = Git(self.folder, environment=signature(date))
        made = git.run("commit-tree", "-p", parent, "-F", "-", snapshot.tree, stdin=message.encode())
        return made.decode().strip()

    def attributes(self, snapshot: Snapshot, names: Sequence[str]) -> dict[str, dict[str, str]]:
        """Return the git attributes of the regular files, as the snapshot's .gitattributes say."""
        paths = list(self.files(snapshot))
        with self.index(snapshot) as git:
            query = "".join(f"{path}\0" for path in paths).encode()
            said = (
                git.run("check-attr", "--cached", "-z", "--stdin", *names, stdin=query).decode().split("\0")
            )
        found: dict[str, dict[str, str]] = {path: {} for path in paths}
        for path, name, value in zip(said[0::3], said[1::3], said[2::3], strict=False):
            found[path][name] = value
        return found

    def has(self, name: str) -> bool:
        """Say whether there is an object of this name, here or in the target."""
        return self._git.holds("cat-file", "-e", name)

    def verify(self, commit: str, base: str) -> None:
        """Read all that a commit has and a base has not; GitError where something is missing or damaged."""
        self._git.run("rev-list", "--verify-objects", "--quiet", commit, f"^{base}")

    def drop_damaged(self) -> int:
        """Remove the objects of ours that were changed on disk, to be made again; returns how many.

        git takes an object that is there for whole, and would not write it anew.
        """
        places = list(damaged(self.folder / "objects"))
        for place in places:
            place.unlink(missing_ok=True)
        self._listings.clear()
        return len(places)

    def holds(self, snapshot: Snapshot, folder: Path) -> bool:
        """Say whether a folder has the exact bytes of every file and link of a snapshot."""
        return all(
            _bytes(folder / os.fsdecode(name)) == entry.object
            for name, entry in self._listing(snapshot).items()
            if entry.mode != _SUBMODULE
        )

    def publish(
        self, target: Target, branch: str, commit: str, replaces: tuple[str, str] | None = None
    ) -> None:
        """Create a branch of the target at a commit, as its owner; `replaces` is the one that goes for it."""
        publish(self._git, target, branch, commit, replaces)

    def send(self, target: Target, commit: str) -> None:
        """Give the target the objects of a commit, as its owner; no ref of it knows them."""
        send_objects(self._git, target, commit)

    @property
    def git(self) -> Git:
        """A git that sees the objects of the store and of the target."""
        return self._git

    def fast_forward(self, target: Target, commit: str) -> None:
        """Move the target's current branch, its index and its files to a commit; only when it is clean."""
        fast_forward(self._git, target, commit)

    @contextmanager
    def index(self, snapshot: Snapshot, folder: str = "", work_tree: Path | None = None) -> Iterator[Git]:
        """Give a git with a private index that holds the snapshot."""
        with tempfile.TemporaryDirectory(prefix="index-", dir=self.folder / "tmp") as private:
            environment = {"GIT_INDEX_FILE": f"{private}/index"}
            git = Git(self.folder / folder, work_tree=work_tree, environment=environment)
            git.run("read-tree", snapshot.tree)
            yield git

    def _line(self, *arguments: str) -> str:
        return self._git.run(*arguments).decode().strip()

    def _listing(self, snapshot: Snapshot) -> _Listing:
        known = self._listings.get(snapshot.tree)
        if known is None:
            known = dict(_entries(self._git.run("ls-tree", "-r", "-l", "-z", "--full-tree", snapshot.tree)))
            while len(self._listings) >= _LISTINGS_KEPT:
                self._listings.pop(next(iter(self._listings)), None)
            self._listings[snapshot.tree] = known
        return known


def _modes(listing: _Listing, paths: Iterable[str]) -> dict[str, str]:
    """Return the mode that each path keeps or gets; raise UsageError where no regular file can stand."""
    modes = {}
    folders = {name[:end] for name in listing for end in _slashes(name)}
    for path in paths:
        # git would leave such a path out without a word
        if "\0" in path or any(part.lower() in {"", ".", "..", ".git"} for part in path.split("/")):
            raise UsageError(f"{path!r} is not a path inside a repository")
        name = path.encode()
        entry = listing.get(name, _Entry("100644", "", None))
        above = [name[:end] for end in _slashes(name) if name[:end] in listing]
        if not entry.regular or name in folders or above:
            raise UsageError(f"{path} cannot be written: a folder, a link or another file is in its place")
        modes[path] = entry.mode
    return modes


def _slashes(name: bytes) -> Iterator[int]:
    return (index for index, byte in enumerate(name) if byte == ord("/"))


def _create(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    Git(fresh).run("init", "--bare", "--template=", "--object-format=sha1", "--quiet")
    (fresh / "tmp").mkdir()
    (fresh / "objects/info").mkdir(exist_ok=True)
    _create_exact(fresh / "exact")
    try:
        fresh.rename(folder)
    except OSError:  # another process was faster
        shutil.rmtree(fresh)
        if not (folder / "HEAD").exists():
            raise


def _create_exact(folder: Path) -> None:
    """Make a second git directory over the same objects, whose attributes win over any in a tree."""
    (folder / "refs").mkdir(parents=True)
    (folder / "info").mkdir()
    (folder / "objects").symlink_to("../objects")


def _keep(place: Path, content: bytes | None) -> None:
    """Give a small file this content, atomically; None means that there is no such file."""
    if content is None:
        place.unlink(missing_ok=True)
    elif not place.exists() or place.read_bytes() != content:
        descriptor, name = tempfile.mkstemp(dir=place.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(name).replace(place)


def _quoted(path: Path) -> bytes:
    name = os.fsencode(path)
    if b"\n" not in name:
        return name + b"\n"
    return b'"' + name.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n") + b'"\n'


def _entries(listed: bytes) -> Iterator[tuple[bytes, _Entry]]:
    for line in listed.split(b"\0")[:-1]:
        facts, _, path = line.partition(b"\t")
        mode, kind, name, size = facts.decode().split()
        if kind == "blob" and not size.isdigit():
            raise UsageError(f"{os.fsdecode(path)} is not in this partial clone: run `git fetch --refetch`")
        yield path, _Entry(mode, name, int(size) if size.isdigit() else None)


def _bytes(place: Path) -> str:
    """Return git's name for what a file or a link holds; nothing where it cannot be read."""
    try:
        return blob_id(os.fsencode(place.readlink()) if place.is_symlink() else place.read_bytes())
    except OSError:
        return ""


def _text(path: bytes) -> str | None:
    try:
        return path.decode()
    except UnicodeDecodeError:
        return None


def _contents(said: memoryview, wanted: Sequence[str]) -> Iterator[bytes]:
    position = 0
    for blob in wanted:
        end = position + bytes(said[position : position + 200]).index(b"\n")
        header = bytes(said[position:end]).split()
        if header[1] != b"blob":
            raise UsageError(f"the store has no blob {blob}")
        size = int(header[2])
        yield bytes(said[end + 1 : end + 1 + size])
        position = end + 1 + size + 1
