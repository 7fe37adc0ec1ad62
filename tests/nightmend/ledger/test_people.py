"""What people did with a branch is seen by the next night, whatever way they did it."""

import sys
from datetime import UTC, datetime

import pytest

from nightmend.ledger.people import learn
from nightmend.nights import open_night
from tests.nightmend.ledger.conftest import FILES, REPAIRS


def merge(story):
    story.git("merge", "-q", "--no-ff", "-m", "merge", story.published.branch)


def squash(story):
    story.git("merge", "-q", "--squash", story.published.branch)
    story.git("commit", "-qm", "squashed")


def pick(story):
    story.commit("a.py", FILES["a.py"] + "more\n")
    for pattern in REPAIRS:
        story.git("cherry-pick", story.commits[pattern])


ways = pytest.mark.parametrize("way", [merge, squash, pick])


def test_a_branch_that_waits_is_neither_merged_nor_refused(story):
    learn(story.home, story.target)
    assert (story.merged(), story.refused()) == (set(), {})


@ways
def test_what_is_merged_is_known_as_such_and_stays_so(story, way):
    way(story)
    learn(story.home, story.target)
    assert story.merged() == {repair.id for repair in story.repairs.values()}
    story.git("branch", "-qD", story.published.branch)
    story.commit("b.py", FILES["b.py"].replace("line 7\n", "other\n").replace("line 25\n", ""))
    learn(story.home, story.target)
    assert (len(story.merged()), story.refused()) == (3, {})


def test_one_of_several_commits_can_be_merged_alone(story):
    story.commit("b.py", FILES["b.py"] + "more\n")
    story.git("cherry-pick", story.commits["put-in"])
    learn(story.home, story.target)
    assert story.merged() == {story.repairs["put-in"].id}


@pytest.mark.parametrize(
    ("way", "between", "pattern"),
    [
        (merge, False, "taken-out"),
        (squash, True, "put-in"),
        (squash, False, "written-anew"),
        (pick, False, "put-in"),
    ],
)
def test_what_is_undone_after_its_merge_is_not_proposed_again(story, way, between, pattern):
    way(story)
    if between:
        learn(story.home, story.target)
    path, old, new = REPAIRS[pattern]
    text = (story.target.path / path).read_text()
    back = text.replace("line 2\n", "line 2\nline 3\n") if pattern == "taken-out" else text.replace(new, old)
    story.commit(path, "moved down\n" + back)
    learn(story.home, story.target)
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    assert story.refused() == {pattern: f"reverted it by {today}"}


def test_a_revert_of_git_is_believed_though_the_lines_beside_it_changed(story):
    merge(story)
    story.git("revert", "--no-edit", story.commits["written-anew"])
    text = (story.target.path / "b.py").read_text()
    story.commit("b.py", text.replace("line 6\n", "six\n").replace("line 8\n", "eight\n"))
    learn(story.home, story.target)
    assert story.refused().keys() == {"written-anew"}


def test_a_whole_merge_can_be_reverted(story):
    merge(story)
    story.git("revert", "--no-edit", "-m", "1", "HEAD")
    learn(story.home, story.target)
    assert story.refused().keys() == REPAIRS.keys()


def test_what_is_reverted_and_brought_back_stands(story):
    merge(story)
    story.git("revert", "--no-edit", story.commits["written-anew"])
    story.git("revert", "--no-edit", "HEAD")
    learn(story.home, story.target)
    assert story.refused() == {}


def test_what_is_written_anew_beside_it_or_removed_is_no_revert(story):
    merge(story)
    text = (story.target.path / "b.py").read_text()
    story.commit("b.py", text.replace("other\n", "something else\n"))
    story.git("rm", "-q", "a.py")
    story.git("commit", "-qm", "no more")
    learn(story.home, story.target)
    assert story.refused() == {}


def test_the_next_night_opens_with_what_is_refused(story):
    merge(story)
    story.git("revert", "--no-edit", "-m", "1", "HEAD")
    learn(story.home, story.target)
    night = open_night(story.target.path, sys.executable, home=story.home)
    assert {key.split()[0] for key in night.refused} == REPAIRS.keys()


def test_a_commit_that_the_store_has_lost_says_nothing(story):
    with story.ledger._session() as session:
        session.connection().exec_driver_sql(
            f"UPDATE run SET result_commit = '{'0' * 40}', base_commit = 'gone'"
        )
    learn(story.home, story.target)
    assert (story.merged(), story.refused()) == (set(), {})
