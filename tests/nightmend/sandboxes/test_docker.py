"""What only Docker leaves outside of a sandbox's folder, and what it cannot mount."""

import signal
import subprocess
import sys
from contextlib import ExitStack

import pytest

from nightmend.errors import PrerequisiteError
from nightmend.sandboxes.backends import create
from nightmend.sandboxes.cleanup import reap
from nightmend.sandboxes.docker_daemon import daemon
from nightmend.sandboxes.docker_reaping import BASE, FOLDER, labels
from nightmend.sandboxes.protocol import SandboxSpec

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("docker_daemon")]
OWNER = """
import sys
from nightmend.sandboxes.backends import create
from nightmend.sandboxes.docker_daemon import daemon, image
from nightmend.sandboxes.docker_reaping import labels
from nightmend.sandboxes.protocol import SandboxSpec
box = create(SandboxSpec(name="owned", base_directory=sys.argv[1], lower=sys.argv[2], back_end="docker"))
with daemon() as api:
    api.create_container_from_config({"Image": image(api), "Cmd": ["/bin/true"], "Labels": labels(box.path)})
print(box.path, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def spec(base, tmp_path):
    lower = tmp_path / "lower"
    lower.mkdir()
    return SandboxSpec(name="x", base_directory=str(base), lower=str(lower), back_end="docker")


@pytest.fixture
def owner(spec):
    """Start a process with a sandbox, whose container was made and never started."""
    with ExitStack() as stack:

        def start(base):
            base.mkdir(exist_ok=True)
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", OWNER, str(base), spec.lower],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            stack.callback(process.kill)
            return process, process.stdout.readline().strip()

        yield start


def left(folder):
    """Count the containers and volumes of a sandbox."""
    with daemon() as api:
        ours = {"label": f"{FOLDER}={folder}"}
        return len(api.containers(all=True, filters=ours)), len(api.volumes(filters=ours)["Volumes"] or ())


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_a_closed_sandbox_leaves_nothing_with_the_daemon(spec):
    with create(spec) as box:
        box.run(["true"])
        assert left(box.path) == (0, 1)
    assert left(box.path) == (0, 0)


def test_what_a_dead_owner_left_is_reaped_and_the_living_are_spared(owner, spec, base):
    with create(spec) as living:
        process, dead = owner(base)
        assert left(dead) == (1, 1)
        reap(base, 0)
        assert left(dead) == (1, 1), "its owner lives"
        kill(process)
        reap(base, 3600)
        assert left(dead) == (1, 1), "it is young"
        reap(base, 0)
        assert left(dead) == (0, 0)
        assert left(living.path) == (0, 1)
        assert living.run(["true"]).return_code == 0


def test_those_of_another_base_directory_are_none_of_our_business(owner, base, tmp_path):
    process, dead = owner(tmp_path / "another")
    kill(process)
    reap(base, 0)
    assert left(dead) == (1, 1)
    reap(tmp_path / "another", 0)
    assert left(dead) == (0, 0)


def test_a_base_directory_is_known_by_what_it_is(base, tmp_path):
    (tmp_path / "link").symlink_to(base)
    assert labels(tmp_path / "link" / "x")[BASE] == labels(base / "x")[BASE]
    assert labels(tmp_path / "x")[BASE] != labels(base / "x")[BASE]


@pytest.mark.parametrize("name", ["a,b", "a:b", "a\\b"])
def test_a_tree_that_no_overlay_can_name_is_refused(spec, base, tmp_path, name):
    (tmp_path / name).mkdir()
    with pytest.raises(PrerequisiteError, match="comma, colon"):
        create(spec.model_copy(update={"lower": str(tmp_path / name)}))
    assert list(base.iterdir()) == []
