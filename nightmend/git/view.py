import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from nightmend.git.runner import Owner

_SHARED = ("objects", "refs", "packed-refs", "shallow")


@contextmanager
def view(
    git_dir: Path, common_dir: Path, *, settings: Mapping[str, str] = {}, owner: Owner | None = None
) -> Iterator[Path]:
    """Give a private git directory that shows another one's objects and refs, but none of its settings.

    git then reads no configuration, hook or attribute of the other; what it writes through the view are
    objects and refs. `settings` are the few values of the other that are taken over, `owner` who may read it.
    """
    folder = Path(tempfile.mkdtemp(prefix="nightmend-git-"))
    try:
        for name in _SHARED:
            if (common_dir / name).exists():
                (folder / name).symlink_to(common_dir / name)
        _copy_head(git_dir / "HEAD", folder / "HEAD")
        (folder / "config").write_text(_config(settings))
        if owner is not None:
            folder.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy_head(head: Path, copy: Path) -> None:
    if head.is_symlink():  # as git of long ago wrote it
        copy.symlink_to(os.readlink(head))
    else:
        copy.write_bytes(head.read_bytes())


def _config(settings: Mapping[str, str]) -> str:
    lines = ["[core]", "repositoryformatversion = 0", "bare = true"]
    return "\n".join([*lines, *(f'{name} = "{value}"' for name, value in settings.items()), ""])
