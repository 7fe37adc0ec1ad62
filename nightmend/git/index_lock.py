import os
from pathlib import Path
from types import TracebackType
from typing import Self

from nightmend.errors import UsageError

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


class IndexLock:
    """The lock file of a user's index, which keeps every other git away and becomes the new index.

    It is written through its descriptor only, never through what may stand at its path meanwhile.
    """

    def __init__(self, git_dir: Path) -> None:
        self._index = git_dir / "index"
        self._path = git_dir / "index.lock"
        self._installed = False

    def __enter__(self) -> Self:
        try:
            self._file = os.fdopen(os.open(self._path, _NEW, 0o600), "wb")
        except FileExistsError as error:
            raise UsageError(f"{self._path} exists: wait until the other git command has ended") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if not self._installed:
            self._path.unlink(missing_ok=True)

    def fill(self, index: Path) -> None:
        """Take the content of another index, its time too: git tells by it what may have changed unseen."""
        user, new = self._index.stat(), index.stat()
        self._file.write(index.read_bytes())
        self._file.flush()
        if os.geteuid() == 0:
            os.fchown(self._file.fileno(), user.st_uid, user.st_gid)
        os.fchmod(self._file.fileno(), user.st_mode & 0o777)
        os.utime(self._file.fileno(), ns=(new.st_atime_ns, new.st_mtime_ns))

    def install(self) -> None:
        """Put what was filled in into the place of the index, in one step."""
        self._path.replace(self._index)
        self._installed = True
