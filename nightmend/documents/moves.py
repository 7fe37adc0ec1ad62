from collections.abc import Iterable, Iterator

from nightmend.git.runner import Git, GitError

_COMMITS = 20_000
_RENAME_LIMIT = 1_000
"""Files added and removed in one commit beyond which git does not compare them all."""


def moves(git: Git, commit: str) -> dict[str, str]:
    """Return where each path that history moved ended up; empty where history cannot be read."""
    for similarity in ("--find-renames", "--find-renames=100%"):  # a clone without all blobs compares names
        options = (similarity, f"-l{_RENAME_LIMIT}", "--diff-filter=R", "--name-status", "-z", "--format=")
        try:
            said = git.run("log", *options, f"--max-count={_COMMITS}", "--end-of-options", commit)
        except GitError:
            continue
        return follow(_pairs(said.decode(errors="surrogateescape").split("\0")))
    return {}


def follow(renames: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Join renames, newest first, to the last place of each path; the newest name for a path counts."""
    ends: dict[str, str] = {}
    for old, new in renames:
        ends.setdefault(old, ends.get(new, new))
    return {old: new for old, new in ends.items() if old != new}


def _pairs(fields: list[str]) -> Iterator[tuple[str, str]]:
    rest = iter(fields)
    for field in rest:
        if field.lstrip("\n").startswith("R"):
            yield next(rest), next(rest)
