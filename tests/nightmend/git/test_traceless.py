"""Reading a repository changes nothing in it; publishing adds objects and one ref, and runs nothing of it."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nightmend.errors import UsageError
from nightmend.git.publish import send_objects
from nightmend.git.runner import Git, GitError
from nightmend.git.store import Store
from nightmend.git.target import Target

FORMS = (
    *("plain", "packed", "shallow", "blobless", "treeless", "worktree", "borrowing", "borrowing-twice"),
    *("detached", "filtered", "split-index"),
)
NEW = re.compile(r"(.*/)?\.git/(objects(/[0-9a-f]{2}(/[0-9a-f]{38})?)?|refs/heads/nightmend(/first)?)")
NOBODY = 65534

State = Callable[[Path], dict[str, tuple[Any, ...]]]


def shape(form: str, repository: Any, home: Path) -> Any:
    """Give the repository the form, and return the one that a person would name."""
    home.mkdir()
    kind = type(repository)
    match form:
        case "packed":
            repository.git("gc", "--quiet")
            repository.git("pack-refs", "--all")
        case "shallow":
            repository.commit({"later.py": b"later\n"})
            repository.git("clone", "--quiet", "--depth=1", f"file://{repository.path}", str(home / "clone"))
            return kind(home / "clone")
        case "blobless" | "treeless":
            repository.commit({"package/one.py": b"one = 0\n"})
            repository.commit({"package/one.py": b"one = 1\n"})
            repository.git("config", "uploadpack.allowFilter", "true")
            kept = "tree:0" if form == "treeless" else "blob:none"
            source = f"file://{repository.path}"
            repository.git("clone", "--quiet", f"--filter={kept}", source, str(home / "clone"))
            return kind(home / "clone")
        case "worktree":
            repository.git("worktree", "add", "--quiet", "-b", "other", str(home / "linked"))
            return kind(home / "linked")
        case "borrowing" | "borrowing-twice":
            repository.git("clone", "--quiet", "--shared", str(repository.path), str(home / "clone"))
            (home / "clone/.git/objects/info/alternates").write_text("../../../../repository/.git/objects\n")
            if form == "borrowing":
                return kind(home / "clone")
            repository.git("clone", "--quiet", "--shared", str(home / "clone"), str(home / "second"))
            return kind(home / "second")
        case "detached":
            repository.git("checkout", "--quiet", "--detach")
        case "filtered":
            repository.git("config", "filter.trap.clean", "cat")
            repository.commit({".gitattributes": b"*.py filter=trap diff=trap\n", "three.py": b"three\n"})
        case "split-index":
            repository.git("update-index", "--split-index")
    return repository


@pytest.mark.parametrize(
    "lock", ["HEAD.lock", "index.lock", "packed-refs.lock", "config.lock", "shallow.lock"]
)
def test_a_lock_left_behind_by_another_git_keeps_no_branch_away(
    lock: str, repository: Any, tmp_path: Path
) -> None:
    (repository.path / ".git" / lock).touch()
    target = Target.open(repository.path)
    store = Store(tmp_path / "state/store.git", target)
    base = store.snapshot(target.head())
    store.publish(
        target, "nightmend/x", store.commit(store.write(base, {"a.py": b"1\n"}), target.head(), "Mend")
    )
    assert repository.git("show", "nightmend/x:a.py") == "1"
    assert (repository.path / ".git" / lock).exists()


@pytest.mark.parametrize("form", FORMS)
def test_only_loose_objects_and_one_ref_are_new(
    form: str, tmp_path: Path, repository: Any, set_traps: Any, state_of: State
) -> None:
    shaped = shape(form, repository, tmp_path / "home")
    shaped.write({"untracked.txt": b"mine", "package/two.py": b"two = 22\n"})
    shaped.git("stash")
    shaped.write({"untracked.txt": b"mine too", "package/one.py": b"one = 11\n"})
    set_traps(shaped, tmp_path / "marks")
    before = state_of(tmp_path)

    target = Target.open(shaped.path)
    store = Store(tmp_path / "state/store.git", target)
    head = target.head()
    base = store.snapshot(head)
    assert store.read(base, "package/one.py") == b"one = 1\n"
    store.attributes(base, ["filter"])
    assert not target.clean()
    (tmp_path / "state/out").mkdir()
    store.check_out(base, tmp_path / "state/out")
    commit = store.commit(store.write(base, {"package/one.py": b"one = 3\n"}), head, "Mend")
    unpublished = state_of(tmp_path)
    store.publish(target, "nightmend/first", commit)
    after = state_of(tmp_path)

    assert {path for path in unpublished.keys() - before.keys() if not path.startswith("state")} == set()
    assert {path: after.get(path) for path in before} == before
    new = {path for path in after.keys() - before.keys() if not path.startswith("state")}
    assert all(NEW.fullmatch(path) for path in new), sorted(new)
    assert list((tmp_path / "marks").iterdir()) == []
    assert shaped.git("show", "nightmend/first:package/one.py") == "one = 3"
    assert shaped.git("log", "-1", "--format=%an <%ae> %cn <%ce> %G?", "nightmend/first") == (
        "nightmend <nightmend@localhost> nightmend <nightmend@localhost> N"
    )
    if form not in {"blobless", "treeless"}:
        shaped.git("fsck", "--strict")


def test_the_traps_of_this_suite_do_fire(repository: Any, tmp_path: Path, set_traps: Any) -> None:
    set_traps(repository, tmp_path / "marks")
    repository.git("status")
    repository.git("branch", "noticed")
    repository.write({"package/one.py": b"one = 11\n"})
    repository.git("add", "--all")
    marks = {mark.name for mark in (tmp_path / "marks").iterdir()}
    assert {"fsmonitor", "hook-reference-transaction", "hook-post-index-change", "command"} <= marks


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a repository that belongs to another user")
@pytest.mark.parametrize("form", ["plain", "worktree"])
def test_a_repository_of_another_user_stays_theirs(
    form: str,
    public_folder: Path,
    tmp_path: Path,
    create: Any,
    set_traps: Any,
    state_of: State,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "tempfile.tempdir", str(tmp_path)
    )  # a private folder for passing files, as of some logins
    repository = create(public_folder / "repository")
    repository.commit({"package/one.py": b"one = 1\n"})
    shaped = shape(form, repository, public_folder / "home")
    set_traps(shaped, public_folder / "marks")
    for place in public_folder.rglob("*"):
        os.chown(place, NOBODY, NOBODY, follow_symlinks=False)
    before = state_of(public_folder)

    target = Target.open(shaped.path)
    store = Store(tmp_path / "store.git", target)  # below a folder that only root may enter
    commit = store.commit(store.write(store.snapshot(target.head()), {"a.py": b"a\n"}), target.head(), "Mend")
    store.publish(target, "nightmend/first", commit)

    after = state_of(public_folder)
    assert {path: after.get(path) for path in before} == before
    assert {entry[1:3] for entry in after.values()} == {(NOBODY, NOBODY)}
    assert list((public_folder / "marks").iterdir()) == []
    assert shaped.git("rev-parse", "nightmend/first") == commit

    store.publish(target, "nightmend/second", commit, ("nightmend/first", commit))
    assert shaped.git("branch", "--list", "nightmend/*", "--format=%(refname:short)") == "nightmend/second"
    assert list((public_folder / "marks").iterdir()) == []

    store.fast_forward(target, commit)
    assert {entry[1:3] for entry in state_of(public_folder).values()} == {(NOBODY, NOBODY)}
    assert (shaped.path / "a.py").read_bytes() == b"a\n"
    assert list((public_folder / "marks").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a repository that belongs to another user")
def test_an_owner_who_cannot_reach_the_repository_is_named(
    tmp_path: Path, repository: Any, store: Store, state_of: State
) -> None:
    tmp_path.chmod(0o700)
    for place in (repository.path, *repository.path.rglob("*")):
        os.chown(place, NOBODY, NOBODY, follow_symlinks=False)
    before = state_of(repository.path)
    target = Target.open(repository.path)
    with pytest.raises(GitError, match=rf"failed in .*/repository as user {NOBODY}: fatal: "):
        store.publish(target, "nightmend/first", mended(store, target))
    assert state_of(repository.path) == before


def mended(store: Store, target: Target, content: bytes = b"one = 3\n") -> str:
    head = target.head()
    return store.commit(store.write(store.snapshot(head), {"package/one.py": content}), head, "Mend")


def test_an_existing_branch_is_refused_and_stays(store: Store, target: Target, repository: Any) -> None:
    store.publish(target, "nightmend/first", mended(store, target))
    there = repository.git("rev-parse", "nightmend/first")
    with pytest.raises(UsageError, match=r"branch nightmend/first exists in .*: delete it"):
        store.publish(target, "nightmend/first", mended(store, target, b"one = 4\n"))
    assert repository.git("rev-parse", "nightmend/first") == there


def test_the_transaction_itself_refuses_a_branch_that_appeared_meanwhile(
    store: Store, target: Target, repository: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.git("branch", "nightmend/first")
    asked = Git.holds
    monkeypatch.setattr(
        Git, "holds", lambda git, *arguments: arguments[0] != "show-ref" and asked(git, *arguments)
    )
    with pytest.raises(GitError, match="reference already exists"):
        store.publish(target, "nightmend/first", mended(store, target))
    assert repository.git("rev-parse", "nightmend/first") == target.head()


def test_a_branch_in_the_place_of_the_folder_is_one_sentence(
    store: Store, target: Target, repository: Any
) -> None:
    repository.git("branch", "nightmend")
    with pytest.raises(
        GitError, match=r"git update-ref failed in .*repository: .*refs/heads/nightmend' exists"
    ):
        store.publish(target, "nightmend/first", mended(store, target))


@pytest.mark.parametrize("branch", ["a..b", "a b", "", "x.lock", "a\nb"])
def test_a_bad_name_for_a_branch_is_refused(branch: str, store: Store, target: Target) -> None:
    with pytest.raises(UsageError, match="is not a name for a branch"):
        store.publish(target, branch, mended(store, target))


def test_killed_before_the_ref_only_unreferenced_objects_are_new(
    store: Store, target: Target, repository: Any, state_of: State
) -> None:
    commit = mended(store, target)
    before = state_of(repository.path)
    send_objects(Git(store.folder), target, commit)
    after = state_of(repository.path)
    assert {path: after[path] for path in before} == before
    new = {path for path in after.keys() - before.keys() if not path.startswith(".git/objects/")}
    assert new == set()
    assert repository.git("rev-list", "--all") == target.head()
    store.publish(target, "nightmend/first", commit)
    assert repository.git("rev-parse", "nightmend/first") == commit


def test_many_objects_arrive_as_one_pack(store: Store, target: Target, repository: Any) -> None:
    head = target.head()
    many = {f"many/{number}.txt": f"{number}\n".encode() for number in range(1001)}
    commit = store.commit(store.write(store.snapshot(head), many), head, "Many")
    store.publish(target, "nightmend/first", commit)
    assert len(list((repository.path / ".git/objects/pack").glob("*.pack"))) == 1
    assert repository.git("show", "nightmend/first:many/1000.txt") == "1000"


def test_a_head_that_moved_during_the_night_does_not_hinder(
    store: Store, target: Target, repository: Any, state_of: State
) -> None:
    commit = mended(store, target)
    repository.git("checkout", "--quiet", "--orphan", "elsewhere")
    repository.commit({"new.py": b"new\n"})
    before = state_of(repository.path)
    store.publish(target, "nightmend/first", commit)
    assert repository.git("show", "nightmend/first:package/one.py") == "one = 3"
    after = state_of(repository.path)
    assert {path: after[path] for path in before} == before  # objects that were there are not even touched


def test_variables_of_the_person_have_no_say(
    repository: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state_of: State
) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_CONFIG_GLOBAL"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "somebody")
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "elsewhere"))
    target = Target.open(repository.path)
    store = Store(tmp_path / "store.git", target)
    store.publish(target, "nightmend/first", mended(store, target))
    assert not (tmp_path / "elsewhere").exists()
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_TRACE"):
        monkeypatch.delenv(name)
    assert repository.git("log", "-1", "--format=%an", "nightmend/first") == "nightmend"


def test_no_passing_folder_is_left(
    store: Store, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passing = tmp_path / "passing"
    passing.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(passing))
    store.publish(target, "nightmend/first", mended(store, target))
    store.fast_forward(target, mended(store, target))
    shutil.rmtree(target.common_dir / "refs")
    with pytest.raises(GitError):
        target.head()
    assert list(passing.iterdir()) == []
    assert list((store.folder / "tmp").iterdir()) == []
