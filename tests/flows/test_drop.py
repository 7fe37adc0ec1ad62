"""A person drops a repair of last night's branch: the rest is proved, told anew, and the next night obeys."""

import ast
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import pytest

from tests.flows.driving import MENDED, House, Outcome, branches, git, schema, shop, untouched

pytestmark = pytest.mark.night


@dataclass
class Story:
    """A night, one repair of it dropped, and the night after."""

    target: Path
    before: dict[str, str]
    night: Outcome
    gone: dict[str, object]
    dropped: Outcome
    text: str
    """What the shop was on the branch behind the drop."""
    again: Outcome


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> Story:
    folder = tmp_path_factory.mktemp("drop")
    house, target = House(folder / "home", prefect_server), shop(folder / "shop")
    before = untouched(target)
    night = house.recover(target)
    [gone] = [repair for repair in night.kept if repair["agent"] != "code_quality"]
    dropped = house.run("drop", night.known["run"], gone["id"])
    text = git(target, "show", f"{night.known['branch']}:shop.py")
    return Story(target, before, night, gone, dropped, text, house.recover(target))


def test_the_branch_is_the_same_without_it(story: Story) -> None:
    assert story.night.code == 0, story.night.said
    assert story.dropped.code == 0, story.dropped.said
    assert MENDED not in story.text
    assert 'return "come in"' in story.text, "the other repair stays"
    ast.parse(story.text)
    assert f"repair {story.gone['id']} is off the branch: a person dropped it on" in story.dropped.done.stdout


def test_the_report_tells_of_it_and_keeps_its_contract(story: Story) -> None:
    known = story.dropped.known
    jsonschema.validate(known, schema())
    assert known["run"] == story.night.known["run"]
    [repair] = [one for one in known["repairs"] if one["id"] == story.gone["id"]]
    assert (repair["verdict"], repair["commit"], repair["patch"]) == ("rolled_back", None, None)
    assert [one["id"] for one in story.dropped.kept] != []
    assert known["issues"]["resolved"] < story.night.known["issues"]["resolved"]


def test_the_next_night_refuses_it_and_replaces_the_branch(story: Story) -> None:
    assert story.again.code == 0, story.again.said
    [refused] = [one for one in story.again.known["repairs"] if one["id"] == story.gone["id"]]
    assert (refused["verdict"], refused["reason"][:23]) == ("refused", "a person dropped it on ")
    assert list(story.again.statuses.values())[:2] == ["CACHED", "CACHED"]
    assert story.again.known["replaced"] == story.night.known["branch"]
    assert branches(story.target) == [story.again.known["branch"]]
    assert git(story.target, "show", f"{story.again.known['branch']}:shop.py") == story.text


def test_nothing_else_of_the_repository_changes(story: Story) -> None:
    assert untouched(story.target) == story.before
