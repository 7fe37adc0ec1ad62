"""Environments that are really built: real uv, real sandboxes, indexes of the test's own."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from nightmend.environments.provide import environments_folder
from nightmend.errors import UsageError
from nightmend.nights import open_night
from nightmend.proof.plan import plan_suite
from nightmend.sandboxes.protocol import CommandResult
from nightmend.workspace import Workspace

from .conftest import BACKEND, Guard, alone

pytestmark = pytest.mark.integration
PROJECT = '[project]\nname = "shop"\nversion = "2.5"\nrequires-python = ">=3.8"\ndependencies = ["glass"]\n'

MakeTarget = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def make_target(tmp_path: Path) -> MakeTarget:
    def made(files: Mapping[str, str]) -> Path:
        root = tmp_path / "target"
        for path, text in {"shop/__init__.py": "", **files}.items():
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        git = ("git", "-c", "user.name=A", "-c", "user.email=a@localhost")
        for words in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "-m", "first")):
            subprocess.run((*git, *words), cwd=root, check=True)
        return root

    return made


@pytest.fixture
def provided(tmp_path: Path) -> Callable[[Path], Workspace]:
    def opened(target: Path, tell: Callable[[str], None] = lambda _: None) -> Workspace:
        return Workspace(open_night(target, home=tmp_path / "home", build_environment=True, tell=tell))

    return opened


def python(workspace: Workspace, code: str) -> CommandResult:
    with workspace.sandbox(workspace.night.base, "test", at_target=True) as box:
        return box.run([workspace.interpreter.executable, "-I", "-c", code])


def test_what_is_declared_is_installed_and_kept(index, make_target, provided, tmp_path):
    index.wheel("glass", requires=("sand",))
    index.wheel("sand")
    scripts = '[project.scripts]\nsell = "shop:sell"\n[dependency-groups]\ntest = ["ruler"]\n'
    index.wheel("ruler")
    target = make_target(
        {"pyproject.toml": PROJECT + scripts, "shop/__init__.py": "def sell(): print('sold')"}
    )
    told: list[str] = []
    workspace = provided(target, told.append)
    night = workspace.night
    assert workspace.environment.installed == (
        "glass==1.0",
        "pytest==8.0",
        "ruler==1.0",
        "sand==1.0",
        "shop==2.5",
    )
    assert workspace.environment.missing == ()
    assert workspace.environment.note == ""
    said = python(
        workspace,
        "import glass, sand, ruler, shop; from importlib.metadata import version as v;"
        "print(v('shop'), shop.__file__)",
    )
    assert said.stdout.decode().split() == ["2.5", f"{target}/shop/__init__.py"], said.stderr
    with workspace.sandbox(night.base, "test", at_target=True) as box:
        assert box.run([f"{workspace.environment.prefix}/bin/sell"]).stdout == b"sold\n"

    index.folder.rename(tmp_path / "gone")
    again = provided(target, told.append)
    assert again.environment == workspace.environment
    assert told[-1].endswith("kept from an earlier night")
    assert again.night.engine == night.engine


def test_what_cannot_be_had_is_told_and_the_rest_is_there(index, make_target, provided):
    index.wheel("glass")
    target = make_target(
        {
            "pyproject.toml": PROJECT.replace(
                '"glass"', '"glass", "nowhere-to-be-had>=3", "there @ git+https://x.invalid/y"'
            )
        }
    )
    environment = provided(target).environment
    assert "glass==1.0" in environment.installed
    assert {one.requirement for one in environment.missing} == {
        "nowhere-to-be-had>=3",
        "there @ git+https://x.invalid/y",
    }
    assert {one.path for one in environment.missing} == {"pyproject.toml"}
    assert "was not found" in next(one.why for one in environment.missing if "nowhere" in one.requirement)


def test_of_two_that_exclude_each_other_the_first_is_there(index, make_target, provided):
    index.wheel("glass", requires=("sand<2",))
    index.wheel("cup", requires=("sand>=2",))
    index.wheel("sand", "1.0")
    index.wheel("sand", "2.0")
    target = make_target({"pyproject.toml": PROJECT.replace('"glass"', '"glass", "cup"')})
    environment = provided(target).environment
    assert "sand==1.0" in environment.installed
    assert [one.requirement for one in environment.missing] == ["cup"]


LOCK = '[[package]]\nname = "glass"\nversion = "{}"\nsource = {{ registry = "https://x.invalid/simple" }}\n'


@pytest.mark.parametrize(
    ("locked", "installed", "note"),
    [
        ("1.0", "glass==1.0", ""),
        ("0.7", "glass==2.0", "its lock could not be held to"),
    ],
)
def test_a_lock_is_held_to_where_it_can_be(index, make_target, provided, locked, installed, note):
    index.wheel("glass", "1.0")
    index.wheel("glass", "2.0")
    environment = provided(
        make_target({"pyproject.toml": PROJECT, "uv.lock": LOCK.format(locked)})
    ).environment
    assert installed in environment.installed
    assert environment.note == note


def test_without_an_index_the_night_goes_on_with_our_own_python(make_target, provided, monkeypatch, tmp_path):
    alone(monkeypatch, tmp_path, "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    workspace = provided(make_target({"pyproject.toml": PROJECT}))
    night = workspace.night
    assert workspace.environment.prefix == ""
    assert "no package index could be reached" in workspace.environment.note
    assert night.python == open_night(night.target, home=tmp_path / "home").python


def test_a_python_that_nobody_has_is_asked_for_in_a_sentence(index, make_target, provided):
    target = make_target({"pyproject.toml": PROJECT.replace(">=3.8", ">=3.99")})
    environment = provided(target).environment
    assert environment.prefix == ""
    assert environment.note.startswith(
        "no Python here is >=3.99, as the target requires, and our own runs its"
    )


SPY = """
import json, os, pathlib, socket

def build_wheel(into, config_settings=None, metadata_directory=None):
    seen = json.dumps(dict(os.environ))
    for file in pathlib.Path("/proc").glob("[0-9]*/environ"):
        try:
            seen += file.read_text(errors="replace")
        except OSError:
            pass
    for place in ("/etc", "/tmp", os.path.expanduser("~"), os.path.dirname(into)):
        for folder, _, files in os.walk(place):
            for name in files:
                try:
                    seen += pathlib.Path(folder, name).read_text(errors="replace")
                except OSError:
                    pass
    try:
        socket.create_connection(("127.0.0.1", PORT), 2)
        answer = "connected"
    except OSError as error:
        answer = type(error).__name__
    found = "-".join(("hunter2", "spy")) in seen  # nowhere whole in this file, or its bytecode
    return _wheel(into, "spy", "1.0", f"ANSWER = {answer!r}\\nFOUND = {found!r}\\nLENGTH = {len(seen)}\\n")
"""


def test_a_login_reaches_the_download_alone_and_building_has_no_network(
    index, guarded: Guard, make_target, provided, monkeypatch, tmp_path
):
    server = guarded(index.folder, "keeper:hunter2-spy")
    alone(monkeypatch, tmp_path, f"http://keeper:hunter2-spy@127.0.0.1:{server.server_port}/simple")
    index.wheel("glass")
    index.source("spy", SPY.replace("PORT", str(server.server_port)), requires=("glass",))
    workspace = provided(make_target({"pyproject.toml": PROJECT.replace('"glass"', '"spy"')}))
    assert "spy==1.0" in workspace.environment.installed, workspace.environment
    assert "glass==1.0" in workspace.environment.installed
    assert any(path.endswith("spy-1.0.tar.gz") for path in server.asked)
    said = python(workspace, "import spy; print(spy.ANSWER, spy.FOUND, spy.LENGTH > 100)")
    assert said.stdout.decode().split()[1:] == ["False", "True"], said.stderr
    assert said.stdout.split()[0] in (b"ConnectionRefusedError", b"OSError")
    kept = [place for place in (tmp_path / "home").rglob("*") if place.is_file() and not place.is_symlink()]
    assert kept
    assert not any(b"hunter2-spy" in place.read_bytes() for place in kept)


def test_a_wrong_login_is_told_without_it(
    index, guarded: Guard, make_target, provided, monkeypatch, tmp_path
):
    server = guarded(index.folder, "keeper:another")
    alone(monkeypatch, tmp_path, f"http://keeper:hunter2-spy@127.0.0.1:{server.server_port}/simple")
    index.wheel("glass")
    told: list[str] = []
    environment = provided(make_target({"pyproject.toml": PROJECT}), told.append).environment
    assert environment.prefix == ""
    assert environment.missing
    assert "hunter2-spy" not in environment.model_dump_json() + "".join(told)
    assert "401" in environment.model_dump_json()


def test_nothing_of_a_package_runs_while_there_is_a_network(
    index, guarded: Guard, make_target, provided, monkeypatch, tmp_path
):
    server = guarded(index.folder, "keeper:word")
    index.wheel("glass")
    place = ("127.0.0.1", server.server_port)
    knock = f"import socket\nsocket.create_connection({place}, 2).send(b'GET /knock\\n')\n"
    index.source("maker", f"{knock}\ndef build_wheel(into, *_): return _wheel(into, 'maker', '1.0', '')\n")
    alone(monkeypatch, tmp_path, f"http://keeper:word@127.0.0.1:{server.server_port}/simple")
    environment = provided(
        make_target({"pyproject.toml": PROJECT.replace('"glass"', '"glass", "maker"')})
    ).environment
    assert [one.requirement for one in environment.missing] == ["maker-1.0.tar.gz"]
    assert "cannot be built" in environment.missing[0].why
    assert not any("knock" in path for path in (*server.asked, *server.turned_away))


@pytest.mark.parametrize("evil", ["--extra-index-url {}", "sand @ {}/sand-1.0.tar.gz"])
def test_a_source_cannot_name_an_index_or_an_address(index, guarded: Guard, make_target, provided, evil):
    server = guarded(index.folder, "keeper:word")
    asked = evil.format(f"http://127.0.0.1:{server.server_port}/simple")
    index.wheel("sand")
    build = "def build_wheel(into, *_): return _wheel(into, 'maker', '1.0', '')\n"
    index.source("maker", build, requires=(asked,), built_by=(asked,))
    index.wheel("setuptools", "70.0")
    index.wheel("wheel")
    provided(make_target({"pyproject.toml": PROJECT.replace("glass", "maker")}))
    assert not server.turned_away


def test_nothing_that_a_package_plants_runs_here(index, make_target, provided, tmp_path):
    marker = tmp_path / "ran"
    planted = f"#!/bin/sh\ntouch {marker}\n"
    index.wheel(
        "glass",
        files={
            "glass-1.0.data/data/pyvenv.cfg": f"home = {tmp_path}\n",
            "glass-1.0.data/scripts/activate": planted,
            "evil.pth": f"import os; os.system('touch {marker}')\n",
        },
    )
    workspace = provided(make_target({"pyproject.toml": PROJECT}))
    root = Path(workspace.environment.prefix)
    assert str(tmp_path) not in (root / "pyvenv.cfg").read_text()
    assert workspace.interpreter.site_packages
    assert python(workspace, "import glass").return_code == 0, workspace.environment
    assert not marker.exists()


def test_an_environment_of_ours_is_not_taken_for_one_of_the_user(index, make_target, provided, tmp_path):
    index.wheel("glass")
    target = make_target({"pyproject.toml": PROJECT})
    built = provided(target).night.python
    with pytest.raises(UsageError, match="leave out --python"):
        open_night(target, built, home=tmp_path / "home")


def test_two_nights_at_once_share_one_build(index, make_target, provided):
    index.wheel("glass")
    target = make_target({"pyproject.toml": PROJECT})
    told: list[str] = []
    prefixes: list[str] = []

    def work() -> None:
        prefixes.append(provided(target, told.append).environment.prefix)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(prefixes) == 3
    assert len(set(prefixes)) == 1
    assert sum("installing" in line for line in told) == 1
    assert sum("kept from" in line for line in told) == 2


def test_a_python_that_is_named_is_all_that_is_used(index, make_target, tmp_path):
    target = make_target({"pyproject.toml": PROJECT})
    night = open_night(target, sys.executable, home=tmp_path / "home", build_environment=True)
    assert (night.environment, night.python) == (None, sys.executable)
    assert not environments_folder(tmp_path / "home").exists()


def test_what_could_not_be_had_is_tried_again_a_day_later(index, make_target, provided):
    target = make_target({"pyproject.toml": PROJECT.replace('"glass"', '"glass", "cup"')})
    index.wheel("cup")
    first = provided(target).environment
    assert [one.requirement for one in first.missing] == ["glass"]
    index.wheel("glass")
    assert provided(target).environment == first
    record = Path(first.prefix).parent.with_suffix(".json")
    os.utime(record, (time.time() - 90_000,) * 2)
    assert provided(target).environment.missing == ()


def test_what_was_not_used_for_long_is_removed(index, make_target, provided, tmp_path):
    index.wheel("glass")
    folder = environments_folder(tmp_path / "home")
    for name, days in (("a" * 24, 40), ("b" * 24, 20)):
        (folder / name / "env").mkdir(parents=True)
        (folder / f"{name}.json").write_text("{}")
        os.utime(folder / name, (time.time() - days * 86_400,) * 2)
    provided(make_target({"pyproject.toml": PROJECT}))
    left = {place.name for place in folder.iterdir()}
    assert not {"a" * 24, "a" * 24 + ".json"} & left
    assert {"b" * 24, "b" * 24 + ".json"} <= left


def test_a_build_that_died_is_built_anew(index, make_target, provided, tmp_path):
    index.wheel("glass")
    target = make_target({"pyproject.toml": PROJECT})
    prefix = Path(provided(target).environment.prefix)
    record = prefix.parent.with_suffix(".json")
    record.unlink()
    (prefix / "half").write_text("")
    assert provided(target).environment.prefix == str(prefix)
    assert record.exists()
    assert not (prefix / "half").exists()


OWN_BACKEND = """
import os, shutil

def build_wheel(into, config_settings=None, metadata_directory=None):
    version = os.environ["SETUPTOOLS_SCM_PRETEND_VERSION"]
    name = _wheel(into, "shop", version, "")
    with zipfile.ZipFile(f"{into}/{name}", "a") as wheel:
        wheel.write("shop/__init__.py")
        wheel.writestr("shop/_version.py", f"version = {version!r}\\n")
    return name
"""
BUILT = {
    "shop/__init__.py": "from shop._version import version\n",
    ".gitignore": "_version.py\n",
    "maker.py": BACKEND.replace('writestr(f"{name}.py", module)', 'comment = b""') + OWN_BACKEND,
    "pyproject.toml": PROJECT + '[build-system]\nrequires=[]\nbuild-backend="maker"\nbackend-path=["."]\n'
    '[tool.setuptools_scm]\nversion_file = "shop/_version.py"\n',
}  # fmt: skip


def test_what_only_the_targets_own_build_makes_is_there(index, make_target, provided):
    index.wheel("glass")
    workspace = provided(make_target(BUILT))
    assert workspace.environment.missing == ()
    assert "shop==2.5" in workspace.environment.installed
    said = python(workspace, "import shop; print(shop.version, shop.__file__)")
    assert said.stdout.decode().split()[0] == "2.5", said.stderr
    assert "site-packages" in said.stdout.decode()
    inside = "import os, shop; assert os.path.exists(os.path.dirname(shop.__file__) + '/_version.py')"
    built = plan_suite(workspace, workspace.night.base).built
    assert [bind.inside for bind in built] == [f"{workspace.target.path}/shop/_version.py"]
    with workspace.sandbox(workspace.night.base, "test", at_target=True, binds=built) as box:
        done = box.run([workspace.interpreter.executable, "-c", inside])
    assert done.return_code == 0, done.stderr


def test_where_its_own_build_fails_the_target_is_there_as_it_stands(index, make_target, provided):
    index.wheel("glass")
    spoiled = {**BUILT, "maker.py": "def build_wheel(*_): raise SystemExit('no compiler here')\n"}
    workspace = provided(make_target({**spoiled, "shop/__init__.py": ""}))
    [missing] = workspace.environment.missing
    assert (missing.requirement, missing.path) == ("what the target's own build makes", "")
    assert "no compiler here" in missing.why
    assert python(workspace, "import shop").return_code == 0
