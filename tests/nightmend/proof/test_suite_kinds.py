"""Suites of all kinds, each on a small target with the real plugins: what runs, and by which ids."""

import subprocess
import sys
import venv
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from nightmend.proof.baseline import Baseline, establish_baseline
from nightmend.proof.suite import run_suite
from nightmend.workspace import Workspace

pytestmark = pytest.mark.integration

PLUGINS = (
    "pytest",
    "pytest-xdist",
    "pytest-randomly",
    "pytest-asyncio",
    "pytest-order",
    "pytest-django",
    "django",
)


def installed(folder: Path, *packages: str) -> Path:
    """Make a virtual environment with packages of the user's index; skip where they cannot be had."""
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    command = [sys.executable, "-m", "pip", f"--python={python}", "install", "--quiet", *packages]
    command += ["--only-binary=:all:", "--disable-pip-version-check", "--retries=1", "--timeout=10"]
    try:
        subprocess.run(command, capture_output=True, text=True, check=True, cwd="/", timeout=300)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"pip cannot install {', '.join(packages)} here: {error.stderr.strip()[-200:]}")
    except subprocess.TimeoutExpired:
        pytest.skip(f"pip did not install {', '.join(packages)} within five minutes")
    return python


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the plugins, none of them ours."""
    return installed(tmp_path_factory.mktemp("plugins") / "environment", *PLUGINS)


@pytest.fixture
def begin(
    make_target: Callable[[Mapping[str, str]], Path], open_workspace: Callable[..., Workspace], python: Path
) -> Callable[..., tuple[Workspace, Baseline]]:
    def established(files: Mapping[str, str], seed: int = 1) -> tuple[Workspace, Baseline]:
        workspace = open_workspace(make_target(files), python)
        return workspace, establish_baseline(workspace, workspace.night.base, seed)

    return established


def outcomes(baseline: Baseline) -> dict[str, str]:
    assert baseline.suite.usable, baseline.suite.reason
    assert (baseline.suite.reason, baseline.quarantined, baseline.runs) == ("", (), 2)
    return dict(baseline.suite.outcomes)


LIB = "def double(number):\n    return 2 * number\n"


def test_xdist_that_the_configuration_asks_for_is_one_process(begin) -> None:
    files = {
        "pytest.ini": "[pytest]\naddopts = -n auto --dist loadgroup --maxprocesses=3 -ra\n",
        "lib.py": LIB,
        "test_lib.py": "import pytest\nimport lib\n\n\n@pytest.mark.xdist_group('one')\n"
        "def test_double(worker_id):\n    assert (worker_id, lib.double(2)) == ('master', 4)\n",
    }
    _, baseline = begin(files)
    assert outcomes(baseline) == {"test_lib.py::test_double": "passed"}
    assert baseline.suite.spectrum.reached["lib.py"] == (1, 2)


@pytest.mark.parametrize(("addopts", "seed"), [("", 0), ("--randomly-seed=77 -p no:cacheprovider", 77)])
def test_randomly_seeds_each_test_alike_and_the_order_is_ours(begin, addopts: str, seed: int) -> None:
    files = {f"test_{name}.py": f"def test_{name}():\n    pass\n" for name in "abcdef"}
    files["test_z.py"] = "import random\n\n\ndef test_draws():\n    assert False, random.random()\n"
    workspace, baseline = begin({**files, "pytest.ini": f"[pytest]\naddopts = {addopts}\n"})
    assert baseline.random_seed == seed
    assert list(baseline.suite.outcomes) == sorted(baseline.suite.outcomes)
    drawn = baseline.suite.messages["test_z.py::test_draws"]
    for order in (2, 3):
        run = run_suite(workspace, workspace.night.base, order=order, hash_seed=order)
        assert run.messages["test_z.py::test_draws"] == drawn
        assert list(run.outcomes) != sorted(run.outcomes)


def test_randomly_that_the_target_switches_off_stays_off(begin) -> None:
    source = "import sys\n\n\ndef test_off(request):\n"
    source += "    assert not request.config.pluginmanager.hasplugin('randomly')\n"
    _, baseline = begin({"pytest.ini": "[pytest]\naddopts = -p no:randomly\n", "test_a.py": source})
    assert outcomes(baseline) == {"test_a.py::test_off": "passed"}
    assert baseline.random_seed is None


def test_the_order_that_pytest_order_asks_for_holds_in_every_order(begin) -> None:
    step = "import pytest\nimport state\n\n\n@pytest.mark.order({0})\ndef test_{0}():\n"
    step += "    state.STEPS.append({0})\n    assert state.STEPS == list(range(1, {0} + 1))\n"
    files = {"state.py": "STEPS = []\n", "test_z.py": step.format(1), "test_a.py": step.format(2)}
    workspace, baseline = begin({**files, "test_m.py": step.format(3)})
    ids = ["test_z.py::test_1", "test_a.py::test_2", "test_m.py::test_3"]
    assert outcomes(baseline) == dict.fromkeys(ids, "passed")
    for seed in (2, 3, 4):
        assert list(run_suite(workspace, workspace.night.base, order=seed).outcomes) == ids


@pytest.mark.parametrize("mode", ["auto", "strict"])
def test_asyncio_tests_run_and_reach_their_lines(begin, mode: str) -> None:
    mark = "@pytest.mark.asyncio\n" if mode == "strict" else ""
    files = {
        "pytest.ini": f"[pytest]\nasyncio_mode = {mode}\n",
        "lib.py": "import asyncio\n\n\nasync def double(number):\n    await asyncio.sleep(0)\n"
        "    return 2 * number\n",
        "test_lib.py": f"import pytest\nimport lib\n\n\n{mark}async def test_double():\n"
        "    assert await lib.double(2) == 4\n",
    }
    _, baseline = begin(files)
    assert outcomes(baseline) == {"test_lib.py::test_double": "passed"}
    spectrum = baseline.suite.spectrum
    assert spectrum.named(spectrum.running("lib.py", 6, 6)) == {"test_lib.py::test_double"}


DJANGO = {
    "manage.py": "import os\nimport sys\n\nif __name__ == '__main__':\n"
    "    os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site_of.settings')\n"
    "    from django.core.management import execute_from_command_line\n\n"
    "    execute_from_command_line(sys.argv)\n",
    "site_of/__init__.py": "",
    "site_of/settings.py": "SECRET_KEY = 'x'\nINSTALLED_APPS = ['shop']\nUSE_TZ = True\n"
    "DEFAULT_AUTO_FIELD = 'django.db.models.BigAutoField'\n"
    "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': 'db.sqlite3'}}\n",
    "shop/__init__.py": "",
    "shop/models.py": "from django.db import models\n\n\nclass Item(models.Model):\n"
    "    price = models.IntegerField()\n\n    def twice(self):\n        return 2 * self.price\n",
    "shop/migrations/__init__.py": "",
    "shop/migrations/0001_initial.py": "from django.db import migrations, models\n\n\n"
    "class Migration(migrations.Migration):\n    operations = [migrations.CreateModel('Item', "
    "[('id', models.BigAutoField(primary_key=True)), ('price', models.IntegerField())])]\n",
    "shop/tests.py": "from django.test import TestCase, TransactionTestCase\n\n"
    "from shop.models import Item\n\n\n"
    "class Committed(TransactionTestCase):\n    def test_many(self):\n"
    "        Item.objects.create(price=1)\n        assert Item.objects.count() == 1\n\n\n"
    "class Prices(TestCase):\n    @classmethod\n    def setUpTestData(cls):\n"
    "        cls.item = Item.objects.create(price=2)\n\n    def test_twice(self):\n"
    "        assert Item.objects.get().twice() == 4\n\n    def test_gone(self):\n"
    "        Item.objects.all().delete()\n        assert not Item.objects.exists()\n",
}
DJANGO_TESTS = ["Prices::test_twice", "Prices::test_gone", "Committed::test_many"]


def test_django_with_its_plugin_keeps_its_order_of_kinds(begin) -> None:
    settings = "[pytest]\nDJANGO_SETTINGS_MODULE = site_of.settings\npython_files = tests.py\n"
    workspace, baseline = begin({**DJANGO, "pytest.ini": settings})
    assert outcomes(baseline) == {f"shop/tests.py::{name}": "passed" for name in DJANGO_TESTS}
    spectrum = baseline.suite.spectrum
    assert spectrum.named(spectrum.running("shop/models.py", 8, 8)) == {"shop/tests.py::Prices::test_twice"}
    for seed in (2, 3):
        assert list(run_suite(workspace, workspace.night.base, order=seed).outcomes)[2].endswith("test_many")


def test_each_doctest_is_a_test(begin) -> None:
    lib = 'def double(number):\n    """Double.\n\n    >>> double(2)\n    4\n    """\n    return 2 * number\n'
    lib += '\n\ndef wrong():\n    """Be wrong.\n\n    >>> wrong()\n    1\n    """\n    return 2\n'
    files = {
        "pytest.ini": "[pytest]\naddopts = --doctest-modules --doctest-glob=*.md\n",
        "pkg/__init__.py": "",
        "pkg/lib.py": lib,
        "README.md": "```\n>>> from pkg.lib import double\n>>> double(3)\n6\n\n```\n",
    }
    workspace, baseline = begin(files)
    assert outcomes(baseline) == {
        "README.md::README.md": "passed",
        "pkg/lib.py::pkg.lib.double": "passed",
        "pkg/lib.py::pkg.lib.wrong": "failed",
    }
    spectrum = baseline.suite.spectrum
    assert spectrum.named(spectrum.running("pkg/lib.py", 7, 7)) == {
        "README.md::README.md",
        "pkg/lib.py::pkg.lib.double",
    }
    one = "pkg/lib.py::pkg.lib.double"
    changes = {"pkg/lib.py": lib.replace("2 * number", "3 * number").encode()}
    run = run_suite(workspace, workspace.night.base, changes=changes, only=[one])
    assert run.outcomes == {one: "failed"}


UNITTEST = """
import unittest

import lib


def setUpModule():
    global ready
    ready = True


class Doubles(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.two = 2

    def test_double(self):
        assert ready
        self.assertEqual(lib.double(self.two), 4)

    def test_many(self):
        for number in range(3):
            with self.subTest(number=number):
                self.assertNotEqual(lib.double(number), {wrong})

    @unittest.skip("not now")
    def test_skipped(self):
        self.fail()

    @unittest.expectedFailure
    def test_expected(self):
        self.fail()


class Later(unittest.IsolatedAsyncioTestCase):
    async def test_async(self):
        self.assertEqual(lib.double(1), 2)
"""
UNITTESTS = {
    "Doubles::test_double": "passed",
    "Doubles::test_expected": "xfailed",
    "Doubles::test_many": "passed",
    "Doubles::test_skipped": "skipped",
    "Later::test_async": "passed",
}


@pytest.mark.parametrize(("wrong", "many"), [("5", "passed"), ("2", "failed")])
def test_unittest_suites_have_an_id_for_each_test(begin, wrong: str, many: str) -> None:
    _, baseline = begin({"lib.py": LIB, "test_lib.py": UNITTEST.format(wrong=wrong)})
    expected = {f"test_lib.py::{name}": outcome for name, outcome in UNITTESTS.items()}
    assert outcomes(baseline) == {**expected, "test_lib.py::Doubles::test_many": many}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds nothing at all."""
    folder = tmp_path_factory.mktemp("bare") / "environment"
    venv.create(folder, symlinks=True)
    return folder / "bin" / "python"


@pytest.mark.parametrize("folder", ["", "tests/", "deep/tests/"])
def test_without_any_pytest_a_unittest_suite_is_judged_test_by_test(
    folder: str, bare: Path, make_target: Callable[..., Path], open_workspace: Callable[..., Workspace]
) -> None:
    packages = {f"{part}__init__.py": "" for part in ("deep/", "deep/tests/") if folder.startswith(part)}
    path = f"{folder}testlib.py"
    files = {"lib.py": LIB, path: UNITTEST.format(wrong="5"), **packages}
    workspace = open_workspace(make_target(files), bare)
    baseline = establish_baseline(workspace, workspace.night.base, 1)
    assert outcomes(baseline) == {f"{path}::{name}": outcome for name, outcome in UNITTESTS.items()}
    assert baseline.note.startswith("the environment has no pytest: nightmend's own, ")
    assert baseline.suite.spectrum.reached["lib.py"] == (1, 2)
    wrong = {"lib.py": b"def double(number):\n    return number\n"}
    one = f"{path}::Doubles::test_double"
    assert run_suite(workspace, workspace.night.base, changes=wrong, only=[one]).outcomes == {one: "failed"}


def test_a_pytest_that_is_brought_along_hides_nothing_of_the_environment(
    bare: Path, make_target: Callable[..., Path], open_workspace: Callable[..., Workspace], tmp_path: Path
) -> None:
    asks = "import os, sys, unittest\n\n\nclass Asks(unittest.TestCase):\n    def test_path(self):\n"
    asks += "        assert sys.path.index(os.getcwd()) < len(sys.path) - 1\n"
    asks += "        assert sys.path[-1] == '/nightmend/pytest'\n"
    asks += "        import pluggy\n        assert pluggy.__version__ == 'theirs'\n"
    venv.create(tmp_path / "own", symlinks=True)
    [site] = (tmp_path / "own").glob("lib/python*/site-packages")
    theirs = "__version__ = 'theirs'\n"
    import pluggy

    source = Path(pluggy.__file__).parent
    for file in source.glob("*.py"):
        (site / "pluggy").mkdir(exist_ok=True)
        (site / "pluggy" / file.name).write_text(file.read_text())
    with (site / "pluggy" / "__init__.py").open("a") as init:
        init.write(theirs)
    workspace = open_workspace(make_target({"test_it.py": asks}), tmp_path / "own" / "bin" / "python")
    run = run_suite(workspace, workspace.night.base)
    assert run.outcomes == {"test_it.py::Asks::test_path": "passed"}, (run.reason, run.messages)


@pytest.mark.parametrize("packages", [("django",), ("django", "pytest")], ids=["bare", "pytest"])
@pytest.mark.parametrize("folder", ["", "src/"])
def test_django_without_its_plugin_is_set_up_as_manage_py_does(
    packages: tuple[str, ...],
    folder: str,
    tmp_path: Path,
    make_target: Callable[..., Path],
    open_workspace: Callable[..., Workspace],
) -> None:
    python = installed(tmp_path / "environment", *packages)
    target = make_target({f"{folder}{path}": content for path, content in DJANGO.items()})
    workspace = open_workspace(target, python)
    baseline = establish_baseline(workspace, workspace.night.base, 1)
    assert outcomes(baseline) == {f"{folder}shop/tests.py::{name}": "passed" for name in DJANGO_TESTS}
    for seed in (2, 3):
        run = run_suite(workspace, workspace.night.base, order=seed)
        assert list(run.outcomes)[2].endswith("test_many")


def test_django_databases_that_cannot_be_made_cost_only_the_tests_that_need_them(
    python: Path, tmp_path: Path, make_target: Callable[..., Path], open_workspace: Callable[..., Workspace]
) -> None:
    settings = DJANGO["site_of/settings.py"].replace(
        "'db.sqlite3'", "'db.sqlite3', 'TEST': {'NAME': '/no/x'}"
    )
    simple = "from django.test import SimpleTestCase\n\n\nclass Simple(SimpleTestCase):\n"
    simple += "    def test_simple(self):\n        self.assertEqual(1, 1)\n"
    files = {**DJANGO, "site_of/settings.py": settings, "shop/test_simple.py": simple}
    workspace = open_workspace(make_target(files), installed(tmp_path / "environment", "django"))
    run = run_suite(workspace, workspace.night.base)
    passed = [name for name, outcome in run.outcomes.items() if outcome == "passed"]
    assert (len(run.outcomes), passed) == (4, ["shop/test_simple.py::Simple::test_simple"])
