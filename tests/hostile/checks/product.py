"""Code of a target that runs as a side effect: of being read, linted, checked out, tested, published.

One night goes through one repository that has all these traps; each is first shown to go off where its
user's own tools are used.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nightmend.git.store import Store
from nightmend.git.target import Target
from nightmend.night import Night
from nightmend.proof.suite import run_suite
from nightmend.settings import SandboxSettings
from nightmend.workspace import Workspace
from tests.hostile.check import Check
from tests.hostile.scene import Scene
from tests.hostile.trapped import Trapped, plant_traps, write

Act = Callable[[Trapped], None]


def trap(name: str, tries: str, act: Act, evidence: Callable[[Scene], bool], **options: object) -> Check:
    """Make a check of one trap: `act` is what a user's own tool does, `evidence` that ours came by it."""

    def prove(scene: Scene) -> bool:
        trapped = plant_traps(scene.folder)
        trapped.sprung()
        act(trapped)
        return name in trapped.sprung()

    def attack(scene: Scene) -> None:
        passed = scene.night()
        assert evidence(scene), passed
        assert name not in passed.sprung

    holds = "nothing of it runs outside of a sandbox"
    return Check(name, tries, holds, prove, attack, **options)  # type: ignore[arg-type]


def python(*arguments: str) -> Act:
    return lambda trapped: trapped.run(sys.executable, *arguments)


def environment(trapped: Trapped) -> None:
    trapped.run(str(trapped.python), "-c", "pass")


def search_path(trapped: Trapped) -> None:
    trapped.run(sys.executable, "-c", "pass", env={"PYTHONPATH": str(trapped.root)})


def lint(trapped: Trapped) -> None:
    trapped.run(sys.executable, "-m", "pylint", "module.py", env={"PYTHONPATH": str(trapped.root)})


def commit(trapped: Trapped) -> None:
    trapped.git("commit", "--quiet", "--allow-empty", "-m", "second")


def stage(trapped: Trapped) -> None:
    (trapped.root / "notes.txt").write_text("changed\n")
    trapped.git("add", "notes.txt")


def check_out(trapped: Trapped) -> None:
    (trapped.root / "notes.txt").unlink()
    trapped.git("checkout", "--", "notes.txt")


def status(trapped: Trapped) -> None:
    trapped.git("status")


def tested(scene: Scene) -> bool:
    return scene.night().outcomes.get("test_trap.py::test_began") == "passed"


def diagnosed(scene: Scene) -> bool:
    return not {"pylint", "mypy"} & scene.night().failures.keys()


def asked(scene: Scene) -> bool:
    return scene.night().prefix == str(scene.night().trapped.python.parents[1]) and tested(scene)


def published(scene: Scene) -> bool:
    root = scene.night().trapped.root
    return "nightmend/first" in subprocess.check_output(["git", "branch", "--list"], cwd=root, text=True)


def outside_tests(scene: Scene) -> dict[str, bool]:
    """Run the trapped repository's tests as its user would; return which passed."""
    trapped = plant_traps(scene.folder)
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "test_trap.py"]
    done = subprocess.run(command, cwd=trapped.root, capture_output=True, text=True, check=False)
    planted = (trapped.root / ".git" / "hooks" / "planted").exists()
    return {"read": "PASSED test_trap.py::test_reads_the_credentials" in done.stdout, "planted": planted}


def reads_no_credentials(scene: Scene) -> None:
    assert tested(scene)
    assert scene.night().outcomes["test_trap.py::test_reads_the_credentials"] == "failed"


def plants_no_hook(scene: Scene) -> None:
    assert scene.night().outcomes["test_trap.py::test_plants_a_hook"] == "passed"
    assert "planted" not in scene.night().hooks


DELETE = """
import os, pathlib, shutil
KEPT = {{"conftest.py", "test_all.py", ".nightmend-run", ".git"}}
for root in {roots!r}:
    for folder, names, files in os.walk(root, topdown=False):
        for name in (*files, *names):
            place = os.path.join(folder, name)
            if not KEPT & set(pathlib.Path(place).parts):
                try: (os.rmdir if os.path.isdir(place) else os.unlink)(place)
                except OSError: continue
"""
GONE = "import os\ndef test_gone(): assert not os.path.exists(os.path.dirname(__file__) + '/code.py')\n"


@contextmanager
def destructive(scene: Scene) -> Iterator[None]:
    """Plant a home, and a target whose tests delete that, the target and every folder of the night."""
    roots = [str(scene.folder / name) for name in ("target", "private", "home", "boxes", "first.git")]
    files = {"conftest.py": DELETE.format(roots=roots), "test_all.py": GONE, "code.py": "code = 1\n"}
    write(scene.folder / "target", files)
    write(scene.folder / "private", {"letter": "dear"})
    root = scene.folder / "target"
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "first"]):
        user = ("-c", "user.name=A", "-c", "user.email=a@localhost")
        subprocess.run(["git", *user, *command], cwd=root, check=True)
    yield


def deletes(scene: Scene) -> bool:
    """The user's own pytest run loses files of the target, and others of its user."""
    kept = scene.folder / "kept"
    for name in ("target", "private"):
        shutil.copytree(scene.folder / name, kept / name)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    subprocess.run(command, cwd=scene.folder / "target", capture_output=True, check=False)
    lost = (
        not (scene.folder / "private" / "letter").exists()
        and not (scene.folder / "target" / "code.py").exists()
    )
    for name in ("target", "private"):
        shutil.rmtree(scene.folder / name)
        shutil.copytree(kept / name, scene.folder / name)
    return lost


def deletes_only_its_own(scene: Scene) -> None:
    root = scene.folder / "target"
    target = Target.open(root)
    base = Store(scene.folder / "first.git", target).snapshot(target.head())
    night = Night(
        run="test", target=str(root), home=str(scene.folder / "home"), base_commit=target.head(), base=base,
        profile="ratchet", python=sys.executable,
        sandbox=SandboxSettings.model_validate(
            {"base_directory": scene.folder / "boxes", "back_end": scene.backend}
        ),
    )  # fmt: skip
    workspace = Workspace(night)
    suite = run_suite(workspace, base)
    assert suite.outcomes == {"test_all.py::test_gone": "passed"}, suite
    assert (scene.folder / "private" / "letter").read_text() == "dear"
    for place in (root, workspace.checkout(base)):
        assert (Path(place) / "code.py").read_text() == "code = 1\n"
    assert workspace.store.read(base, "code.py") == b"code = 1\n"


def has_its_own() -> bool:
    command = [sys.executable, "-I", "-S", "-c", "import sitecustomize"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


PIP = ("-m", "pip", "install", "--no-index", "--no-build-isolation", "--no-deps", "--dry-run", ".")
CHECKS = (
    Check(
        "deleting-everything",
        "has tests that delete the target, the night's own folders and the home of its user",
        "only the sandbox's own copy is lost",
        deletes,
        deletes_only_its_own,
        plant=destructive,
    ),
    trap("conftest", "runs code as its tests are collected", python("-m", "pytest", "-q", "."), tested),
    trap("setup.py", "runs code as it is installed", python("setup.py"), tested),
    trap("build-back-end", "builds itself with a back end of its own", python(*PIP), tested),
    trap("sitecustomize", "lies where Python looks for its start (`sitecustomize`)", search_path, tested),
    trap(
        "environment-sitecustomize",
        "has that in its virtual environment",
        environment,
        asked,
        cannot=lambda: "this Python brings one that comes first" if has_its_own() else "",
    ),
    trap("environment-pth", "has a `.pth` file with code in its virtual environment", environment, asked),
    trap("pylint-plugin", "configures a pylint plugin", lint, diagnosed),
    trap(
        "pylint-init-hook", "configures pylint's `init-hook`", python("-m", "pylint", "module.py"), diagnosed
    ),
    trap("mypy-plugin", "configures a mypy plugin", python("-m", "mypy", "module.py"), diagnosed),
    trap("git-hook", "has git hooks", commit, published),
    trap("git-clean", "has git filter what is staged", stage, published),
    trap("git-smudge", "has git filter what is checked out", check_out, published),
    trap("git-fsmonitor", "has git ask a program what has changed", status, published),
    Check(
        "git-credentials",
        "reads a password in the target's `.git/config`",
        "there is no `.git` inside",
        lambda scene: outside_tests(scene)["read"],
        reads_no_credentials,
    ),
    Check(
        "git-directory",
        "plants a hook in the target's `.git`",
        "the target's `.git` has none",
        lambda scene: outside_tests(scene)["planted"],
        plants_no_hook,
    ),
)
