"""A person asks for a part of a night: some phases, some agents, a review budget, the files of a project."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.flows.driving import MENDED, SHOP, TESTS, House, Outcome, branches, git, shop, untouched

pytestmark = pytest.mark.night

FILES = {
    "shop.py": SHOP,
    "old/shop.py": SHOP,
    "tests/test_shop.py": TESTS,
    "pyproject.toml": "[tool.nightmend]\nexclude = ['old/']\ntest_command = 'pytest tests'\n",
}


@dataclass
class Story:
    """Nights on one target, each of another part, and the branches that each left."""

    target: Path
    before: dict[str, str]
    looked: Outcome
    documented: Outcome
    budgeted: Outcome
    whole: Outcome
    left: list[list[str]]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> Story:
    folder = tmp_path_factory.mktemp("story")
    house, target = House(folder / "home", prefect_server), shop(folder / "shop", FILES)
    before = untouched(target)
    parts = (
        ("--through", "diagnostics"),
        ("--only", "code_quality"),
        ("--max-commits", "1"),
        (),
    )
    nights, left = [], []
    for part in parts:
        nights.append(house.recover(target, *part))
        left.append(branches(target))
    assert untouched(target) == before
    return Story(target, before, *nights, left)


def test_phases_behind_the_last_one_asked_for_are_skipped(story: Story) -> None:
    outcome = story.looked
    assert outcome.code == 0, outcome.said
    assert list(outcome.statuses.values()) == ["PASSED", "PASSED", "SKIPPED", "SKIPPED", "SKIPPED"]
    assert (outcome.known["branch"], outcome.known["repairs"], story.left[0]) == (None, [], [])


def test_only_the_agents_asked_for_repair_and_the_diagnosis_is_not_made_again(story: Story) -> None:
    outcome = story.documented
    assert outcome.code == 0, outcome.said
    assert list(outcome.statuses.values()) == ["CACHED", "CACHED", "SKIPPED", "SKIPPED", "PASSED"]
    assert {repair["agent"] for repair in outcome.kept} == {"code_quality"}
    assert "documentation_update" not in outcome.agents


def test_files_that_the_target_excludes_are_left_alone(story: Story) -> None:
    changed = git(story.target, "diff", "--name-only", "main", story.whole.known["result_commit"])
    assert changed.split() == ["shop.py"]


def test_a_budget_ships_the_best_part_and_the_report_names_what_waits(story: Story) -> None:
    outcome = story.budgeted
    assert outcome.code == 0, outcome.said
    [waiting] = [repair for repair in outcome.kept if repair["waits"]]
    [shipped] = [repair for repair in outcome.kept if not repair["waits"]]
    assert waiting["commit"] is None
    assert shipped["commit"] == outcome.known["result_commit"]
    assert "budget" in waiting["waits"]
    tip = git(story.target, "log", "--format=%H", f"main..{outcome.known['result_commit']}").split()
    assert tip == [outcome.known["result_commit"]]
    assert {gate["name"]: gate["passed"] for gate in outcome.known["shipment"]["gates"]}["tests"] is True
    assert outcome.known["issues"]["resolved"] < story.whole.known["issues"]["resolved"]


def test_the_next_night_without_one_publishes_all_in_its_place(story: Story) -> None:
    outcome = story.whole
    assert outcome.code == 0, outcome.said
    assert set(outcome.statuses.values()) == {"CACHED"}
    assert outcome.known["shipment"] is None
    assert outcome.known["replaced"] == story.budgeted.known["branch"]
    assert [len(names) for names in story.left] == [0, 1, 1, 1]
    text = git(story.target, "show", f"{outcome.known['branch']}:shop.py")
    assert MENDED in text
    assert 'return "come in"' in text


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ("[tool.nightmend]\nexlude = ['old/']\n", "unknown key `exlude`"),
        ("[tool.nightmend]\ntest_command = 'a && b'\n", "has `&&`"),
    ],
)
def test_settings_that_cannot_be_used_end_a_night_before_it_begins(
    tmp_path: Path, settings: str, says: str
) -> None:
    target = shop(tmp_path / "shop", {**FILES, "pyproject.toml": settings})
    outcome = House(tmp_path / "home").recover(target)
    assert outcome.code == 2
    assert says in outcome.done.stderr
    assert len(outcome.done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "home" / "prefect").exists(), "no server was started for that"


def test_several_projects_end_a_night_before_it_begins(tmp_path: Path) -> None:
    target = shop(tmp_path / "shop", {"web/setup.py": "", "web/a.py": SHOP, "job/pyproject.toml": ""})
    outcome = House(tmp_path / "home").recover(target)
    assert (outcome.code, outcome.done.stdout) == (2, "")
    assert "several projects (job, web)" in outcome.done.stderr
