"""Read a diff of anyone onto a snapshot, with git's own understanding of it and without a working tree."""

import re
from collections.abc import Iterator

from nightmend.errors import UsageError
from nightmend.frozen import Frozen
from nightmend.git.runner import Git, GitError
from nightmend.git.store import Store
from nightmend.settings import MIB
from nightmend.snapshot import Snapshot

LARGEST = 8 * MIB
"""Bytes of the largest diff that is read."""
_PREFIXED = re.compile(rb'^(--- "?a/|\+\+\+ "?b/|diff --git "?a/)', re.MULTILINE)
_OUTSIDE = re.compile(rb'^(---|\+\+\+) "?(/(?!dev/null\b)|([^\t\n]*/)?\.\./)', re.MULTILINE)
"""Names from which nothing may be taken off."""
_SENTENCES = (
    (r"No valid patches in input", "it is no diff: give a unified diff, as `git diff` writes it"),
    (r"corrupt patch at (?P<line>line \d+)", "its {line} cannot be read: give it whole"),
    (r"patch fragment without header at (?P<line>line \d+)", "its {line} is of no file: give it whole"),
    (r"cannot apply binary patch to '(?P<path>.*)'", "{path} is binary: leave it out"),
    (
        r"patch failed: (?P<path>.*):(?P<line>\d+)$",
        "its hunk at line {line} of {path} does not fit what is committed: make it anew from there",
    ),
    (r"(?P<path>.*): does not exist in index", "{path} is no file that is committed: leave it out"),
    (r"(?P<path>.*): already exists in index", "{path} is there already, and it would make it: leave it out"),
    (r"invalid path '(?P<path>.*)'", "{path} leads out of the repository: leave it out"),
    (
        r"affected file '(?P<path>.*)' is beyond",
        "{path} leads through a symbolic link: name the file itself",
    ),
)
"""What git says, and what we do."""


class Change(Frozen):
    """A file that a diff changes, before and after."""

    path: str
    before: bytes
    after: bytes


class Oddity(Frozen):
    """A path at which a diff does more than edit a file, and what it does there."""

    path: str
    what: str


class Proposed(Frozen):
    """What a diff does to a snapshot, by path."""

    changes: tuple[Change, ...]
    oddities: tuple[Oddity, ...] = ()


def read_diff(store: Store, snapshot: Snapshot, diff: bytes) -> Proposed:
    """Return what a diff does to a snapshot; UsageError says in a sentence why it cannot be done."""
    if not diff.strip():
        raise UsageError("the diff is empty: there is nothing to prove")
    if len(diff) > LARGEST:
        raise UsageError(f"the diff is larger than {LARGEST // MIB} MB: prove it in parts")
    with store.index(snapshot) as git:
        _apply(git, diff if diff.endswith(b"\n") else diff + b"\n")
        raw = git.run("diff-index", "--cached", "--raw", "-z", "--no-renames", "--no-abbrev", snapshot.tree)
    found = list(_found(store, raw))
    if not found:
        raise UsageError("the diff changes nothing: every file is as it was")
    return Proposed(
        changes=tuple(one for one in found if isinstance(one, Change)),
        oddities=tuple(one for one in found if isinstance(one, Oddity)),
    )


def branch_diff(store: Store, head: str, commit: str) -> bytes:
    """Return what a commit changed since it left `head`; UsageError where both have no commit in common."""
    if not store.git.holds("merge-base", head, commit):
        raise UsageError(f"{commit[:12]} and {head[:12]} have no commit in common: give a diff instead")
    base = store.git.run("merge-base", head, commit).decode().strip()
    options = ("--no-renames", "--no-ext-diff", "--no-textconv", "--full-index", "--binary", "--text")
    return store.git.run("diff", *options, base, commit)


def _apply(git: Git, diff: bytes) -> None:
    """Apply a diff to an index; its names are as git writes them, or as they are, or below another folder."""
    levels = (1,) if _PREFIXED.search(diff) else (0,) if _OUTSIDE.search(diff) else (0, 1)
    problems = []
    for level in levels:
        try:
            git.run("apply", "--cached", "--whitespace=nowarn", f"-p{level}", "-", stdin=diff)
        except GitError as error:
            problems.append(error)
        else:
            return
    raise UsageError(f"the diff cannot be proved: {_sentence(str(problems[0]))}") from problems[0]


def _sentence(complaint: str) -> str:
    said = complaint.partition("error: ")[2] or complaint
    for pattern, sentence in _SENTENCES:
        if match := re.search(pattern, said):
            return sentence.format(**match.groupdict())
    return said


def _found(store: Store, raw: bytes) -> Iterator[Change | Oddity]:
    parts = raw.split(b"\0")[:-1]
    for facts, name in zip(parts[0::2], parts[1::2], strict=True):
        path = name.decode(errors="replace")
        old_mode, mode, old, new, status = facts.decode().removeprefix(":").split()
        if what := _odd(old_mode, mode, status):
            yield Oddity(path=path, what=what)
            continue
        contents = store.get_many([old, new])
        if b"\0" in contents[old] + contents[new]:
            raise UsageError(f"the diff cannot be proved: {path} is binary: leave it out")
        yield Change(path=path, before=contents[old], after=contents[new])


def _odd(old_mode: str, mode: str, status: str) -> str:
    if status in {"A", "D"}:
        return "makes a new file" if status == "A" else "deletes a file"
    if not (old_mode.startswith("100") and mode.startswith("100")):
        return "changes what is no file"
    return "" if old_mode == mode else "changes the rights of a file"
