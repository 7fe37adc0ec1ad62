"""What is taken out of a dead sandbox: an environment that leads nowhere, with a Python that is ours."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nightmend.environments.interpreter import Interpreter, find_interpreter
from nightmend.environments.spec import base_executable
from nightmend.environments.take import take
from nightmend.errors import SandboxError
from nightmend.sandboxes import backends
from nightmend.sandboxes.protocol import Sandbox, SandboxSpec

Make = Callable[[str], Sandbox]


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Sandbox]:
    spec = SandboxSpec(name="built", base_directory=str(tmp_path / "boxes"), lower=None)
    with backends.create(spec) as made:
        made.execute_command("mkdir -p env/bin env/lib; echo ours > env/lib/text")
        yield made


@pytest.fixture(scope="module")
def base() -> Interpreter:
    return find_interpreter(base_executable(find_interpreter(sys.executable)))


@pytest.mark.parametrize(
    "planted",
    [
        "printf '#!/bin/sh\\ntouch /tmp/ran' > env/bin/python; chmod +x env/bin/python",
        "ln -s /bin/sh env/bin/python; ln -s /bin/sh env/bin/python3; ln -s /etc/passwd env/pyvenv.cfg",
        "ln -s ../../../../../../bin/sh env/bin/python3",
    ],
)
def test_what_names_the_python_is_ours_whatever_stood_there(box, base, tmp_path, planted):
    box.execute_command(planted)
    take(box, tmp_path / "taken", base)
    binaries = tmp_path / "taken" / "env" / "bin"
    major, minor = base.version
    assert os.readlink(binaries / "python") == base.executable
    assert os.readlink(binaries / "python3") == os.readlink(binaries / f"python{major}.{minor}") == "python"
    assert not (tmp_path / "taken/env/pyvenv.cfg").is_symlink()
    assert f"home = {os.path.dirname(base.executable)}\n" in (tmp_path / "taken/env/pyvenv.cfg").read_text()


@pytest.mark.parametrize(
    ("link", "leads"),
    [
        ("/etc/passwd", "out"),
        ("../../../x", "out"),
        ("../..", "out"),
        ("../bin/../../../etc", "out"),
        ("a/../../..", "out"),
        ("./../..", "out"),
        ("text", "in"),
        ("../lib/text", "in"),
    ],
)
def test_links_that_lead_out_are_gone(box, base, tmp_path, link, leads):
    box.execute_command(f"ln -s {link} env/lib/link")
    take(box, tmp_path / "taken", base)
    assert os.path.lexists(tmp_path / "taken/env/lib/link") is (leads == "in")
    assert (tmp_path / "taken/env/lib/text").read_text() == "ours\n"


@pytest.mark.parametrize(
    "spoiled",
    [
        "mv env e",
        "mv env e; ln -s / env",
        "mv env/bin b; ln -s /bin env/bin",
        "mv env/bin b; ln -s lib env/bin",
    ],
)
def test_what_is_no_environment_is_a_sentence(box, base, tmp_path, spoiled):
    box.execute_command(spoiled)
    with pytest.raises(SandboxError, match="no virtual environment"):
        take(box, tmp_path / "taken", base)
    assert os.path.lexists("/bin/sh")
