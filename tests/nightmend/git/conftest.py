import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nightmend.git.store import Store
from nightmend.git.target import Target

HOOKS = (
    *(
        "applypatch-msg",
        "commit-msg",
        "fsmonitor-watchman",
        "post-applypatch",
        "post-checkout",
        "post-commit",
    ),
    *("post-index-change", "post-merge", "post-receive", "post-rewrite", "post-update", "pre-applypatch"),
    *("pre-auto-gc", "pre-commit", "pre-merge-commit", "pre-push", "pre-rebase", "pre-receive"),
    *("prepare-commit-msg", "proc-receive", "push-to-checkout", "reference-transaction", "update"),
)


class Repository:
    """A user's repository, driven by the user's own git as a user would."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.path.parent), "GIT_CONFIG_NOSYSTEM": "1"}
        environment |= {"GIT_CONFIG_COUNT": "2"}
        environment |= {"GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
        environment |= {"GIT_CONFIG_KEY_1": "protocol.file.allow", "GIT_CONFIG_VALUE_1": "always"}
        done = subprocess.run(
            ["git", "-C", str(self.path), *arguments],
            input=stdin,
            capture_output=True,
            env=environment,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout.decode(errors="surrogateescape").strip()

    def write(self, files: dict[str, bytes]) -> None:
        for path, content in files.items():
            place = self.path / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)

    def commit(self, files: dict[str, bytes], message: str = "a change") -> str:
        self.write(files)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--no-verify", "-m", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def create() -> Callable[[Path], Repository]:
    """Make an empty repository with a user."""

    def make(path: Path) -> Repository:
        path.mkdir(parents=True)
        repository = Repository(path)
        repository.git("init", "--quiet", "--initial-branch=main")
        repository.git("config", "user.name", "A User")
        repository.git("config", "user.email", "user@localhost")
        return repository

    return make


@pytest.fixture
def repository(tmp_path: Path, create: Callable[[Path], Repository]) -> Repository:
    """A repository with one commit: two modules, a document and an executable."""
    made = create(tmp_path / "repository")
    made.write({"run.sh": b"#!/bin/sh\n"})
    (made.path / "run.sh").chmod(0o755)
    made.commit({"package/one.py": b"one = 1\n", "package/two.py": b"two = 2\n", "README.md": b"# Read\n"})
    return made


@pytest.fixture
def target(repository: Repository) -> Target:
    return Target.open(repository.path)


@pytest.fixture
def store(tmp_path: Path, target: Target) -> Store:
    return Store(tmp_path / "state/store.git", target)


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that every user of the machine can enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def set_traps() -> Callable[[Repository, Path], None]:
    """Let a repository leave a mark whenever it gets something of its own to run."""

    def trap(repository: Repository, marks: Path) -> None:
        marks.mkdir()
        marks.chmod(0o777)
        hooks = Path(repository.git("rev-parse", "--path-format=absolute", "--git-common-dir")) / "hooks"
        shutil.rmtree(hooks, ignore_errors=True)
        hooks.mkdir()
        for hook in HOOKS:
            _script(hooks / hook, f"touch {marks}/hook-{hook}; exit 0")
        _script(hooks / "monitor", f"touch {marks}/fsmonitor; exit 1")
        _script(hooks / "command", f'touch {marks}/command; exec cat "$@"')
        (hooks / "included").write_text(
            f"[core]\n\thooksPath = {hooks}\n[diff]\n\texternal = {hooks}/command\n"
        )
        (hooks / "attributes").write_text("* filter=trap\n")
        settings = {
            "core.fsmonitor": hooks / "monitor",
            "core.sshCommand": hooks / "command",
            "core.alternateRefsCommand": hooks / "command",
            "core.attributesFile": hooks / "attributes",
            "core.pager": hooks / "command",
            "core.editor": hooks / "command",
            "commit.gpgSign": "true",
            "gpg.program": hooks / "command",
            "uploadpack.packObjectsHook": hooks / "command",
            "include.path": hooks / "included",
            "filter.trap.clean": f"{hooks}/command",
            "filter.trap.smudge": f"{hooks}/command",
            "diff.trap.textconv": hooks / "command",
            "diff.trap.command": hooks / "command",
            "hook.trap.event": "reference-transaction",
            "hook.trap.command": hooks / "command",
            "core.logAllRefUpdates": "always",
            "gc.auto": "1",
        }
        for key, value in settings.items():
            repository.git("config", key, str(value))
        for mark in marks.iterdir():
            mark.unlink()

    return trap


def _script(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


@pytest.fixture
def state_of() -> Callable[[Path], dict[str, tuple[object, ...]]]:
    """Describe every entry below a folder: kind and mode, owner, content, and the time of files."""

    def describe(folder: Path) -> dict[str, tuple[object, ...]]:
        return {str(place.relative_to(folder)): _entry(place) for place in folder.rglob("*")}

    return describe


def _entry(place: Path) -> tuple[object, ...]:
    status = place.lstat()
    content = ""
    if stat.S_ISLNK(status.st_mode):
        content = os.readlink(place)
    elif stat.S_ISREG(status.st_mode):
        content = hashlib.sha256(place.read_bytes()).hexdigest()
    when = status.st_mtime_ns if stat.S_ISREG(status.st_mode) else 0
    return status.st_mode, status.st_uid, status.st_gid, when, content
