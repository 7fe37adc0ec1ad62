import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from nightmend.errors import RollbackError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


class _Before(NamedTuple):
    path: str
    content: bytes
    status: os.stat_result


class Replacements:
    """Files of a working tree replaced one by one, each in one step; left by an error, all are put back.

    Links are never followed, so that no file outside the tree can be reached. Modes and owners stay.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._before: list[_Before] = []
        self._made: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._restore()

    def put(self, path: str, content: bytes, *, executable: bool) -> None:
        """Give a file new content; one that is not there is made, with its folders, executable or not."""
        *folders, name = path.split("/")
        with self._folder(folders) as folder:
            try:
                before = self._read(folder, name, path)
            except FileNotFoundError:
                above = os.fstat(folder)
                self._made.append(path)
                _write(folder, name, content, above, 0o755 if executable else 0o644)
                return
            self._before.append(before)
            _write(folder, name, content, before.status, stat.S_IMODE(before.status.st_mode))

    def _read(self, folder: int, name: str, path: str) -> _Before:
        with os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder), "rb") as file:
            return _Before(path, file.read(), os.fstat(file.fileno()))

    @contextmanager
    def _folder(self, parts: list[str]) -> Iterator[int]:
        descriptor = os.open(self.root, _FOLDER)
        try:
            for depth, part in enumerate(parts):
                with suppress(FileExistsError):
                    os.mkdir(part, dir_fd=descriptor)
                    _hand_over(os.open(part, _FOLDER, dir_fd=descriptor), os.fstat(descriptor))
                    self._made.append("/".join(parts[: depth + 1]))
                inner = os.open(part, _FOLDER, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = inner
            yield descriptor
        finally:
            os.close(descriptor)

    def _restore(self) -> None:
        lost = []
        for before in reversed(self._before):
            *folders, name = before.path.split("/")
            try:
                with self._folder(folders) as folder:
                    _write(folder, name, before.content, before.status, stat.S_IMODE(before.status.st_mode))
            except OSError:
                lost.append(before.path)
        for path in reversed(self._made):
            place = self.root / path
            with suppress(OSError):
                place.rmdir() if place.is_dir() else place.unlink()
        if lost:
            raise RollbackError(f"not put back in {self.root}: {', '.join(lost)}; run `git restore` on them")


def _write(folder: int, name: str, content: bytes, like: os.stat_result, mode: int) -> None:
    temporary = f".nightmend-{secrets.token_hex(8)}"
    descriptor = os.open(temporary, _NEW_FILE, 0o600, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            if os.geteuid() == 0:
                os.fchown(descriptor, like.st_uid, like.st_gid)
            os.fchmod(descriptor, mode)
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(temporary, dir_fd=folder)
        raise


def _hand_over(folder: int, above: os.stat_result) -> None:
    try:
        if os.geteuid() == 0:
            os.fchown(folder, above.st_uid, above.st_gid)
    finally:
        os.close(folder)
