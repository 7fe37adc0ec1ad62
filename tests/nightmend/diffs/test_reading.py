"""A diff is read as git reads it, onto what is committed; what cannot be proved is said in one sentence."""

import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightmend.diffs.reading import LARGEST, branch_diff, read_diff
from nightmend.errors import UsageError
from nightmend.report.unified import unified

FILES = {
    "shop.py": "one = 1\ntwo = 2\nthree = 3\n", "pkg/a b.py": "x = 1\n", "pkg/ä\"q.py": "y = 1\r\n",
    "end.py": b"last = 1", "picture.png": b"\x89PNG\0\0", "b/shop.py": "other = 1\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def workspace(shared_workspace_of):
    return shared_workspace_of(FILES)


@pytest.fixture(scope="module")
def read(workspace):
    def read(diff):
        return read_diff(workspace.store, workspace.night.base, diff.encode())

    return read


def hunk(path, old="two = 2", new="two = 22", *, to=None, line=1):
    head = f"--- {path}\n+++ {to or path}\n@@ -{line},3 +{line},3 @@\n"
    return f"{head} one = 1\n-{old}\n+{new}\n three = 3\n"


@pytest.mark.parametrize(
    "diff",
    [
        hunk("a/shop.py", to="b/shop.py"),
        hunk("shop.py"),
        hunk("original/shop.py", to="fixed/shop.py"),
        hunk("shop.py\t2026-01-01 00:00:00.000000+00:00"),
        "diff --git a/shop.py b/shop.py\nindex 123..456 100644\n" + hunk("a/shop.py", to="b/shop.py"),
        "Here is my fix:\n\n" + hunk("a/shop.py", to="b/shop.py") + "\nEnjoy!\n",
        hunk("shop.py", line=40),
        hunk("shop.py").removesuffix("\n"),
    ],
    ids=["git", "ruff", "autoflake", "black", "index", "an agent", "another place", "no last newline"],
)
def test_the_diff_of_any_tool(read, diff):
    (change,) = read(diff).changes
    assert (change.path, change.after) == ("shop.py", b"one = 1\ntwo = 22\nthree = 3\n")


def test_ends_of_files_and_odd_names(read):
    end = "--- a/end.py\n+++ b/end.py\n@@ -1 +1 @@\n-last = 1\n\\ No newline at end of file\n+last = 2\n"
    assert read(end).changes[0].after == b"last = 2\n"
    name = '"a/pkg/\\303\\244\\"q.py"'
    odd = f"--- {name}\n+++ {name.replace('a/', 'b/', 1)}\n@@ -1 +1 @@\n-y = 1\r\n+y = 2\r\n"
    assert [(one.path, one.after) for one in read(odd).changes] == [('pkg/ä"q.py', b"y = 2\r\n")]
    spaced = "--- a/pkg/a b.py\t\n+++ b/pkg/a b.py\t\n@@ -1 +1 @@\n-x = 1\n+x = 2\n"
    assert read(spaced).changes[0].path == "pkg/a b.py"


BINARY = (
    "diff --git a/picture.png b/picture.png\nindex 12..34 100644\n"
    "Binary files a/picture.png and b/picture.png differ\n"
)


@pytest.mark.parametrize(
    ("diff", "says"),
    [
        ("", "the diff is empty"),
        ("\n \n", "the diff is empty"),
        ("nothing of a diff\n", "it is no diff"),
        (hunk("shop.py", old="two = 3"), "its hunk at line 1 of shop.py does not fit"),
        (hunk("shop.py") + hunk("pkg/a b.py"), "its hunk at line 1 of pkg/a b.py does not fit"),
        (hunk("gone.py"), "gone.py is no file that is committed"),
        (hunk("../shop.py"), "../shop.py is no file"),
        (hunk("/etc/passwd"), "/etc/passwd is no file"),
        ("--- /dev/null\n+++ b/../new.py\n@@ -0,0 +1 @@\n+x = 1\n", "../new.py leads out of the repository"),
        (
            "--- /dev/null\n+++ /tmp/new.py\n@@ -0,0 +1 @@\n+x = 1\n",
            "/tmp/new.py leads out of the repository",
        ),
        (
            "diff --git a/shop.py b/.git/hooks/x\nrename from shop.py\nrename to .git/hooks/x\n",
            ".git/hooks/x",
        ),
        (BINARY, "picture.png is binary"),
        (hunk("shop.py").rsplit(" three", 1)[0], "cannot be read: give it whole"),
        (hunk("shop.py", new="two = 2"), "changes nothing"),
        ("x" * (LARGEST + 1), "larger than 8 MB"),
    ],
)
def test_what_cannot_be_proved_is_one_sentence(read, diff, says):
    with pytest.raises(UsageError) as caught:
        read(diff)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_link_leads_nowhere(workspace_of, tmp_path):
    workspace = workspace_of({"pkg/a.py": "x = 1\n"})
    root = workspace.target.path
    (root / "link").symlink_to(tmp_path)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "link")
    snapshot = workspace.store.snapshot(workspace.target.head())
    through = "--- /dev/null\n+++ b/link/new.py\n@@ -0,0 +1 @@\n+x = 1\n"
    with pytest.raises(UsageError, match=r"link/new\.py leads through a symbolic link"):
        read_diff(workspace.store, snapshot, through.encode())
    old = f"-{tmp_path}\n\\ No newline at end of file\n+/etc\n\\ No newline at end of file\n"
    found = read_diff(workspace.store, snapshot, f"--- a/link\n+++ b/link\n@@ -1 +1 @@\n{old}".encode())
    assert [(one.path, one.what) for one in found.oddities] == [("link", "changes what is no file")]
    assert list(tmp_path.glob("new.py")) == []


@pytest.mark.parametrize(
    ("diff", "oddities"),
    [
        ("--- /dev/null\n+++ b/new.py\n@@ -0,0 +1 @@\n+x = 1\n", [("new.py", "makes a new file")]),
        ("--- a/end.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-last = 1\n\\ No newline at end of file\n",
         [("end.py", "deletes a file")]),
        ("diff --git a/end.py b/fin.py\nsimilarity index 100%\nrename from end.py\nrename to fin.py\n",
         [("end.py", "deletes a file"), ("fin.py", "makes a new file")]),
        ("diff --git a/end.py b/end.py\nold mode 100644\nnew mode 100755\n",
         [("end.py", "changes the rights of a file")]),
    ],
)  # fmt: skip
def test_what_is_more_than_an_edit_is_named(read, diff, oddities):
    found = read(hunk("a/shop.py", to="b/shop.py") + diff)
    assert [(one.path, one.what) for one in found.oddities] == oddities
    assert [one.path for one in found.changes] == ["shop.py"], "the rest can be proved all the same"


def git(root, *arguments):
    command = ["git", "-C", root, "-c", "user.name=A", "-c", "user.email=a@localhost", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_a_branch_is_what_it_changed_since_it_left(workspace_of):
    workspace = workspace_of({"shop.py": "one = 1\ntwo = 2\nthree = 3\nfour = 4\nfive = 5\n"})
    root = workspace.target.path
    git(root, "checkout", "-qb", "mine")
    (root / "shop.py").write_text("one = 11\ntwo = 2\nthree = 3\nfour = 4\nfive = 5\n")
    git(root, "commit", "-qam", "mine")
    mine = git(root, "rev-parse", "mine").strip()
    git(root, "checkout", "-q", "main")
    (root / "other.py").write_text("x = 1\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "theirs")
    head = workspace.target.head()
    diff = branch_diff(workspace.store, head, mine)
    (change,) = read_diff(workspace.store, workspace.store.snapshot(head), diff).changes
    assert change.after.startswith(b"one = 11\n")


@given(content=st.text("abé\n\r\x0c ", max_size=30))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_our_own_diffs_come_back_as_they_were(workspace, content):
    before, after = {"shop.py": FILES["shop.py"].encode()}, {"shop.py": content.encode()}
    if content and before != after:
        diff = unified(before, after).encode()
        (change,) = read_diff(workspace.store, workspace.night.base, diff).changes
        assert change.after == after["shop.py"]
