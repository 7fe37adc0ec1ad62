"""Loading patterns: what is broken is named by its file and field, in one sentence."""

import pickle
from pathlib import Path

import pytest

from nightmend.agents import AGENTS
from nightmend.patterns.loader import check_linter_fixes, code_of, load_patterns
from nightmend.patterns.pattern import PatternError

DATA = """
severity = "low"
safety = "safe"
why = "It is a fault."
references = ["https://docs.python.org/3/"]
seen = "never seen"
detect = { code = true }
rewrite = { codemod = true }

[[example]]
before = "a = 1"
after = "a = 2"

[[unchanged]]
source = "b = 1"
because = "it is b"
"""
CODE = """
def find(module):
    return []


def rewrite(module, fault):
    return None
"""


def pattern(folder: Path, data: str = DATA, code: str | None = CODE, name: str = "some_fault") -> Path:
    home = folder / "code_quality"
    home.mkdir(exist_ok=True)
    (home / f"{name}.toml").write_text(data, encoding="utf-8")
    if code is not None:
        (home / f"{name}.py").write_text(code, encoding="utf-8")
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(PatternError) as caught:
        load_patterns(folder)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert str(folder) in sentence
    assert str(pickle.loads(pickle.dumps(caught.value))) == sentence
    return sentence


def test_a_pattern_takes_name_agent_and_category_from_its_place(tmp_path: Path) -> None:
    loaded = load_patterns(pattern(tmp_path))["some-fault"]
    assert (loaded.name, loaded.agent, loaded.category) == ("some-fault", "code_quality", "quality")
    assert list(code_of(loaded).find(None)) == []  # type: ignore[arg-type]


def test_our_own_patterns_load_and_belong_to_agents() -> None:
    patterns = load_patterns()
    assert len(patterns) > 30
    assert {one.agent for one in patterns.values()} <= set(AGENTS)
    assert all(name == one.name for name, one in patterns.items())


def test_every_linter_rule_that_we_rely_on_has_a_fix() -> None:
    check_linter_fixes(load_patterns().values())


def test_a_linter_rule_without_a_fix_is_refused(tmp_path: Path) -> None:
    data = DATA.replace("code = true", 'ruff = "B904"').replace("codemod = true", 'ruff = "B904"')
    patterns = load_patterns(pattern(tmp_path, data, code=None))
    with pytest.raises(PatternError, match=r"some-fault: rewrite\.ruff = B904, a rule without a fix"):
        check_linter_fixes(patterns.values())


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('safety = "safe"', 'safety = "sure"', "safety"),
        ('safety = "safe"', "", "safety"),
        ('seen = "never seen"', 'seen = "never seen"\ncolour = "red"', "colour"),
        ('why = "It is a fault."', 'why = ""', "why"),
        ("[[unchanged]]", "[[unknown]]", "unchanged"),
        ('because = "it is b"', "", "because"),
        ('after = "a = 2"', 'after = "a = 1"', "before and after are the same"),
        ("detect = { code = true }", 'detect = { code = true, ruff = "F401" }', "detect"),
        ("detect = { code = true }", 'detect = { ruff = "F401" }', "detect.code and rewrite.codemod"),
        ('severity = "low"', 'severity = "low"\naliases = ["B904"]', "aliases.0"),
        ('severity = "low"', 'severity = "low"\nagent = "code_quality"', "agent"),
        ('severity = "low"', 'severity = "low"\nname = "x"', "name"),
        ('severity = "low"', "severity = low", "not valid TOML"),
    ],
)
def test_a_broken_field_is_named(tmp_path: Path, old: str, new: str, field: str) -> None:
    assert old in DATA
    assert field in refusal(pattern(tmp_path, DATA.replace(old, new)))


def test_code_that_is_missing_is_named(tmp_path: Path) -> None:
    assert "some_fault.py" in refusal(pattern(tmp_path, code=None))


def test_code_without_a_function_is_named(tmp_path: Path) -> None:
    assert "rewrite" in refusal(pattern(tmp_path, code="def find(module):\n    return []\n"))


def test_code_that_does_not_load_is_named(tmp_path: Path) -> None:
    assert "ZeroDivisionError" in refusal(pattern(tmp_path, code="1 / 0\n"))


def test_code_without_a_pattern_is_named(tmp_path: Path) -> None:
    pattern(tmp_path)
    (tmp_path / "code_quality" / "orphan.py").write_text(CODE, encoding="utf-8")
    assert "orphan.toml" in refusal(tmp_path)


def test_code_beside_a_linter_pattern_is_refused(tmp_path: Path) -> None:
    data = DATA.replace("code = true", 'ruff = "F541"').replace("codemod = true", 'ruff = "F541"')
    assert "does not say code = true" in refusal(pattern(tmp_path, data))


def test_a_rule_belongs_to_one_pattern(tmp_path: Path) -> None:
    data = DATA.replace('severity = "low"', 'severity = "low"\naliases = ["ruff:B904"]')
    pattern(tmp_path, data, name="first")
    assert "`ruff:B904` already belongs to the pattern first" in refusal(
        pattern(tmp_path, data, name="second")
    )


def test_a_folder_that_is_no_agent_is_refused(tmp_path: Path) -> None:
    (tmp_path / "nobody").mkdir()
    (tmp_path / "nobody" / "fault.toml").write_text(DATA, encoding="utf-8")
    assert "nobody" in refusal(tmp_path)


def test_every_pattern_says_in_a_title_of_its_own_what_its_commits_do() -> None:
    titles = [found.title for found in load_patterns().values()]
    assert None not in titles
    assert len(set(titles)) == len(titles)


def test_a_title_that_is_no_line_of_a_log_is_refused(tmp_path: Path) -> None:
    for title in ("lower case", "With a full stop.", "So long that nobody reads it " * 3):
        assert "title" in refusal(pattern(tmp_path, f'title = "{title}"\n{DATA}'))
