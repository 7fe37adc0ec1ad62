import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from nightmend.errors import UsageError
from nightmend.git.runner import Git, GitError, Owner, git_executable, other_user
from nightmend.git.view import view

_TAKEN_OVER = ("sharedrepository", "filemode", "symlinks", "ignorecase", "autocrlf", "eol", "trustctime")
"""Settings of the target's `core` that say how its files are, and can run nothing."""


@dataclass(frozen=True)
class Target:
    """A user's repository, read without leaving a trace: its settings and hooks have no say."""

    path: Path
    """Root of its working tree, absolute."""
    git_dir: Path
    common_dir: Path
    """Where objects and refs are; differs from git_dir in a linked worktree."""
    owner: Owner
    settings: Mapping[str, str] = field(repr=False, compare=False)
    """Its configuration as data: lower-case key to last value; included files are not read."""

    @classmethod
    def open(cls, path: Path) -> "Target":
        """Open the repository whose root is `path`; raise UsageError when it cannot be recovered."""
        git_executable()
        try:
            root = _root(Path(os.path.abspath(path)))
            git_dir = _git_dir(root)
            common_dir = _common_dir(git_dir)
            status = common_dir.stat()
            settings = read_settings(common_dir / "config")
            if is_true(settings, "extensions.worktreeconfig"):
                settings |= read_settings(git_dir / "config.worktree")
            target = cls(root, git_dir, common_dir, (status.st_uid, status.st_gid), settings)
            _refuse(target)
        except OSError as error:
            raise UsageError(f"{error.filename or path} cannot be read: {error.strerror}") from error
        except GitError as error:
            raise UsageError(f"{path} is damaged: {error}") from error
        return target

    def head(self) -> str:
        """Return the id of the commit that is checked out."""
        with self.view() as git:
            return git.run("rev-parse", "--verify", "--end-of-options", "HEAD^{commit}").decode().strip()

    def branch(self) -> str | None:
        """Return the full ref of the current branch, None when HEAD is detached."""
        return _branch(self.git_dir / "HEAD")

    def checked_out(self, ref: str) -> bool:
        """Say whether a branch is the current one here or in a linked worktree."""
        heads = (self.common_dir / "HEAD", *self.common_dir.glob("worktrees/*/HEAD"))
        return any(_branch(head) == ref for head in heads)

    def clean(self) -> bool:
        """Say whether index and tracked files are as committed; untracked files do not count."""
        with self.working_view() as git:
            return is_clean(git)

    @contextmanager
    def view(self, *, as_owner: bool = False) -> Iterator[Git]:
        """Give a git that sees objects and refs of the target and nothing else of it."""
        owner = other_user(self.owner) if as_owner else None
        with view(self.git_dir, self.common_dir, self._taken_over(), owner) as folder:
            yield Git(folder, owner=owner, name=self.path)

    @contextmanager
    def working_view(self) -> Iterator[Git]:
        """Give a view with the working tree and a copy of the index."""
        with self.view() as git:
            for part in (*self.git_dir.glob("index"), *self.git_dir.glob("sharedindex.*")):
                # with its time: by that git tells which files may have changed unseen
                shutil.copy2(part, git.git_dir / part.name)
            yield replace(git, work_tree=self.path)

    def _taken_over(self) -> dict[str, str]:
        values = {key: self.settings.get(f"core.{key}", "") for key in _TAKEN_OVER}
        return {key: value for key, value in values.items() if value.isalnum()}


def is_clean(git: Git) -> bool:
    """Say whether index and tracked files of a working view are as committed."""
    fresh = git.holds("update-index", "--refresh", "--ignore-submodules")
    return fresh and git.holds("diff-index", "--cached", "--quiet", "HEAD")


def read_settings(config: Path) -> dict[str, str]:
    """Read a git configuration file as data, without its includes; the last of equal keys wins."""
    if not config.exists():
        return {}
    git = Git(Path("/dev/null"), name=config)
    listed = git.run("config", "--file", str(config), "--no-includes", "-z", "--list")
    pairs = (entry.partition("\n") for entry in listed.decode(errors="surrogateescape").split("\0") if entry)
    return {key: value if separator else "true" for key, separator, value in pairs}


def is_true(settings: Mapping[str, str], key: str) -> bool:
    """Say whether a setting is on, in any of git's spellings."""
    return settings.get(key, "").lower() in {"true", "yes", "on", "1"}


def _root(path: Path) -> Path:
    if not path.exists():
        raise UsageError(f"{path} does not exist: give the root folder of a git repository")
    if not path.is_dir():
        raise UsageError(f"{path} is a file: give the root folder of a git repository")
    path = path.resolve()
    os.listdir(path)
    if (path / ".git").exists():
        return path
    if path.name == ".git":
        raise UsageError(f"{path} is the git directory of a repository: give its root, {path.parent}")
    if all((path / name).exists() for name in ("HEAD", "objects", "refs")):
        raise UsageError(f"{path} is a bare repository: give a clone that has a working tree")
    for parent in path.parents:
        if (parent / ".git").exists():
            raise UsageError(f"{path} is a folder inside a repository: give its root, {parent}")
    raise UsageError(
        f"{path} is not a git repository: run `git init` there and commit, or give another folder"
    )


def _git_dir(root: Path) -> Path:
    entry = root / ".git"
    if entry.is_dir():
        return entry.resolve()
    said = entry.read_text(errors="surrogateescape").rstrip("\n")
    git_dir = root / said.removeprefix("gitdir: ")
    if not said.startswith("gitdir: ") or not (git_dir / "HEAD").exists():
        raise UsageError(
            f"{entry} points to no git directory: repair the worktree with `git worktree repair`"
        )
    return git_dir.resolve()


def _common_dir(git_dir: Path) -> Path:
    link = git_dir / "commondir"
    if not link.exists():
        return git_dir
    return (git_dir / link.read_text(errors="surrogateescape").rstrip("\n")).resolve()


def _branch(head: Path) -> str | None:
    if head.is_symlink():  # as git of long ago wrote it
        return os.readlink(head)
    said = head.read_text().strip()
    return said.removeprefix("ref:").strip() if said.startswith("ref:") else None


def _refuse(target: Target) -> None:
    path, settings = target.path, target.settings
    if settings.get("extensions.objectformat", "sha1").lower() != "sha1":
        raise UsageError(f"{path} names its objects by sha256, which is not supported: convert it to sha1")
    if settings.get("extensions.refstorage", "files").lower() != "files":
        raise UsageError(
            f"{path} keeps its refs as reftable: run `git refs migrate --ref-format=files` there"
        )
    if is_true(settings, "core.bare") and target.git_dir == target.common_dir:
        raise UsageError(f"{path} is configured as a bare repository: give a clone that has a working tree")
    (target.git_dir / "HEAD").read_bytes()
    for folder in ("objects", "refs"):
        os.listdir(target.common_dir / folder)
    with target.view() as git:
        if not git.holds("rev-parse", "--verify", "--quiet", "HEAD"):
            raise UsageError(f"{path} has no commits yet: commit once, so that there is a state to recover")
    target.head()
