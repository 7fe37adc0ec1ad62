"""A repository full of traps, and what a night does with it: read, diagnose, test, publish."""

import os
import subprocess
import sys
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nightmend.diagnosis.diagnosis import diagnose
from nightmend.git.store import Store
from nightmend.git.target import Target
from nightmend.night import Night
from nightmend.proof.suite import run_suite
from nightmend.settings import SandboxSettings
from nightmend.workspace import Workspace

MARK = """
try: open({place!r} + "/" + {name!r}, "w").close()
except OSError: pass
"""
TESTS = """
import pathlib
ROOT = pathlib.Path(__file__).parent

def test_began(): pass

def test_reads_the_credentials():
    assert "url" in (ROOT / ".git" / "config").read_text()

def test_plants_a_hook():
    (ROOT / ".git" / "hooks").mkdir(parents=True, exist_ok=True)
    (ROOT / ".git" / "hooks" / "planted").write_text("")
"""
PROJECT = """
[build-system]
requires = []
build-backend = "trap_backend"
backend-path = ["."]

[project]
name = "trapped"
version = "1"

[tool.pylint.main]
load-plugins = ["trap_pylint"]
init-hook = '''{init_hook}'''

[tool.mypy]
plugins = ["./trap_mypy.py"]
"""
PLUGIN = "def register(linter): pass\n"
MYPY = "from mypy.plugin import Plugin\ndef plugin(version): return Plugin\n"
GIT = {"HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "PATH": os.environ["PATH"]}
SECRET_URL = "https://user:token@host.invalid/repository"


@dataclass(frozen=True)
class Trapped:
    """The repository, its virtual environment, and the folder where a trap leaves its name as it goes off."""

    root: Path
    python: Path
    marks: Path

    def git(self, *arguments: str) -> None:
        """Run git as its user would."""
        user = ("-c", "user.name=A", "-c", "user.email=a@localhost")
        subprocess.run(["git", *user, *arguments], cwd=self.root, env=GIT, check=True, capture_output=True)

    def run(self, *command: str, env: Mapping[str, str] | None = None) -> None:
        """Run a tool in the repository as its user would, whatever comes of it."""
        subprocess.run(
            command, cwd=self.root, env={**os.environ, **(env or {})}, capture_output=True, check=False
        )

    def sprung(self) -> set[str]:
        """Return the traps that went off, and set them again."""
        found = {mark.name for mark in self.marks.iterdir()}
        for name in found:
            (self.marks / name).unlink()
        return found


def plant_traps(folder: Path) -> Trapped:
    """Make the repository and its environment below a folder."""
    root, marks = folder / "target", folder / "marks"
    marks.mkdir()
    marks.chmod(0o777)

    def mark(name: str) -> str:
        return MARK.format(place=str(marks), name=name)

    write(
        root,
        {
            "module.py": "import os\n\n\ndef f(x):\n    return x == None\n",
            "notes.txt": "notes\n",
            "conftest.py": mark("conftest"),
            "test_trap.py": TESTS,
            "setup.py": mark("setup.py"),
            "sitecustomize.py": mark("sitecustomize"),
            "trap_backend.py": mark("build-back-end"),
            "trap_pylint.py": mark("pylint-plugin") + PLUGIN,
            "trap_mypy.py": mark("mypy-plugin") + MYPY,
            "pyproject.toml": PROJECT.format(init_hook=mark("pylint-init-hook")),
            ".gitattributes": "*.txt filter=trap\n",
        },
    )
    trapped = Trapped(root, _environment(folder, mark), marks)
    trapped.git("init", "--quiet", "--initial-branch=main")
    trapped.git("add", "--all")
    trapped.git("commit", "--quiet", "-m", "first")
    _set_git_traps(trapped)
    return trapped


def _environment(folder: Path, mark: object) -> Path:
    """Make a virtual environment that sees pytest, and runs code of its own as it starts."""
    place = folder / "environment"
    venv.create(place, symlinks=True)
    packages = next(place.glob("lib/python*/site-packages"))
    (packages / "ours.pth").write_text("\n".join(p for p in sys.path if p.endswith("site-packages")) + "\n")
    (packages / "sitecustomize.py").write_text(mark("environment-sitecustomize"))  # type: ignore[operator]
    line = mark("environment-pth").strip().replace("\n", "\\n")  # type: ignore[operator]
    (packages / "trap.pth").write_text(f"import sys; exec('''{line}''')\n")
    return place / "bin" / "python"


def _set_git_traps(trapped: Trapped) -> None:
    hooks = trapped.root / ".git" / "hooks"
    scripts = dict.fromkeys(
        ("pre-commit", "reference-transaction", "post-checkout"), f"touch {trapped.marks}/git-hook"
    )
    scripts |= {"monitor": f"touch {trapped.marks}/git-fsmonitor; exit 1"}
    for name in ("clean", "smudge"):
        scripts[name] = f"touch {trapped.marks}/git-{name}; exec cat"
        trapped.git("config", f"filter.trap.{name}", str(hooks / name))
    hooks.mkdir(exist_ok=True)
    for name, body in scripts.items():
        (hooks / name).write_text(f"#!/bin/sh\n{body}\n")
        (hooks / name).chmod(0o755)
    trapped.git("config", "core.fsmonitor", str(hooks / "monitor"))
    trapped.git("config", "remote.origin.url", SECRET_URL)


@dataclass(frozen=True)
class Passed:
    """What a night did with the repository."""

    trapped: Trapped
    sprung: set[str]
    failures: dict[str, str]
    outcomes: dict[str, str]
    prefix: str
    hooks: set[str]
    """In the target's git directory, after."""


def pass_through(backend: str, folder: Path) -> Passed:
    """Take a trapped repository through all that a night does with one, in sandboxes of a back end."""
    trapped = plant_traps(folder)
    trapped.sprung()
    target = Target.open(trapped.root)
    store = Store(folder / "first.git", target)
    night = Night(
        run="test", target=str(trapped.root), home=str(folder / "home"), base_commit=target.head(),
        base=store.snapshot(target.head()), profile="ratchet", python=str(trapped.python),
        sandbox=SandboxSettings.model_validate({"base_directory": folder / "boxes", "back_end": backend}),
    )  # fmt: skip
    workspace = Workspace(night)
    target.clean()
    diagnosis = diagnose(workspace, night.base)
    suite = run_suite(workspace, night.base)
    changed = workspace.store.write(night.base, {"notes.txt": b"other\n", "module.py": b"import os\n"})
    workspace.checkout(changed)
    commit = workspace.store.commit(changed, target.head(), "Mend")
    workspace.store.publish(target, "nightmend/first", commit)
    return Passed(
        trapped=trapped,
        sprung=trapped.sprung(),
        failures=diagnosis.tool_failures,
        outcomes=dict(suite.outcomes),
        prefix=workspace.interpreter.prefix,
        hooks={hook.name for hook in (trapped.root / ".git" / "hooks").iterdir()},
    )


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write files below a folder."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
