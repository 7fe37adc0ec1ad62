"""A night replaces the last branch while it only waits, and never what anybody merged or changed."""

import os
import subprocess

import pytest

from nightmend.git.runner import GitError
from nightmend.review.publication import Branch, Branches, publish
from nightmend.workspace import Workspace

FILES = {"a.py": "a = 1\n", "b.py": "b = 1\n", "other.py": "x = 1\n"}


class Place:
    """A target, and nights on it that each change the same two files."""

    def __init__(self, workspace):
        self.workspace = workspace
        self.branches = Branches(workspace.folder)

    def night(self, run, value=2):
        """Publish a night of two commits on what is checked out."""
        target = self.workspace.target
        night = self.workspace.night.model_copy(update={"run": run, "base_commit": target.head()})
        commit, store = target.head(), self.workspace.store
        for name in ("a", "b"):
            tree = store.write(store.snapshot(commit), {f"{name}.py": f"{name} = {value}\n".encode()})
            commit = store.commit(tree, commit, f"Mend {name}")
        return publish(Workspace(night), commit)

    def git(self, *arguments):
        environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
        command = ["git", "-C", str(self.workspace.target.path), "-c", "user.name=A", "-c", "user.email=a@b"]
        done = subprocess.run(
            [*command, *arguments], capture_output=True, text=True, check=True, env=environment
        )
        return done.stdout.strip()

    @property
    def refs(self):
        return self.git("for-each-ref", "--format=%(refname:lstrip=3)", "refs/heads/nightmend").split()


@pytest.fixture
def place(workspace_of):
    return Place(workspace_of(FILES))


def test_the_first_night_makes_a_branch(place):
    published = place.night("one")
    assert (published.branch, published.replaced, published.withheld) == ("nightmend/one", "", "")
    assert place.git("rev-parse", "nightmend/one") == published.result_commit
    assert published.sentence == "branch nightmend/one"


@pytest.mark.parametrize("packed", [False, True], ids=["loose", "packed"])
def test_a_branch_that_only_waits_gives_way_to_the_next(place, packed):
    place.night("one")
    if packed:
        place.git("pack-refs", "--all")
    for run, before in (("two", "one"), ("three", "two")):
        published = place.night(run, value=3)
        assert published.replaced == f"nightmend/{before}"
        assert published.sentence == f"branch nightmend/{run}, in place of nightmend/{before}"
    assert place.refs == ["three"]
    assert place.git("status", "--porcelain") == ""


def test_a_night_that_keeps_nothing_leaves_the_last_branch_alone(place):
    place.night("one")
    published = publish(place.workspace, place.workspace.night.base_commit)
    assert (published.branch, published.sentence) == (None, "branch none: nothing was kept")
    assert place.refs == ["one"]


def changed(place):
    tree = place.git("rev-parse", "nightmend/one^{tree}")
    mine = place.git("commit-tree", "-p", "nightmend/one", "-m", "mine", tree)
    place.git("update-ref", "refs/heads/nightmend/one", mine)


def cut(place):
    place.git("update-ref", "refs/heads/nightmend/one", "nightmend/one~1")


def checked_out(place):
    place.git("checkout", "--quiet", "nightmend/one")
    place.git("checkout", "--quiet", "--detach", "main")
    place.git("worktree", "add", "--quiet", f"{place.workspace.target.path}-tree", "nightmend/one")


@pytest.mark.parametrize("touch", [changed, cut, checked_out])
def test_a_branch_that_somebody_took_up_stays_and_no_second_one_is_made(place, touch):
    first = place.night("one")
    touch(place)
    tip = place.git("rev-parse", "nightmend/one")
    for run in ("two", "three"):
        published = place.night(run)
        assert (published.branch, published.result_commit) == (None, first.base_commit)
        assert published.withheld.startswith("nightmend/one of an earlier night was changed")
        assert "merge it or delete it first" in published.sentence
    assert (place.refs, place.git("rev-parse", "nightmend/one")) == (["one"], tip)


def merged(place):
    place.git("merge", "--quiet", "--no-ff", "-m", "take it", "nightmend/one")


def fast_forwarded(place):
    place.git("merge", "--quiet", "--ff-only", "nightmend/one")


def rebased(place):
    other(place)
    place.git("cherry-pick", "main..nightmend/one")


def squashed(place):
    other(place)
    place.git("merge", "--quiet", "--squash", "nightmend/one")
    place.git("commit", "--quiet", "-m", "all of it")


def other(place):
    (place.workspace.target.path / "other.py").write_text("x = 2\n")
    place.git("commit", "--quiet", "-am", "other")


@pytest.mark.parametrize("merge", [merged, fast_forwarded, rebased, squashed])
def test_a_branch_that_was_merged_stays_and_the_next_night_has_its_own(place, merge):
    place.night("one")
    merge(place)
    published = place.night("two", value=3)
    assert (published.branch, published.replaced) == ("nightmend/two", "")
    assert place.refs == ["one", "two"]


def test_a_branch_of_which_only_a_part_was_taken_waits_on_and_gives_way(place):
    place.night("one")
    other(place)
    place.git("cherry-pick", "nightmend/one~1")
    assert place.night("two", value=3).replaced == "nightmend/one"


def test_behind_a_branch_that_somebody_deleted_comes_a_new_one(place):
    place.night("one")
    changed(place)
    place.git("branch", "--quiet", "-D", "nightmend/one")
    assert place.night("two").sentence == "branch nightmend/two"


def test_a_branch_that_is_none_of_ours_stays(place):
    place.git("branch", "nightmend/mine")
    assert place.night("one").replaced == ""
    assert place.refs == ["mine", "one"]


def test_a_branch_that_stays_takes_no_place_and_gives_none(place):
    first = place.night("one")
    proved = publish(Workspace(place.workspace.night.model_copy(update={"run": "proved"})),
                     first.result_commit, stays=True)  # fmt: skip
    assert (proved.branch, proved.replaced) == ("nightmend/proved", "")
    for run, before in (("two", "one"), ("three", "two")):
        assert place.night(run, value=3).replaced == f"nightmend/{before}"
    assert place.refs == ["proved", "three"]
    assert [branch.stays for branch in place.branches.read()] == [True, False]


def test_a_record_that_cannot_be_read_replaces_nothing(place):
    place.night("one")
    (place.workspace.folder / "branches.json").write_text("[")
    assert place.night("two").replaced == ""
    assert place.refs == ["one", "two"]


@pytest.mark.parametrize("byte", ["0", "f", "x"])
def test_a_record_in_which_a_byte_was_changed_keeps_no_night_back(place, byte):
    first = place.night("one").result_commit
    record = place.workspace.folder / "branches.json"
    other = byte + first[1:] if byte != first[0] else "1" + first[1:]
    record.write_text(record.read_text().replace(first, other))
    assert place.night("two").branch == "nightmend/two"
    assert place.git("rev-parse", "nightmend/one") == first, "nobody knows whose it is"


@pytest.mark.parametrize("moved", [False, True], ids=["before the refs", "behind the refs"])
def test_a_night_that_died_while_it_published_is_known_to_the_next(place, moved):
    first = place.night("one")
    if moved:
        second = place.night("two", value=3)
    place.branches.write(
        Branch(name="nightmend/one", commit=first.result_commit),
        Branch(name="nightmend/two", commit=second.result_commit if moved else "f" * 40),
    )
    assert place.night("three", value=4).replaced == ("nightmend/two" if moved else "nightmend/one")
    assert place.refs == ["three"]


@pytest.mark.parametrize("moved", [False, True], ids=["before the ref", "behind the ref"])
def test_a_drop_that_died_leaves_a_branch_that_is_known(place, moved):
    first = place.night("one")
    less = place.git("rev-parse", "nightmend/one~1")
    place.branches.write(
        Branch(name="nightmend/one", commit=first.result_commit), Branch(name="nightmend/one", commit=less)
    )
    if moved:
        place.git("update-ref", "refs/heads/nightmend/one", less)
    assert place.night("two", value=3).replaced == "nightmend/one"
    assert place.refs == ["two"]


def test_both_refs_move_or_none(place):
    first = place.night("one")
    changed(place)
    store, target = place.workspace.store, place.workspace.target
    with pytest.raises(GitError, match="update-ref"):
        store.publish(target, "nightmend/two", first.result_commit, ("nightmend/one", first.result_commit))
    assert place.refs == ["one"]
