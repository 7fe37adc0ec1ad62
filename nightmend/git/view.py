import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from nightmend.git.runner import Owner

_BORROWED = ("objects", "refs", "packed-refs", "shallow", "info")


@contextmanager
def view(
    git_dir: Path, common_dir: Path, settings: Mapping[str, str], owner: Owner | None = None
) -> Iterator[Path]:
    """Give a passing git directory that shows another one's objects and refs, but none of its settings.

    git then reads no configuration and no hook of the other; what it writes through the view are objects,
    refs, and logs that exist. `settings` are the few values of the other's `core` that are taken over;
    the view belongs to `owner`, None being ourselves; only root can give it away.
    """
    folder = Path(tempfile.mkdtemp(prefix="nightmend-git-", dir=None if owner is None else _public_folder()))
    try:
        _fill(folder, git_dir, common_dir)
        (folder / "config").write_text(_config(settings))
        if owner is not None:
            for entry in (folder, *folder.iterdir()):
                os.chown(entry, *owner, follow_symlinks=False)
        yield folder
    finally:
        shutil.rmtree(folder)


def _public_folder() -> Path:
    """Return a folder for passing files that another user may enter too; ours may be private."""
    places = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]  # noqa: S108 -- mkdtemp names them
    open_to_all = (place for place in places if all(_enterable(part) for part in (place, *place.parents)))
    return next(open_to_all, places[0])


def _enterable(folder: Path) -> bool:
    return folder.is_dir() and bool(folder.stat().st_mode & stat.S_IXOTH)


def _fill(folder: Path, git_dir: Path, common_dir: Path) -> None:
    borrowed = {name: common_dir / name for name in _BORROWED}
    borrowed |= {"logs/HEAD": git_dir / "logs/HEAD", "logs/refs": common_dir / "logs/refs"}
    (folder / "logs").mkdir()
    for name, place in borrowed.items():
        if place.exists():
            (folder / name).symlink_to(place)
    head = git_dir / "HEAD"
    if head.is_symlink():  # as git of long ago wrote it
        (folder / "HEAD").symlink_to(head.readlink())
    else:
        (folder / "HEAD").write_bytes(head.read_bytes())


def _config(settings: Mapping[str, str]) -> str:
    lines = ["[core]", "repositoryformatversion = 0", "bare = true"]
    return "\n".join([*lines, *(f"{name} = {value}" for name, value in settings.items()), ""])
