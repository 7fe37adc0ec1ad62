"""Carry what a part of a night needs to a machine that has no repository, and what came of it back."""

from collections.abc import Iterable
from pathlib import Path

from nightmend.errors import NightmendError
from nightmend.git.runner import Git

_LOOSE_AT_MOST = 1000
_COUNT_IN_HEADER = slice(8, 12)


def packed(git: Git, commits: Iterable[str], blobs: Iterable[str] = ()) -> bytes:
    """Pack these commits with their trees and files, without what lies behind them, and these blobs."""
    names = list(dict.fromkeys(blobs))
    if roots := list(dict.fromkeys(commits)):
        listed = git.run(
            "rev-list", "--objects", "--no-walk", "--no-object-names", "--end-of-options", *roots
        )
        names += listed.decode().split()
    return git.run("pack-objects", "--stdout", "-q", stdin="".join(f"{name}\n" for name in names).encode())


def unpack(git: Git, pack: bytes) -> None:
    """Give a repository the objects of a pack; git names each by what it is, so that none can be another."""
    count = int.from_bytes(pack[_COUNT_IN_HEADER], "big")
    if count > _LOOSE_AT_MOST:
        git.run("index-pack", "--stdin", stdin=pack)
    elif count:
        git.run("unpack-objects", "-q", stdin=pack)


def carried(folder: Path, pack: bytes, commits: Iterable[str]) -> None:
    """Make a repository out of a pack, in which nothing is behind these commits."""
    if folder.exists():
        raise NightmendError(f"{folder} exists: what is carried goes into a folder of its own")
    git = Git(folder)
    git.run("init", "--bare", "--template=", "--object-format=sha1", "--quiet")
    (folder / "shallow").write_text("".join(f"{commit}\n" for commit in dict.fromkeys(commits)))
    unpack(git, pack)
