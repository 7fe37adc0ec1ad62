"""A night on a repository full of secrets and hostile names: none of either leaves it."""

import json
import re
import sqlite3
import subprocess
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.flows.driving import House, Outcome, branches, git, shop

pytestmark = pytest.mark.night

RANDOM = "q7Zr2Kx9" + "Lw4Tn8Vb" + "3Hy6Jd1M" + "s5Pc0FgA"
GITHUB = "ghp_" + RANDOM + "AAAA"
SLACK = "xoxb-" + "123456789012-" + RANDOM
PASSWORD = "Tr0ub4dor&3horse"
IN_TEST = "sk_live_" + RANDOM[::-1]
IN_FAILURE = "glpat-" + RANDOM[:20]
IN_LINK = "s3cr3tOfTheDocs9"
KEY_LINE = RANDOM * 2
PLANTED = (RANDOM, GITHUB, SLACK, PASSWORD, IN_TEST, IN_FAILURE, IN_LINK, KEY_LINE)
HOSTILE = "<img src=x onerror=alert(1)>\x1b[31m"

CODE = f'''\
"""Deliveries of a shop."""

import os

TOKEN = os.environ.get("SHOP_TOKEN", "{RANDOM}")
KEY = """-----BEGIN PRIVATE KEY-----
{KEY_LINE}
{KEY_LINE[::-1]}
-----END PRIVATE KEY-----"""


def login(prices: dict[str, int], name: str, password: str = "{PASSWORD}") -> int:
    """Return the price of a thing, {GITHUB}."""
    try:
        return prices[name]
    except KeyError:
        raise ValueError(f"{SLACK} {{name}} {{password}}")


def folder(path: str) -> None:
    """Make a folder."""
    if not os.path.exists(path):
        os.makedirs(path)


def url() -> str:
    """Return where the shop is."""
    return f"postgres://shop:{PASSWORD}@localhost/shop"
'''
TESTS = f'''\
import importlib

import pytest

from shop import folder, login


@pytest.mark.parametrize("token", ["{IN_TEST}", "\\x1b[31m<b>bold</b>"])
def test_known(token):
    assert login({{"tea": 3}}, "tea") == 3


def test_unknown():
    with pytest.raises(ValueError):
        login({{}}, "tea")


def test_folder(tmp_path):
    folder(str(tmp_path / "new"))
    assert (tmp_path / "new").is_dir()


@pytest.mark.parametrize("token", ["{IN_TEST}"])
def test_what_others_import_from_there(token):
    readers = importlib.import_module("readers")
    assert getattr(readers, "js" + "on").loads("3") == readers.three()


def test_that_fails():
    print("{IN_FAILURE}")
    assert "{IN_FAILURE}" == "{PASSWORD}"
'''
READERS = '"""Read."""\n\nimport json\n\n\ndef three() -> int:\n    """Return three."""\n    return 3\n'
DOCUMENT = f"# Shop\n\nSee [the guide](missing/{GITHUB}.md) or https://shop:{IN_LINK}@example.org/.\n"
BARE = 'def f(x):\n    """Return it."""\n    try:\n        return x\n    except:\n        return f"none"\n'


@dataclass
class Night:
    """One night on that repository."""

    house: House
    target: Path
    outcome: Outcome

    @property
    def written(self) -> dict[str, str]:
        """All that the night wrote for people, and all that reached Prefect."""
        texts = {
            str(path.relative_to(self.outcome.folder)): path.read_text(errors="surrogateescape")
            for path in self.outcome.folder.rglob("*")
            if path.is_file()
        }
        logs = {path.name: path.read_text(errors="replace") for path in self.house.home.rglob("*.log")}
        return {**texts, **logs, "terminal": self.outcome.said, **self._prefect()}

    def _prefect(self) -> dict[str, str]:
        database = self.house.home / "prefect" / "prefect.db"
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as opened:
            tables = [name for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type='table'")]
            return {
                f"prefect: {table}": repr(list(opened.execute(f'SELECT * FROM "{table}"')))
                for table in tables
            }


@pytest.fixture(scope="module")
def night(tmp_path_factory) -> Night:
    folder = tmp_path_factory.mktemp("secrets")
    house = House(folder / "home")
    files = {
        "shop.py": CODE,
        "tests/test_shop.py": TESTS,
        "README.md": DOCUMENT,
        "readers.py": READERS,
        f"{HOSTILE}.py": BARE,
        f"{GITHUB}.py": BARE,
    }
    target = shop(folder / "a shop <b>&\x1b", files)
    return Night(house, target, house.recover(target))


def test_the_night_passes_and_repairs_beside_the_secrets(night):
    assert night.outcome.code == 0, night.outcome.said
    kept = {(repair["pattern"], repair["files"][0]) for repair in night.outcome.kept}
    assert ("raise-without-cause", "shop.py") in kept
    assert any(name.startswith("<img") for _, name in kept)
    assert night.outcome.known["tests"]["usable"]
    assert night.outcome.known["tests"]["after"]["failed"] == 1
    (broken,) = [one for one in night.outcome.known["repairs"] if one["verdict"] == "rolled_back"]
    assert broken["evidence"]["tests_broken"] == [
        "tests/test_shop.py::test_what_others_import_from_there[[masked Stripe key]]"
    ]


def test_no_secret_leaves(night):
    written = night.written
    assert {"report.json", "report.html", "pull-request.md", "before.sarif", "after.sarif"} <= written.keys()
    assert {"prefect: artifact", "prefect: log", "prefect: flow_run"} <= written.keys()
    assert GITHUB in CODE
    found = {(place, secret) for place, text in written.items() for secret in PLANTED if secret in text}
    assert found == set()
    assert "[masked " in written["report.html"]


def test_the_commits_hold_what_the_target_holds(night):
    source = git(night.target, "show", f"{branches(night.target)[0]}:shop.py")
    assert all(secret in source for secret in (GITHUB, SLACK, PASSWORD, KEY_LINE))


def test_a_repair_that_shows_a_secret_has_no_patch_but_a_commit(night):
    (cause,) = [one for one in night.outcome.kept if one["pattern"] == "raise-without-cause"]
    assert cause["patch"] is None
    assert "masked" in cause["no_patch"]
    assert (
        cause["commit"] in night.written["report.html"]
        or cause["commit"][:12] in night.written["report.html"]
    )
    others = [one for one in night.outcome.kept if one["patch"]]
    assert others
    clone = night.house.home / "clone"
    git(night.target, "clone", "-q", "--branch", branches(night.target)[0], night.target, clone)
    for one in others:
        git(clone, "apply", "--reverse", night.outcome.folder / one["patch"])


def test_no_markup_and_no_control_sequence_leaves(night):
    tags, attributes = set(), set()

    class Elements(HTMLParser):
        def handle_starttag(self, tag, attrs):
            tags.add(tag)
            attributes.update(name for name, _ in attrs)

    written = night.written
    Elements().feed(written["report.html"])
    assert not tags & {"img", "script", "iframe"}
    assert not [name for name in attributes if name.startswith("on")]
    assert "\x1b" not in "".join(written[name] for name in ("report.html", "pull-request.md", "terminal"))
    assert "\x1b" not in json.dumps([json.loads(written["after.sarif"])], ensure_ascii=False)
    body = re.sub(r"`+[^`]*`+", "", written["pull-request.md"])
    assert not re.search(r"(?<!\\)<\w", body)


def test_artifacts_have_no_markup_of_the_target(night):
    database = night.house.home / "prefect" / "prefect.db"
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as opened:
        rows = opened.execute("SELECT data FROM artifact WHERE type = 'markdown'").fetchall()
    assert rows
    for (data,) in rows:
        assert "\\u001b" not in data
        assert not re.search(r"(?<!\\)<img", re.sub(r"`+[^`]*`+", "", json.loads(data)))


def test_git_is_content_with_the_branch(night):
    done = subprocess.run(
        ["git", "-C", night.target, "fsck", "--strict"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
