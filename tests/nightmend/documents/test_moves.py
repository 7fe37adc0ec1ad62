import subprocess

import pytest

from nightmend.documents.moves import follow, moves
from nightmend.git.runner import Git

WHO = {"GIT_CONFIG_GLOBAL": "/dev/null", "PATH": "/usr/bin:/bin"}
WHO |= {f"GIT_{role}_{key}": "a@localhost" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}


def git(folder, *arguments):
    subprocess.run(["git", "-C", folder, *arguments], check=True, env=WHO, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "ä b.md").write_text("one\n" * 9)
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "1")
    for old, new in (("ä b.md", "c.md"), ("c.md", "docs/d.md")):
        (tmp_path / "docs").mkdir(exist_ok=True)
        git(tmp_path, "mv", old, new)
        git(tmp_path, "commit", "-qm", new)
    return tmp_path


def test_a_file_is_followed_to_its_last_place(repository):
    assert moves(Git(repository / ".git"), "HEAD") == {"ä b.md": "docs/d.md", "c.md": "docs/d.md"}


def test_a_file_that_also_changed_is_followed(repository):
    text = (repository / "docs/d.md").read_text()
    git(repository, "mv", "docs/d.md", "e.md")
    (repository / "e.md").write_text(text + "two\n")
    git(repository, "commit", "-qam", "5")
    assert moves(Git(repository / ".git"), "HEAD")["c.md"] == "e.md"


def test_history_that_is_not_there_says_nothing(repository):
    assert moves(Git(repository / ".git"), "0" * 40) == {}
    shallow = repository / "shallow"
    git(repository, "clone", "-q", "--depth=1", f"file://{repository}", str(shallow))
    assert moves(Git(shallow / ".git"), "HEAD") == {}


def test_a_clone_without_old_contents_still_knows_exact_moves(repository):
    (repository / "docs/d.md").write_text("one\n" * 8 + "two\n")
    git(repository, "mv", "docs/d.md", "e.md")
    git(repository, "commit", "-qam", "5")
    blob = subprocess.run(
        ["git", "-C", repository, "rev-parse", "HEAD~1:docs/d.md"], capture_output=True, text=True, check=True
    ).stdout.strip()
    (repository / ".git/objects" / blob[:2] / blob[2:]).unlink()
    assert moves(Git(repository / ".git"), "HEAD") == {"ä b.md": "docs/d.md", "c.md": "docs/d.md"}


def test_the_newest_move_of_a_path_counts():
    assert follow([("a", "c"), ("x", "a"), ("a", "b")]) == {"a": "c", "x": "c"}
    assert follow([("b", "a"), ("a", "b")]) == {"b": "a"}
