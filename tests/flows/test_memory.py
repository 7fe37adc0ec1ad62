"""Three nights that remember each other: one without time, one that goes on, one behind a revert."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest

from tests.flows.driving import MENDED, House, Outcome, branches, git, schema, shop

pytestmark = pytest.mark.night

NO_TIME = "import nightmend.durations\nnightmend.durations.seconds_of = lambda written: 0.0"
REFUSED = "a person reverted it by "


@dataclass
class Story:
    """The nights, and what the ledger holds behind them."""

    target: Path
    hurried: Outcome
    branches_of_hurried: list[str]
    whole: Outcome
    third: Outcome
    database: Path

    def told(self, query: str) -> list[tuple[object, ...]]:
        with sqlite3.connect(self.database) as ledger:
            return list(ledger.execute(query))


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> Story:
    folder = tmp_path_factory.mktemp("memory")
    house, target = House(folder / "home", prefect_server), shop(folder / "shop")
    hurried = house.recover(target, "--budget", "1m", saboteur=NO_TIME)
    left = branches(target)
    whole = house.recover(target)
    git(target, "merge", "-q", "--no-ff", "-m", "merge the night", whole.known["branch"])
    [mended] = [one for one in whole.kept if one["pattern"] == "raise-without-cause"]
    git(target, "revert", "--no-edit", mended["commit"])
    third = house.recover(target)
    [database] = house.home.glob("targets/*/ledger.db")
    return Story(target, hurried, left, whole, third, database)


def test_a_night_without_time_names_what_it_left_and_ends_well(story: Story) -> None:
    assert story.hurried.code == 0, story.hurried.said
    jsonschema.validate(story.hurried.known, schema())
    assert {one["verdict"] for one in story.hurried.known["repairs"]} == {"unreached"}
    assert story.branches_of_hurried == []
    assert "could be tried; the next night begins with them" in story.hurried.done.stdout
    assert "to act on, by tests of" in story.hurried.done.stdout


def test_the_next_one_takes_none_of_that_for_done(story: Story) -> None:
    assert story.whole.code == 0, story.whole.said
    assert list(story.whole.statuses.values()) == ["CACHED", "CACHED", "PASSED", "PASSED", "PASSED"]
    untried = [one["pattern"] for one in story.hurried.known["repairs"]]
    assert untried == [one["pattern"] for one in story.whole.kept]
    assert len(untried) == 2


def test_what_a_person_reverted_is_not_proposed_again(story: Story) -> None:
    assert story.third.code == 0, story.third.said
    [refused] = story.third.known["repairs"]
    assert refused["pattern"] == "raise-without-cause"
    assert (refused["verdict"], refused["reason"][: len(REFUSED)]) == ("refused", REFUSED)
    assert MENDED not in git(story.target, "show", "HEAD:shop.py")


def test_the_ledger_tells_the_nights_and_what_became_of_their_issues(story: Story) -> None:
    nights = [one.known["run"] for one in (story.hurried, story.whole, story.third)]
    runs = story.told("SELECT name, status, unreached FROM run ORDER BY name")
    assert runs == [(name, "PASSED", number) for name, number in zip(nights, (2, 0, 0), strict=True)]
    status = dict(story.told("SELECT fault, status FROM issue"))
    assert status["raise-without-cause"] == "open"
    assert status["f-string-without-placeholders"] == "resolved"
    assert story.told("SELECT kind FROM decision") == [("reverted",)]
    assert story.told("SELECT count(*) FROM agent_state")[0][0] >= 9
