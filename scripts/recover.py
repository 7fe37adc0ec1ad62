"""What `make recover` runs: `python scripts/recover.py [TARGET] [OPTION ...]`.

Without a target it recovers the example, in a repository of its own under the state folder.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from nightmend.errors import NightmendError
from nightmend.git.runner import git_executable
from nightmend.home import state_folder

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
LEFT_OUT = shutil.ignore_patterns("__pycache__", ".*_cache", "*.egg-info", "build", "outbox")

MOVED = {
    "docs/start.md": "docs/guide/getting-started.md",
    "docs/agents.md": "docs/guide/agents.md",
    "docs/pipeline.md": "docs/guide/pipeline.md",
    "docs/forecast.md": "docs/guide/forecasting.md",
    "docs/run.md": "docs/operations/running.md",
    "docs/backfill.md": "docs/operations/backfill.md",
    "docs/alerts.md": "docs/operations/alerts.md",
    "docs/settings.md": "docs/reference/settings.md",
    "docs/csv.rst": "docs/reference/csv-formats.rst",
    "docs/model_file.rst": "docs/reference/model-file.rst",
    "docs/pipeline.svg": "docs/images/pipeline.svg",
}
"""Where the documents of the example were before they moved; its links still say so."""

COMMITS = (
    ("Read and clean the sales of the shops", ("pipeline", "data", "pyproject.toml", ".gitignore")),
    ("Forecast the next week with a ridge regression", ("models",)),
    ("Let agents do the work of a night", ("agents", "tests")),
    ("Write down how it all works", (".",)),
)
FIRST_COMMIT = 1_746_090_000
DAY = 86_400


def example_repository(home: Path) -> Path:
    """Return the repository of the example as it now is; it is made once and then used again."""
    folder = home / "examples" / f"agent-service-{_digest()}"
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".new-") as temporary:
        work = Path(temporary) / "agent-service"
        shutil.copytree(EXAMPLES, work, ignore=LEFT_OUT)
        _tell_history(work)
        try:
            work.rename(folder)
        except OSError:  # another run was faster
            if not folder.exists():
                raise
    return folder


def _digest() -> str:
    """Name the content of the example and of its history."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for folder, folders, names in os.walk(EXAMPLES):
        ignored = LEFT_OUT(folder, [*folders, *names])
        folders[:] = sorted(set(folders) - ignored)
        for name in sorted(set(names) - ignored):
            path = Path(folder) / name
            digest.update(f"{path.relative_to(EXAMPLES)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:8]


def _tell_history(work: Path) -> None:
    """Commit the example in steps, the move of its documents last, so that history knows about it."""
    _git(work, 0, "init", "--quiet", "--initial-branch=main", "--template=")
    for old, new in MOVED.items():
        (work / new).rename(work / old)
    for number, (message, paths) in enumerate(COMMITS):
        _git(work, number, "add", "--", *paths)
        _git(work, number, "commit", "--quiet", "-m", message)
    for old, new in MOVED.items():
        (work / old).rename(work / new)
    _git(work, len(COMMITS), "add", "--all")
    _git(work, len(COMMITS), "commit", "--quiet", "-m", "Sort the documents into folders")


def _git(work: Path, number: int, *arguments: str) -> None:
    """Run git as nobody in particular, at a fixed time: the same example has the same commits."""
    date = f"{FIRST_COMMIT + number * DAY} +0000"
    settings = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "PATH": os.environ["PATH"]}
    for role in ("AUTHOR", "COMMITTER"):
        settings |= {f"GIT_{role}_NAME": "The shop team", f"GIT_{role}_EMAIL": "team@example.org"}
        settings[f"GIT_{role}_DATE"] = date
    subprocess.run([git_executable(), *arguments], cwd=work, env=settings, check=True)


def main(arguments: list[str]) -> None:
    """Become `nightmend recover`, so that signals and the exit code are its own."""
    if not arguments or arguments[0].startswith("-"):
        repository = example_repository(state_folder())
        print(f"recovering the example in {repository}", flush=True)
        arguments = [str(repository), *arguments]
    nightmend = str(Path(sys.executable).with_name("nightmend"))
    os.execv(nightmend, [nightmend, "recover", *arguments])  # noqa: S606 -- no shell is wanted


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except NightmendError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
