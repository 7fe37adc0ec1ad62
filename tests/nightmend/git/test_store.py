import os
import pickle
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightmend.errors import UsageError
from nightmend.git.objects import blob_id
from nightmend.git.runner import GitError
from nightmend.git.store import Store
from nightmend.git.target import Target
from nightmend.snapshot import Snapshot

MISSING = "0123456789012345678901234567890123456789"


@pytest.fixture
def base(store: Store, target: Target) -> Snapshot:
    return store.snapshot(target.head())


def test_files_are_the_regular_files_with_mode_blob_and_size(
    store: Store, base: Snapshot, repository: Any
) -> None:
    files = store.files(base)
    assert sorted(files) == ["README.md", "package/one.py", "package/two.py", "run.sh"]
    assert files["run.sh"].mode == "100755"
    assert files["README.md"].mode == "100644"
    assert files["README.md"].size == len(b"# Read\n")
    assert files["README.md"].blob == repository.git("rev-parse", "HEAD:README.md")


def test_what_is_returned_may_be_changed_without_harm(store: Store, base: Snapshot) -> None:
    store.files(base).clear()
    assert store.files(base)


def test_reading_many_gives_each_path_its_own_content(store: Store, base: Snapshot) -> None:
    paths = ["package/two.py", "README.md", "package/one.py"]
    contents = store.read_many(base, paths)
    assert contents == {
        "package/two.py": b"two = 2\n", "README.md": b"# Read\n", "package/one.py": b"one = 1\n"
    }  # fmt: skip
    assert store.read_many(base, []) == {}


@pytest.mark.parametrize("path", ["none.py", "package", "", "package/one.py/"])
def test_reading_what_is_no_file_names_the_path(path: str, store: Store, base: Snapshot) -> None:
    with pytest.raises(FileNotFoundError, match="is no regular file of snapshot"):
        store.read(base, path)


@pytest.mark.parametrize("content", [b"", b"\n", b"x", b"\0\xff\r\n", b"a" * 3_000_000])
def test_a_blob_comes_back_as_it_was_put(content: bytes, store: Store) -> None:
    blob = store.put(content)
    assert blob == store.put(content) == blob_id(content)
    assert store.get(blob) == content
    store._git.run("fsck", "--strict", "--no-dangling")


@pytest.mark.parametrize("blob", [MISSING, "HEAD", "", "a b", "x\n" + MISSING])
def test_an_unknown_blob_is_one_sentence(blob: str, store: Store) -> None:
    with pytest.raises(UsageError, match="the store has no blob"):
        store.get(blob)


def test_a_tree_is_no_blob(store: Store, base: Snapshot) -> None:
    with pytest.raises(UsageError, match="the store has no blob"):
        store.get(base.tree)


def test_an_unknown_commit_is_an_error(store: Store) -> None:
    with pytest.raises(GitError, match="git rev-parse failed in"):
        store.snapshot(MISSING)
    with pytest.raises(GitError, match="git rev-parse failed in"):
        store.snapshot("--all")


def test_writing_keeps_modes_and_everything_else(store: Store, base: Snapshot) -> None:
    changed = store.write(base, {"run.sh": b"#!/bin/bash\n", "new/folder/é\n b.py": b"new\n"})
    assert store.files(changed)["run.sh"].mode == "100755"
    assert store.files(changed)["new/folder/é\n b.py"].mode == "100644"
    assert store.read(changed, "package/one.py") == b"one = 1\n"
    assert store.read(base, "run.sh") == b"#!/bin/sh\n"


def test_writing_nothing_or_the_same_is_the_same_snapshot(store: Store, base: Snapshot) -> None:
    assert store.write(base, {}) == base
    assert store.write(base, {"package/one.py": b"one = 1\n"}) == base


@pytest.mark.parametrize(
    "path", ["package", "package/one.py/inner.py", "link", "link/inner.py", "module", "module/inner.py"]
)
def test_nothing_that_is_no_file_is_overwritten(path: str, repository: Any, tmp_path: Path) -> None:
    add_specials(repository)
    target = Target.open(repository.path)
    store = Store(tmp_path / "other.git", target)
    with pytest.raises(
        UsageError, match="cannot be written: a folder, a link or another file is in its place"
    ):
        store.write(store.snapshot(target.head()), {path: b""})


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "../out.py", "a/../b.py", "a//b.py", ".git/config", "x/.GIT/y", "a/", "a\0b"]
)
def test_a_path_that_leaves_the_tree_is_refused(path: str, store: Store, base: Snapshot) -> None:
    with pytest.raises(UsageError, match="is not a path inside a repository"):
        store.write(base, {path: b""})


def add_specials(repository: Any) -> None:
    """Commit a link, a submodule and a name that is not UTF-8."""
    os.symlink("package/one.py", repository.path / "link")
    with open(os.fsencode(repository.path) + b"/\xff.py", "wb") as file:
        file.write(b"odd\n")
    repository.git("add", "--all")
    entry = f"160000 {repository.git('rev-parse', 'HEAD')} 0\tmodule\n"
    repository.git("update-index", "--index-info", stdin=entry.encode())
    repository.git("commit", "--quiet", "-m", "specials")


def test_links_submodules_and_odd_names_survive_a_write(repository: Any, tmp_path: Path) -> None:
    add_specials(repository)
    target = Target.open(repository.path)
    store = Store(tmp_path / "other.git", target)
    base = store.snapshot(target.head())
    assert store.special(base) == {"link": "120000", "module": "160000"}
    assert {"link", "module"}.isdisjoint(store.files(base))
    assert store.unnamed(base) == ["\ufffd.py"]
    commit = store.commit(store.write(base, {"package/one.py": b"1\n"}), target.head(), "Mend")
    store.publish(target, "nightmend/x", commit)
    difference = repository.git("diff-tree", "-r", "--name-status", "HEAD", "nightmend/x")
    assert difference == "M\tpackage/one.py"


ATTRIBUTES = b"""
*.crlf text eol=crlf
*.auto text=auto
*.ident ident
*.trap filter=trap
*.utf16 text working-tree-encoding=UTF-16LE
*.subst export-subst
*.hidden export-ignore
[attr]everything text eol=crlf ident filter=trap
*.macro everything
"""


def test_a_checkout_has_the_exact_bytes_whatever_attributes_say(repository: Any, tmp_path: Path) -> None:
    lines = b"one\ntwo $Id$ $Format:%H$\n"
    names = [
        f"file.{kind}" for kind in ("crlf", "auto", "ident", "trap", "subst", "hidden", "macro", "plain")
    ]
    raw = dict.fromkeys(names, lines) | {"file.utf16": "h\u00e9\n".encode(), "binary.crlf": b"\0\r\n\n\xff"}
    raw |= {"deep/er/sp ace\n\u00e9.py": b"", "deep/.gitattributes": b"* text eol=crlf\n"}
    for name, content in raw.items():  # past every conversion
        blob = repository.git("hash-object", "-w", "--no-filters", "--stdin", stdin=content)
        repository.git("update-index", "-z", "--index-info", stdin=f"100644 {blob}\t{name}\0".encode())
    repository.write({".gitattributes": ATTRIBUTES})
    repository.git("add", ".gitattributes")
    repository.git("commit", "--quiet", "-m", "attributes")
    repository.git("config", "filter.trap.smudge", f"touch {tmp_path}/smudged; cat")

    target = Target.open(repository.path)
    store = Store(tmp_path / "other.git", target)
    base = store.snapshot(target.head())
    folder = tmp_path / "out"
    folder.mkdir()
    store.check_out(base, folder)

    written = {
        str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
    assert written == store.read_many(base, store.files(base))
    assert raw.items() <= written.items()
    assert not (tmp_path / "smudged").exists()


def test_a_checkout_has_links_and_executables(repository: Any, tmp_path: Path) -> None:
    add_specials(repository)
    target = Target.open(repository.path)
    folder = tmp_path / "out"
    folder.mkdir()
    store = Store(tmp_path / "other.git", target)
    store.check_out(store.snapshot(target.head()), folder)
    assert os.readlink(folder / "link") == "package/one.py"
    assert stat.S_IMODE((folder / "run.sh").stat().st_mode) & 0o111 == 0o111
    assert (folder / "README.md").stat().st_mode & 0o111 == 0
    assert os.path.exists(os.fsencode(folder) + b"/\xff.py")


def test_a_checkout_into_a_used_folder_is_refused(store: Store, base: Snapshot, tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    (tmp_path / "used/mine").touch()
    with pytest.raises(UsageError, match="is not empty"):
        store.check_out(base, tmp_path / "used")


def test_names_that_only_windows_refuses_survive(store: Store, base: Snapshot, tmp_path: Path) -> None:
    odd = {"git~1": b"1", "aux.py": b"2", "a:b": b"3", "back\\slash.py": b"4", "end. ": b"5"}
    changed = store.write(base, odd)
    (tmp_path / "out").mkdir()
    store.check_out(changed, tmp_path / "out")
    assert {name: (tmp_path / "out" / name).read_bytes() for name in odd} == odd


def test_a_commit_is_ours_and_never_older_than_its_parent(
    store: Store, base: Snapshot, target: Target
) -> None:
    message = "Mend it\n\nR\u00e9pair: a\nRepair: b\n"
    commit = store.commit(base, target.head(), message, seconds=10)
    assert store.commit(base, target.head(), message, seconds=10) == commit
    said = store._git.run("cat-file", "commit", commit).decode()
    headers, _, body = said.partition("\n\n")
    parent = store._git.run("show", "-s", "--format=%ct", target.head()).decode().strip()
    person = f"nightmend <nightmend@localhost> {parent} +0000"
    assert headers.splitlines() == [
        f"tree {base.tree}", f"parent {target.head()}", f"author {person}", f"committer {person}"
    ]  # fmt: skip
    assert body == message


def test_replaced_objects_are_read_as_they_were_committed(
    store: Store, base: Snapshot, repository: Any
) -> None:
    other = repository.git("hash-object", "-w", "--stdin", stdin=b"replaced\n")
    repository.git("replace", repository.git("rev-parse", "HEAD:README.md"), other)
    assert store.read(base, "README.md") == b"# Read\n"


def test_several_may_create_one_store_at_once(tmp_path: Path, target: Target) -> None:
    place = tmp_path / "shared/store.git"
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: Store(place, target), range(8)))
    trees = {store.snapshot(target.head()).tree for store in stores}
    assert len(trees) == 1
    assert [entry.name for entry in place.parent.iterdir()] == ["store.git"]


def test_several_may_put_and_write_at_once(store: Store, base: Snapshot) -> None:
    def work(number: int) -> Snapshot:
        return store.write(base, {f"new/{number % 4}.py": b"%d" % (number % 4)})

    with ThreadPoolExecutor(8) as pool:
        snapshots = list(pool.map(work, range(16)))
    assert len({snapshot.tree for snapshot in snapshots}) == 4


def test_a_store_travels_to_another_process(store: Store, base: Snapshot) -> None:
    assert pickle.loads(pickle.dumps(store)).read(base, "README.md") == b"# Read\n"


def test_a_store_follows_a_target_that_was_cloned_anew(repository: Any, tmp_path: Path) -> None:
    repository.commit({"later.py": b"later\n"})
    shallow, folder = tmp_path / "clone", tmp_path / "store.git"
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.path}", str(shallow))
    target = Target.open(shallow)
    store = Store(folder, target)
    assert store._git.run("rev-list", "--count", target.head()) == b"1\n"
    type(repository)(shallow).git("fetch", "--quiet", "--unshallow")
    again = Store(folder, Target.open(shallow))
    assert again._git.run("rev-list", "--count", target.head()) == b"2\n"


@pytest.mark.parametrize("name", ["new\nline", 'quo"te', "#hash", "sp ace", "\u00e9", "\udcff"])
def test_a_target_may_lie_anywhere(name: str, tmp_path: Path, create: Callable[[Path], Any]) -> None:
    repository = create(tmp_path / name)
    repository.commit({"a.py": b"a\n"})
    target = Target.open(repository.path)
    store = Store(tmp_path / "store.git", target)
    assert store.read(store.snapshot(target.head()), "a.py") == b"a\n"
    assert target.clean()
    store.publish(target, "nightmend/x", target.head())


@pytest.fixture(scope="module")
def lasting() -> Iterator[tuple[Store, Snapshot]]:
    """One store for all examples of a property."""
    folder = Path(tempfile.mkdtemp())
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@localhost"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "first"], check=True)
    target = Target.open(folder)
    store = Store(folder / "store.git", target)
    yield store, store.snapshot(target.head())
    shutil.rmtree(folder)


def _fits(paths: dict[str, bytes]) -> bool:
    return not any(other.startswith(f"{path}/") for path in paths for other in paths)


NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=40
).filter(lambda name: name not in {".", ".."} and name.lower() != ".git" and len(name.encode()) < 200)
TREES = st.dictionaries(
    st.lists(NAMES, min_size=1, max_size=4).map("/".join), st.binary(max_size=200), max_size=8
).filter(_fits)


@settings(max_examples=40, deadline=None)
@given(files=TREES)
def test_what_was_written_is_read_under_any_name(
    files: dict[str, bytes], lasting: tuple[Store, Snapshot]
) -> None:
    store, empty = lasting
    written = store.write(empty, files)
    assert store.read_many(written, files) == files
    assert {path: entry.size for path, entry in store.files(written).items()} == {
        path: len(content) for path, content in files.items()
    }


def flipped(place: Path, position: int) -> bytes:
    """Change one byte of a file and return what it held."""
    content = place.read_bytes()
    changed = bytearray(content)
    changed[position % len(content)] ^= 4
    place.chmod(0o600)
    place.write_bytes(changed)
    return content


def test_a_changed_byte_in_any_object_of_ours_is_found_and_the_object_made_again(
    store: Store, target: Target, base: Snapshot
) -> None:
    changes = {"README.md": b"# Written\n"}
    made = store.commit(store.write(base, changes), target.head(), "written", seconds=0)
    store.verify(made, target.head())
    objects = sorted((store.folder / "objects").glob("??/*"))
    assert len(objects) == 3, "a blob, a tree and a commit"
    for place in objects:
        for position in (0, place.stat().st_size // 2, -1):
            flipped(place, position)
            with pytest.raises(GitError):
                store.verify(made, target.head())
            assert store.drop_damaged() == 1
            assert store.commit(store.write(base, changes), target.head(), "written", seconds=0) == made
            store.verify(made, target.head())
    assert store.drop_damaged() == 0


@pytest.mark.parametrize("name", ["HEAD", "config", "exact/HEAD", "exact/config", "exact/info/attributes"])
def test_what_git_reads_beside_the_objects_is_put_right_when_a_store_is_opened(
    store: Store, target: Target, base: Snapshot, name: str
) -> None:
    good = (store.folder / name).read_bytes()
    for position in (0, len(good) // 2, -1):
        flipped(store.folder / name, position)
        assert Store(store.folder, target).files(base) == store.files(base)
        assert (store.folder / name).read_bytes() == good


def test_a_blob_that_is_put_again_takes_the_place_of_a_damaged_one(store: Store) -> None:
    blob = store.put(b"seventy-one bytes")
    flipped(store.folder / "objects" / blob[:2] / blob[2:], 8)
    assert store.put(b"seventy-one bytes") == blob
    assert store.get(blob) == b"seventy-one bytes"
