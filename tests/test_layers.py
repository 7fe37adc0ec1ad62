"""The rules of the house hold: imports go down, the engine is pure, and our own code passes our own tools."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("flows", "tasks", "blocks", "nightmend")
BIN = Path(sys.executable).parent


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_imports_go_down_only_and_the_engine_knows_neither_prefect_nor_dask() -> None:
    done = run(str(BIN / "lint-imports"), "--no-cache")
    assert done.returncode == 0, done.stdout
    assert "2 kept, 0 broken" in done.stdout


def test_importing_the_whole_engine_loads_neither_prefect_nor_dask() -> None:
    modules = [
        str(path.relative_to(ROOT).with_suffix("")).replace("/", ".")
        for path in (ROOT / "nightmend").rglob("*.py")
        if "inside" not in path.parts
    ]
    load = f"[importlib.import_module(name) for name in {modules!r}]"
    code = f"import importlib, sys; {load}; print(sorted(sys.modules))"
    done = run(sys.executable, "-c", code)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.replace("'", "").strip("[]\n").split(", "))
    assert "nightmend.settle" in loaded
    assert not {"prefect", "dask", "distributed"} & loaded


def test_init_files_are_empty() -> None:
    assert [path for room in ROOMS for path in (ROOT / room).rglob("__init__.py") if path.read_bytes()] == []


def test_ruff_has_nothing_to_say() -> None:
    done = run(str(BIN / "ruff"), "check", ".")
    assert done.returncode == 0, done.stdout


def test_mypy_strict_has_nothing_to_say() -> None:
    done = run(str(BIN / "mypy"))
    assert done.returncode == 0, done.stdout
