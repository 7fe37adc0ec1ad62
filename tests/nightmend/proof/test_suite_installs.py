"""Whatever the environment holds, the tests import the snapshot's code: what the night is judged by."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

from nightmend.proof.plan import plan_suite
from nightmend.proof.suite import run_suite
from nightmend.workspace import Workspace

pytestmark = pytest.mark.integration

BACK_ENDS = {
    "setuptools": ("setuptools.build_meta", ["setuptools>=64"], ["setuptools"], ""),
    "hatchling": ("hatchling.build", ["hatchling"], ["hatchling", "editables"], ""),
    "scikit-build-core": (
        "scikit_build_core.build",
        ["scikit-build-core"],
        ["scikit_build_core"],
        "[tool.scikit-build]\nwheel.cmake = false\n",
    ),
}
TESTS = """
import subprocess
import sys

from shapely_like.areas import square


def test_value():
    assert square(3) == 9


def test_child():
    code = "from shapely_like.areas import square; print(square(4))"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True)
    assert done.stdout == "16\\n"
"""
WRONG = "def square(side):\n    return side\n"
RIGHT = b"def square(side):\n    return side * side\n"
"""Laid over the wrong one: whoever runs anything but the work layer fails."""


def files(layout: str, back_end: str) -> dict[str, str]:
    build, requires, _, more = BACK_ENDS[back_end]
    root = "src/" if layout == "src" else ""
    find = f'[tool.setuptools.packages.find]\nwhere = ["{root or "."}"]\ninclude = ["shapely_like*"]\n'
    return {
        "pyproject.toml": f'[build-system]\nrequires = {requires}\nbuild-backend = "{build}"\n'
        f'[project]\nname = "shapely-like"\nversion = "1"\n{find if back_end == "setuptools" else ""}{more}',
        f"{root}shapely_like/__init__.py": "",
        f"{root}shapely_like/areas.py": WRONG,
        "tests/test_areas.py": TESTS,
    }


def available(back_end: str) -> None:
    for module in BACK_ENDS[back_end][2]:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed beside our tests, so {back_end} cannot build here")
    if back_end == "setuptools" and importlib.util.find_spec("setuptools.command.bdist_wheel") is None:
        pytest.skip("setuptools is older than 70.1 and cannot build wheels by itself")


def run_changed(workspace: Workspace, layout: str) -> dict[str, str]:
    path = f"{'src/' if layout == 'src' else ''}shapely_like/areas.py"
    run = run_suite(workspace, workspace.night.base, changes={path: RIGHT}, coverage=True)
    assert run.usable, run.reason
    assert run.reason == ""
    assert run.spectrum.reached[path] == (1, 2)
    return {name.partition("::")[2]: outcome for name, outcome in run.outcomes.items()}


@pytest.mark.parametrize("layout", ["flat", "src"])
@pytest.mark.parametrize("back_end", BACK_ENDS)
@pytest.mark.parametrize("options", [("--editable",), ()], ids=["editable", "copy"])
def test_an_install_does_not_hide_the_snapshot(
    back_end: str,
    layout: str,
    options: tuple[str, ...],
    make_target: Callable[[dict[str, str]], Path],
    make_environment: Callable[[], Path],
    install: Callable[..., None],
    open_workspace: Callable[..., Workspace],
) -> None:
    available(back_end)
    root = make_target(files(layout, back_end))
    python = make_environment()
    install(python, root, *options)
    workspace = open_workspace(root, python)
    assert run_changed(workspace, layout) == {"test_value": "passed", "test_child": "passed"}


@pytest.mark.parametrize("layout", ["flat", "src"])
def test_a_target_that_is_not_installed_is_found_in_its_tree(
    layout: str,
    make_target: Callable[[dict[str, str]], Path],
    make_environment: Callable[[], Path],
    open_workspace: Callable[..., Workspace],
) -> None:
    workspace = open_workspace(make_target(files(layout, "setuptools")), make_environment())
    assert run_changed(workspace, layout) == {"test_value": "passed", "test_child": "failed"}


def test_a_copy_with_modules_of_an_earlier_release_is_covered_all_the_same(
    make_target: Callable[[dict[str, str]], Path],
    make_environment: Callable[[], Path],
    install: Callable[..., None],
    open_workspace: Callable[..., Workspace],
) -> None:
    root = make_target({**files("flat", "setuptools"), ".gitignore": "version.py\n"})
    python = make_environment()
    install(python, root)
    (place,) = python.parent.parent.glob("lib/python*/site-packages/shapely_like")
    (place / "version.py").write_text("made by a build\n")
    (place / "left_over.py").write_text("gone from the snapshot\n")
    workspace = open_workspace(root, python)
    assert run_changed(workspace, "flat") == {"test_value": "passed", "test_child": "passed"}
    assert list(plan_suite(workspace, workspace.night.base).copies) == [str(place)]


@pytest.mark.parametrize(("root", "name"), [("", "nightmend"), ("src/", "tasks")])
def test_a_package_whose_name_another_distribution_has_is_the_targets_own(
    root: str,
    name: str,
    make_target: Callable[[dict[str, str]], Path],
    make_environment: Callable[[], Path],
    open_workspace: Callable[..., Workspace],
) -> None:
    python = make_environment()
    (site,) = python.parent.parent.glob("lib/python*/site-packages")
    (site / name).mkdir()
    for module in ("__init__", "other"):
        (site / name / f"{module}.py").write_text("raise ImportError('this one is not asked for')\n")
    source = f"from {name}.mine import two\n\n\ndef test_two():\n    assert two == 2\n"
    modules = ("__init__", "mine", "more", "most")
    ours = {f"{root}{name}/{module}.py": f"two = 2  # {module}\n" for module in modules}
    workspace = open_workspace(make_target({**ours, "tests/test_it.py": source}), python)
    run = run_suite(workspace, workspace.night.base)
    assert (run.usable, run.reason) == (True, "")
    assert run.outcomes == {"tests/test_it.py::test_two": "passed"}
