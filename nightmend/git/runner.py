import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from nightmend.errors import NightmendError, PrerequisiteError

Owner = tuple[int, int]
"""uid and gid."""
OLDEST_GIT = (2, 32)
"""The first that can be told to read no configuration but the one given."""

_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.splitIndex=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.logAllRefUpdates=false",
    "core.protectNTFS=false",  # names that only another system refuses must survive
    "core.protectHFS=false",
    "core.quotePath=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "submodule.recurse=false",
    "protocol.allow=never",
    "commit.gpgSign=false",
    "safe.directory=*",
)
_ENVIRONMENT = {
    "LC_ALL": "C",
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_LITERAL_PATHSPECS": "1",
}


class GitError(NightmendError):
    """A git command of ours failed; the sentence names the command, the repository and git's reason."""


@dataclass(frozen=True)
class Git:
    """Runs git on one git directory of ours, so that no configuration or hook of anyone else is read."""

    git_dir: Path
    work_tree: Path | None = None
    owner: Owner | None = None
    """Run as this user, which only root can; None is ourselves."""
    environment: Mapping[str, str] = field(default_factory=dict)
    name: Path | None = None
    """What an error calls the repository, where the git directory is a passing one."""

    def run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """Return what the command prints; raise GitError when it fails."""
        done = self._spawn(arguments, stdin)
        if done.returncode:
            raise GitError(self._complaint(arguments, done))
        return done.stdout

    def holds(self, *arguments: str, stdin: bytes = b"") -> bool:
        """Say whether a command that answers by exit code 0 or 1 says yes; raise GitError on any other."""
        done = self._spawn(arguments, stdin)
        if done.returncode not in {0, 1}:
            raise GitError(self._complaint(arguments, done))
        return done.returncode == 0

    def _spawn(self, arguments: tuple[str, ...], stdin: bytes) -> subprocess.CompletedProcess[bytes]:
        command = [git_executable(), "--no-pager", f"--git-dir={self.git_dir}"]
        if self.work_tree is not None:
            command += [f"--work-tree={self.work_tree}", "-c", "core.bare=false"]
        for setting in _SETTINGS:
            command += ["-c", setting]
        user, group = self.owner or (None, None)
        return subprocess.run(
            [*command, *arguments],
            input=stdin,
            capture_output=True,
            check=False,
            cwd="/",
            env={"PATH": os.environ.get("PATH", os.defpath), **_ENVIRONMENT, **self.environment},
            user=user,
            group=group,
            extra_groups=None if user is None else [],
        )

    def _complaint(self, arguments: tuple[str, ...], done: subprocess.CompletedProcess[bytes]) -> str:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        telling = [line for line in lines if line.startswith(("fatal:", "error:"))] or lines[-1:]
        reason = telling[0] if telling else f"exit code {done.returncode}"
        name = str(self.name or self.git_dir)
        user = f" as user {self.owner[0]}" if self.owner else ""
        return f"git {arguments[0]} failed in {name}{user}: {reason.replace(str(self.git_dir), name)}"


def other_user(owner: Owner) -> Owner | None:
    """Return whom root must run as so that what it writes is this owner's; None is ourselves."""
    return owner if os.geteuid() == 0 and owner != (0, os.getegid()) else None


@lru_cache(maxsize=1)
def git_executable() -> str:
    """Find git once; raise PrerequisiteError when it is missing or too old."""
    executable = shutil.which("git")
    wanted = ".".join(map(str, OLDEST_GIT))
    if executable is None:
        raise PrerequisiteError(f"git is not on the PATH: install git {wanted} or newer")
    said = subprocess.run([executable, "version"], capture_output=True, check=False, text=True).stdout
    numbers = re.search(r"(\d+)\.(\d+)", said)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < OLDEST_GIT:
        raise PrerequisiteError(f"{executable} is {said.strip() or 'broken'}: install git {wanted} or newer")
    return executable


def signature(date: str) -> dict[str, str]:
    """Return the environment that makes us author and committer at a date, `<seconds> <zone>`."""
    values = {"NAME": "nightmend", "EMAIL": "nightmend@localhost", "DATE": date}
    roles = ("AUTHOR", "COMMITTER")
    return {f"GIT_{role}_{key}": value for role in roles for key, value in values.items()}
