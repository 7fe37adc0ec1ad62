import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

import nightmend
from nightmend.errors import PrerequisiteError, SandboxError
from nightmend.sandboxes import backends
from nightmend.sandboxes.backends import available, create, diagnose_backend
from nightmend.sandboxes.bubblewrap import Bubblewrap
from nightmend.sandboxes.protocol import Bind, SandboxSpec

DIAGNOSE = "from nightmend.sandboxes.backends import diagnose_backend; print(*diagnose_backend({!r}))"


@pytest.fixture
def offer(monkeypatch):
    """Offer other back ends than there are."""

    def offered(other):
        monkeypatch.setattr(backends, "BACKENDS", other)
        backends.first_that_works.cache_clear()

    yield offered
    backends.first_that_works.cache_clear()


def test_a_back_end_that_works_is_found():
    assert available() in backends.BACKENDS
    assert diagnose_backend(available()) == (True, f"{available()} works")


def test_a_diagnosis_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    diagnose_backend("bubblewrap")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("inner", sorted(backends.BACKENDS))
def test_in_a_sandbox_none_works_and_a_sentence_says_the_cure(make, backend, inner):
    """No namespace can be made there, and no daemon be reached."""
    places = {str(Path(nightmend.__file__).parents[1]), sys.prefix, sys.base_prefix}
    binds = tuple(Bind(host=place, inside=place) for place in places if not place.startswith("/usr"))
    outer = {bind.inside for bind in make().spec.binds}
    box = make(binds=tuple(bind for bind in binds if bind.inside not in outer))
    command = [sys.executable, "-c", DIAGNOSE.format(inner)]
    result = box.run(command, env={"PYTHONPATH": str(Path(nightmend.__file__).parents[1])})
    said = result.stdout.decode()
    assert said.startswith("False "), (said, result.stderr)
    no_namespaces = {"bubblewrap": "policy of this machine", "docker": "container forbids `unshare`"}
    cure = no_namespaces[backend] if inner == "bubblewrap" else "no Docker daemon answers"
    assert cure in said
    assert said.count("\n") == 1


def test_nothing_runs_unprotected_where_no_back_end_works(offer, tmp_path):
    def broken(spec: SandboxSpec) -> None:
        raise PrerequisiteError("needs what is not here: install it")

    offer({"bubblewrap": broken, "docker": broken})
    with pytest.raises(PrerequisiteError, match="install it"):
        available()
    for back_end in ("auto", "bubblewrap", "docker"):
        with pytest.raises(PrerequisiteError):
            create(SandboxSpec(name="x", base_directory=str(tmp_path), lower=None, back_end=back_end))


def test_the_first_that_works_is_taken_unless_one_is_asked_for(offer, tmp_path):
    def missing(spec: SandboxSpec) -> None:
        raise PrerequisiteError("not here")

    works = backends.BACKENDS["bubblewrap"]
    spec = SandboxSpec(name="x", base_directory=str(tmp_path), lower=None)
    for offered, first in (
        ({"bubblewrap": works, "docker": works}, "bubblewrap"),
        ({"bubblewrap": missing, "docker": works}, "docker"),
    ):
        offer(offered)
        assert available() == first
        create(spec).close()
    with pytest.raises(PrerequisiteError, match="not here"):
        create(spec.model_copy(update={"back_end": "bubblewrap"}))


def test_a_base_directory_that_others_can_change_is_refused(backend, tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    with pytest.raises(SandboxError, match="base_directory"):
        create(SandboxSpec(name="x", base_directory=str(shared), lower=None, back_end=backend))
    shared.chmod(0o1777)
    if os.geteuid() == 0:
        create(SandboxSpec(name="x", base_directory=str(shared), lower=None, back_end=backend)).close()


@pytest.mark.parametrize(("ends", "works"), [(2, True), (3, False)])
def test_a_trial_that_somebody_ends_says_nothing_of_the_machine(offer, ends, works):
    begun = []

    class Doomed(Bubblewrap):
        def execute_command(self, command):
            begun.append(self)
            if len(begun) > ends:
                return super().execute_command(command)
            with ThreadPoolExecutor(1) as pool:
                running = pool.submit(super().execute_command, "sleep 31.25")
                kill_boxes(until=running.done)
                return running.result()

    offer({"bubblewrap": Doomed})
    assert diagnose_backend("bubblewrap")[0] is works
    assert len(begun) == 3


def kill_boxes(until):
    while not until():
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if process.name() == "bwrap":
                    process.kill()
