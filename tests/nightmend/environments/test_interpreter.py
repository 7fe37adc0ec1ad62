import json
import os
import pwd
import subprocess
import sys
import venv
from pathlib import Path
from types import SimpleNamespace

import pytest

from nightmend.environments.interpreter import Interpreter, find_interpreter
from nightmend.errors import UsageError
from nightmend.sandboxes.backends import create
from nightmend.sandboxes.protocol import SandboxSpec


def make_venv(folder: Path) -> Path:
    venv.create(folder, symlinks=True)
    return folder / "bin" / "python"


def script(place: Path, body: str) -> Path:
    place.write_text(f"#!/bin/sh\n{body}\n")
    place.chmod(0o755)
    return place


def shown(interpreter: Interpreter, place: Path | str) -> bool:
    inside = [Path(bind.inside) for bind in interpreter.binds]
    return any(root == Path(place) or root in Path(place).parents for root in inside)


def prefix_inside(interpreter: Interpreter, tmp_path: Path) -> str:
    spec = SandboxSpec(
        name="python", base_directory=str(tmp_path / "boxes"), lower=None, binds=interpreter.binds
    )
    with create(spec) as box:
        done = box.run([interpreter.executable, "-I", "-c", "import json, sys; print(sys.prefix)"])
    assert done.return_code == 0, done.stderr
    return done.stdout.decode().strip()


def test_our_own_interpreter_brings_its_packages_into_a_sandbox() -> None:
    own = find_interpreter(None)
    assert own.version == sys.version_info[:2]
    assert own.prefix == sys.prefix
    assert shown(own, pytest.__file__) or pytest.__file__.startswith("/usr/")


def test_a_virtual_environment_below_a_closed_home_starts_in_a_sandbox(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    found = find_interpreter(str(make_venv(home / "environment")))
    assert found.prefix == str(home / "environment")
    assert found.base_prefix == sys.base_prefix
    assert prefix_inside(found, tmp_path) == str(home / "environment")


def test_a_shim_leads_to_the_interpreter_that_it_starts(tmp_path: Path) -> None:
    python = make_venv(tmp_path / "environment")
    shim = script(tmp_path / "shim", f'exec {python} "$@"')
    assert find_interpreter(str(shim)).executable == str(python)


def test_every_link_on_the_way_to_an_interpreter_is_shown(tmp_path: Path) -> None:
    python = make_venv(tmp_path / "environment")
    base = tmp_path / "versions" / "current"
    base.parent.mkdir()
    base.symlink_to(sys.base_prefix)
    python.unlink()
    python.symlink_to(base / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}")
    (tmp_path / "environment" / "pyvenv.cfg").write_text(f"home = {sys.base_prefix}/bin\n")
    found = find_interpreter(str(python))
    assert prefix_inside(found, tmp_path) == str(tmp_path / "environment")


@pytest.mark.skipif(not os.path.exists("/usr/bin/python3"), reason="there is no Python of the system here")
def test_what_every_sandbox_has_is_not_bound_again() -> None:
    found = find_interpreter("/usr/bin/python3")
    assert not [bind for bind in found.binds if bind.inside.startswith(("/usr", "/bin", "/lib"))]


def test_nothing_of_an_environment_runs_while_it_is_asked(tmp_path: Path) -> None:
    python = make_venv(tmp_path / "environment")
    packages = next((tmp_path / "environment").glob("lib/python*/site-packages"))
    mark = tmp_path / "mark"
    (packages / "evil.pth").write_text(f"import os; open({str(mark)!r}, 'w')\n")
    (packages / "sitecustomize.py").write_text(f"open({str(mark)!r}, 'w')\n")
    find_interpreter(str(python))
    assert not mark.exists()
    subprocess.run([str(python), "-c", ""], check=True, cwd="/")
    assert mark.exists(), "the trap does not work"


def test_editable_sources_are_shown_but_never_over_the_target(tmp_path: Path) -> None:
    python = make_venv(tmp_path / "environment")
    packages = next((tmp_path / "environment").glob("lib/python*/site-packages"))
    for name in ("target/src", "other", "listed"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("target", "other"):
        (packages / f"{name}-1.dist-info").mkdir()
        record = {"url": f"file://{tmp_path}/{name}", "dir_info": {"editable": True}}
        (packages / f"{name}-1.dist-info" / "direct_url.json").write_text(json.dumps(record))
    (packages / "paths.pth").write_text(
        f"# a remark\n{tmp_path}/listed\n{tmp_path}/target/src\n{tmp_path}/gone\n"
    )
    found = find_interpreter(str(python), target=str(tmp_path / "target"))
    assert shown(found, tmp_path / "other")
    assert shown(found, tmp_path / "listed")
    assert not shown(found, tmp_path / "target" / "src" / "module.py")


def test_an_environment_in_the_target_is_shown_without_the_target(tmp_path: Path) -> None:
    target = tmp_path / "target"
    inside = find_interpreter(str(make_venv(target / ".venv")), target=str(target))
    assert shown(inside, target / ".venv" / "bin")
    assert not shown(inside, target / "setup.py")
    whole = find_interpreter(str(make_venv(target)), target=str(target))
    assert shown(whole, target / "bin" / "python")
    assert not shown(whole, target / "setup.py")


def test_a_home_folder_is_never_shown_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    found = find_interpreter(str(make_venv(tmp_path)))
    assert not shown(found, tmp_path / ".ssh" / "key")
    assert prefix_inside(found, tmp_path) == str(tmp_path)


def test_neither_is_the_home_of_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pwd, "getpwall", lambda: [SimpleNamespace(pw_dir=str(tmp_path))])
    found = find_interpreter(str(make_venv(tmp_path)))
    assert not shown(found, tmp_path / ".ssh" / "key")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (None, "there is no interpreter at"),
        ("folder", "is a folder; name the interpreter in it, such as"),
        ("plain", "is not executable"),
        ("echo hello", "does not answer as Python 3.8 or later does"),
        ("""echo '["/old", "/usr", "/usr", [3, 7]]'""", "is Python 3.7; name an interpreter of Python 3.8"),
    ],
    ids=["missing", "folder", "not executable", "not Python", "too old"],
)  # fmt: skip
def test_what_is_no_interpreter_is_named_in_one_sentence(body: str | None, said: str, tmp_path: Path) -> None:
    place = tmp_path / "python"
    if body == "folder":
        place.mkdir()
    elif body is not None:
        script(place, body).chmod(0o644 if body == "plain" else 0o755)
    with pytest.raises(UsageError, match=said) as caught:
        find_interpreter(str(place))
    assert str(place) in str(caught.value)
    assert "\n" not in str(caught.value)
