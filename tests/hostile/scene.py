"""Where one check happens: a folder of its own, a secret word, and sandboxes of one back end."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nightmend.sandboxes.owner import sandbox_owner
from nightmend.sandboxes.protocol import CommandResult, Sandbox
from nightmend.settings import Limits
from tests.hostile.trapped import Passed, write
from tests.nightmend.sandboxes.conftest import PYTHON, Make, give

HARNESS = """
import json, os, sys, types
given, attack = json.load(sys.stdin)
given = types.SimpleNamespace(**given)
print("began", flush=True)
try:
    exec(compile(attack, "attack", "exec"))
except BaseException as error:
    print("refused:", *(kind.__name__ for kind in type(error).__mro__), error, flush=True)
else:
    print("worked", flush=True)
"""
"""An attack is a program that raises when it is held off; around it, what tells how it ended."""


@dataclass(frozen=True)
class Outcome:
    """How an attack ended, and all that it printed."""

    said: str
    code: int
    limit: str | None = None
    seconds: float = 0

    @property
    def began(self) -> bool:
        """Whether the program ran at all."""
        return self.said.startswith("began\n")

    @property
    def worked(self) -> bool:
        """Whether the attack came to its end."""
        return "\nworked\n" in self.said

    @property
    def refused(self) -> str:
        """Return the kinds of error, and its text, that held the attack off; empty where none did."""
        return self.said.partition("\nrefused: ")[2].strip()


@dataclass
class Scene:
    """One check's surroundings on the host."""

    folder: Path
    token: str
    backend: str
    make: Make
    night: Callable[[], Passed]
    """What a night did with a repository full of traps; one for all checks of a back end."""
    given: dict[str, object] = field(default_factory=dict)
    """What the program is told; both times the same."""
    spec: dict[str, object] = field(default_factory=dict)
    """What the sandbox is made with."""

    def secret(self, name: str = "secret") -> Path:
        """Plant a file that everyone may read and write, with the token in it."""
        file = self.open_folder("open") / name
        file.write_text(self.token)
        file.chmod(0o666)
        return file

    def open_folder(self, name: str) -> Path:
        """Plant a folder that every user of the machine can reach and write."""
        place = self.folder / name
        place.mkdir(exist_ok=True)
        place.chmod(0o777)
        return place

    def tree(self, files: Mapping[str, str]) -> Path:
        """Plant a base layer."""
        folder = self.folder / "lower"
        write(folder, files)
        give(folder)
        self.spec["lower"] = str(folder)
        return folder

    def outside(
        self,
        program: str,
        *,
        cwd: Path | None = None,
        as_sandbox: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Run the program unprotected: as ourselves, with what our children inherit."""
        owner = sandbox_owner() if as_sandbox else None
        done = subprocess.run(
            [python_for_all() if owner else sys.executable, *self._words()],
            input=self._told(program),
            cwd=cwd or self.open_folder("elsewhere"),
            env={**os.environ, **(env or {})},
            user=owner and owner[0],
            group=owner and owner[1],
            extra_groups=[] if owner else None,
            close_fds=False,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return Outcome((done.stdout + done.stderr).decode(errors="replace"), done.returncode)

    def inside(self, program: str, limits: Limits | None = None, box: Sandbox | None = None) -> Outcome:
        """Run the program in a sandbox of the back end."""
        stdin = self._told(program)
        return outcome((box or self.box()).run([PYTHON, *self._words()], limits=limits, stdin=stdin))

    def box(self) -> Sandbox:
        """Make a sandbox as the check wants it."""
        return self.make(**self.spec)

    @property
    def mark(self) -> str:
        """Stands on the command line of every attack, and tells what of it is left."""
        return f"mark-{self.token[::-1]}"

    def _words(self) -> Iterable[str]:
        return ("-I", "-S", "-c", HARNESS, self.mark)

    def _told(self, program: str) -> bytes:
        """What the program knows comes by a pipe: on its command line it could take that for a leak."""
        return json.dumps([self.given, program]).encode()


def python_for_all() -> str:
    """Return a Python that every user of the machine can start."""
    ours = Path(PYTHON)
    if all(folder.stat().st_mode & 0o001 for folder in (ours, *ours.parents)):
        return PYTHON
    return shutil.which("python3", path="/usr/local/bin:/usr/bin") or PYTHON


def outcome(result: CommandResult) -> Outcome:
    """Tell what came of a command."""
    said = (result.stdout + result.stderr).decode(errors="replace")
    return Outcome(said, result.return_code, result.limit, result.wall_seconds)
