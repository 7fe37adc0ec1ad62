"""Diffs that git itself applies and takes back, whatever the bytes and names are."""

import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightmend.report.unified import unified

CONTENT = st.lists(
    st.sampled_from(
        [b"a\n", b"b\n", b"a\r\n", b"\xff\xe9\n", b"\x0c\n", b"x\xe2\x80\xa8y\n", b"+++ c\n", b"\n"]
    ),
    max_size=30,
).map(b"".join)
END = st.sampled_from([b"", b"end", b"\r", b"\x1c"])
NAMES = [
    "plain.py",
    "with space.py",
    "häh 日本.py",
    'quote".py',
    "back\\slash.py",
    "tab\t.py",
    "new\nline.py",
    "a/b -- c.py",
    "-p.py",
    "caf\udce9.py",
]


def reversed_by_git(folder, path: str, before: bytes, after: bytes) -> bytes:
    place = folder / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(after)
    (folder / ".patch").write_bytes(unified({path: before}, {path: after}).encode(errors="surrogateescape"))
    apply = ["git", "-C", folder, "apply", "--reverse", "--whitespace=nowarn", ".patch"]
    subprocess.run(apply, check=True, capture_output=True)
    return place.read_bytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("diffs")
    subprocess.run(["git", "init", "-q", place], check=True)
    subprocess.run(["git", "-C", place, "config", "core.autocrlf", "false"], check=True)
    return place


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CONTENT, CONTENT, END, END)
def test_git_takes_back_what_the_diff_says(folder, one, two, end, other):
    before, after = one + end, two + other
    if before != after:
        assert reversed_by_git(folder, "x.py", before, after) == before


@pytest.mark.parametrize("path", NAMES)
def test_every_name_is_understood(folder, path):
    assert reversed_by_git(folder, path, b"a\nb\n", b"a\nc\n") == b"a\nb\n"


def test_a_diff_shows_three_lines_around_and_no_more():
    lines = [b"%d\n" % number for number in range(100)]
    before, after = b"".join(lines), b"".join([*lines[:50], b"new\n", *lines[51:]])
    told = unified({"x": before}, {"x": after}).splitlines()
    assert told[:4] == ["diff --git a/x b/x", "--- a/x", "+++ b/x", "@@ -48,7 +48,7 @@"]
    assert told[4:] == [" 47", " 48", " 49", "-50", "+new", " 51", " 52", " 53"]


def test_a_side_without_lines_is_counted_as_git_does():
    assert "@@ -0,0 +1 @@" in unified({"x": b""}, {"x": b"a\n"})
    assert "@@ -1,2 +0,0 @@" in unified({"x": b"a\nb\n"}, {"x": b""})


def test_files_that_are_the_same_are_left_out():
    assert unified({"x": b"a", "y": b"a"}, {"x": b"a", "y": b"b"}).count("diff --git") == 1


def test_far_edits_of_a_long_file_cost_little():
    lines = [b"same\n"] * 20_000
    before, after = b"".join(lines), b"".join([*lines[:10_000], b"new\n", *lines[10_000:]])
    assert unified({"x": before}, {"x": after}).count("\n+new\n") == 1


def test_a_change_that_ends_where_the_same_lines_follow_keeps_what_is_around_it(folder):
    before, after = b"b\nb\nb\nend", b"a\nb\nb\nb\nb\nend"  # found by chance, and refused by git
    assert reversed_by_git(folder, "x.py", before, after) == before
