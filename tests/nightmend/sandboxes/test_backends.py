import os
import sys
from pathlib import Path

import pytest

import nightmend
from nightmend.errors import PrerequisiteError, SandboxError
from nightmend.sandboxes import backends
from nightmend.sandboxes.backends import available, create, diagnose_backend
from nightmend.sandboxes.protocol import Bind, SandboxSpec

DIAGNOSE = "from nightmend.sandboxes.backends import diagnose_backend; print(*diagnose_backend({!r}))"


def test_a_back_end_that_works_is_found():
    assert available() in backends.BACKENDS
    assert diagnose_backend(available()) == (True, f"{available()} works")


def test_a_diagnosis_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    diagnose_backend()
    assert list(tmp_path.iterdir()) == []


def test_in_a_sandbox_none_works_and_a_sentence_says_the_cure(make, backend):
    """No namespace can be made there, and no daemon be reached."""
    places = {str(Path(nightmend.__file__).parents[1]), sys.prefix, sys.base_prefix}
    binds = tuple(Bind(host=place, inside=place) for place in places if not place.startswith("/usr"))
    outer = {bind.inside for bind in make().spec.binds}
    box = make(binds=tuple(bind for bind in binds if bind.inside not in outer))
    command = [sys.executable, "-c", DIAGNOSE.format(backend)]
    result = box.run(command, env={"PYTHONPATH": str(Path(nightmend.__file__).parents[1])})
    said = result.stdout.decode()
    assert said.startswith("False "), (said, result.stderr)
    assert {"bubblewrap": "user namespaces", "docker": "no Docker daemon answers"}[backend] in said
    assert said.count("\n") == 1


def test_nothing_runs_unprotected_where_no_back_end_works(monkeypatch, tmp_path):
    def broken(spec: SandboxSpec) -> None:
        raise PrerequisiteError("needs what is not here: install it")

    monkeypatch.setattr(backends, "BACKENDS", {"bubblewrap": broken})
    with pytest.raises(PrerequisiteError, match="install it"):
        available()
    with pytest.raises(PrerequisiteError):
        create(SandboxSpec(name="x", base_directory=str(tmp_path), lower=None))


def test_a_base_directory_that_others_can_change_is_refused(backend, tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(SandboxError, match="base_directory"):
        create(SandboxSpec(name="x", base_directory=str(shared), lower=None), backend)
    shared.chmod(0o1777)
    if os.geteuid() == 0:
        create(SandboxSpec(name="x", base_directory=str(shared), lower=None), backend).close()
