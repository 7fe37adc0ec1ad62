"""The rules of the house hold: imports go down, the engine is pure, and our own code passes our own tools."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("deployments", "flows", "tasks", "blocks", "nightmend")
BIN = Path(sys.executable).parent

WATCHED_IMPORT = """
import importlib, json, sys
DEEDS = {
    "subprocess.Popen", "os.exec", "os.fork", "os.posix_spawn", "os.system", "socket.connect", "os.mkdir",
    "os.remove", "os.rename", "os.chdir", "os.putenv", "shutil.rmtree", "tempfile.mkdtemp",
}
done = []
def watch(event, arguments):
    writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if event in DEEDS or writes:
        done.append(f"{event} {arguments!r}")
sys.addaudithook(watch)
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps({"loaded": sorted(sys.modules), "done": done}))
"""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_imports_go_down_only_and_only_a_download_knows_a_network() -> None:
    done = run(str(BIN / "lint-imports"), "--no-cache")
    assert done.returncode == 0, done.stdout
    assert "3 kept, 0 broken" in done.stdout


@pytest.fixture(scope="module")
def imported() -> dict[str, list[str]]:
    """What an import of the whole engine loads, and what it does besides reading code."""
    modules = [
        str(path.relative_to(ROOT).with_suffix("")).replace("/", ".").removesuffix(".__init__")
        for path in (ROOT / "nightmend").rglob("*.py")
        if "inside" not in path.parts and path.name != "env.py"  # Alembic's, which runs where it migrates
    ]
    done = run(sys.executable, "-B", "-c", WATCHED_IMPORT, *modules)
    assert done.returncode == 0, done.stderr
    answer: dict[str, list[str]] = json.loads(done.stdout)
    assert set(modules) <= set(answer["loaded"])
    return answer


def test_importing_the_whole_engine_loads_neither_prefect_nor_dask(imported: dict[str, list[str]]) -> None:
    foreign = {"prefect", "prefect_dask", "dask", "distributed", *ROOMS} - {"nightmend"}
    assert foreign & {name.split(".")[0] for name in imported["loaded"]} == set()


def test_importing_the_engine_does_no_work(imported: dict[str, list[str]]) -> None:
    assert imported["done"] == []


def test_init_files_are_empty() -> None:
    assert [path for room in ROOMS for path in (ROOT / room).rglob("__init__.py") if path.read_bytes()] == []


def test_ruff_has_nothing_to_say() -> None:
    done = run(str(BIN / "ruff"), "check", ".")
    assert done.returncode == 0, done.stdout


def test_what_is_written_is_formatted() -> None:
    done = run(str(BIN / "ruff"), "format", "--check", *ROOMS)
    assert done.returncode == 0, done.stdout


@pytest.mark.night  # a cold cache costs 15 s
def test_mypy_strict_has_nothing_to_say() -> None:
    done = run(str(BIN / "mypy"))
    assert done.returncode == 0, done.stdout
