import json
import subprocess
import sys

import pytest

from nightmend.detectors.registry import SUFFIX, detectors, taxonomies
from nightmend.detectors.taxonomy import OWNERS, Taxonomy, load_taxonomy
from nightmend.errors import UsageError
from nightmend.issue import CATEGORIES

DEFAULT = '[[rules]]\ncodes = [""]\ncategory = "quality"\nseverity = "low"\n'


def listed(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-I", "-m", *command], capture_output=True, text=True, check=True, cwd="/"
    )
    return done.stdout


def test_every_taxonomy_belongs_to_a_detector_of_its_name():
    names = "advisories bandit imports mypy nightmend pycodestyle pylint ruff"
    assert sorted(taxonomies()) == names.split()
    assert [detector.name for detector in detectors().values()] == list(taxonomies())


def test_every_category_has_an_owner():
    assert set(OWNERS) == set(CATEGORIES)


def test_every_code_in_the_taxonomy_of_ruff_is_one_that_ruff_has():
    rules = {
        rule["code"] or "" for rule in json.loads(listed("ruff", "rule", "--all", "--output-format", "json"))
    }
    rules |= {"invalid-syntax", "unread", "S614", "S615"}
    assert unknown(taxonomies()["ruff"], rules) == set()


def test_every_code_in_the_taxonomy_of_pylint_is_one_that_pylint_has():
    messages = listed("pylint", "--list-msgs-enabled")
    assert {code for code in unknown(taxonomies()["pylint"], set()) if code not in messages} == set()


def test_every_code_in_the_taxonomy_of_mypy_is_one_that_mypy_has():
    from mypy.errorcodes import error_codes

    codes = {*error_codes, "unread", ""}
    assert unknown(taxonomies()["mypy"], codes) == set()


def unknown(taxonomy: Taxonomy, rules: set[str]) -> set[str]:
    codes = {code for meaning in taxonomy.rules for code in meaning.codes}
    codes |= {*taxonomy.wide.select, *taxonomy.wide.ignore, *taxonomy.faults}
    return {code for code in codes if not any(rule.startswith(code) for rule in rules)}


def test_the_longest_code_says_what_a_rule_means_and_letters_are_a_family():
    taxonomy = taxonomies()["ruff"]
    assert taxonomy.fault("ruff", "S324") == "bandit:B324"
    assert taxonomy.fault("ruff", "SIM910") == "ruff:SIM910"
    assert taxonomy.fault("ruff", "PLW0127") == "pylint:W0127"
    assert taxonomy.fault("ruff", "F401") == taxonomies()["pylint"].fault("pylint", "W0611")
    assert (taxonomy.meaning("F821").severity, taxonomy.meaning("F841").severity) == ("high", "low")
    assert taxonomy.meaning("RUF006").owner == "async_optimization"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = [", "not valid TOML"),
        ('[[rules]]\ncodes = [""]\ncategory = "quality"\n', "rules.0.severity"),
        ('[[rules]]\ncodes = [""]\ncategory = "qualty"\nseverity = "low"\n', "rules.0.category"),
        (f"{DEFAULT}agnt = 'x'\n", "rules.0.agnt"),
        (f"{DEFAULT}agent = 'nobody'\n", "there is no agent 'nobody'"),
        (f"{DEFAULT}{DEFAULT}", "mean two things"),
        (DEFAULT.replace('""', '"F"'), "every other rule"),
        (f"[wide]\nselect = 3\n{DEFAULT}", "wide.select"),
    ],
)
def test_a_taxonomy_that_is_wrong_is_refused_with_its_file_and_key(tmp_path, text, says):
    place = tmp_path / f"tool{SUFFIX}"
    place.write_text(text)
    with pytest.raises(UsageError) as refused:
        load_taxonomy(place)
    assert says in str(refused.value)
    assert place.name in str(refused.value)
