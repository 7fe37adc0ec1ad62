from nightmend.configured.bandit import bandit_selection
from nightmend.configured.files import parse_files


def test_tests_and_skips_are_taken_by_number_and_by_name():
    chosen = bandit_selection(parse_files({".bandit": b"[bandit]\nskips: B101, exec_used\nexclude: docs\n"}))
    assert chosen is not None
    assert not chosen.enables("B101", "assert_used", "a.py")
    assert not chosen.enables("B102", "exec_used", "a.py")
    assert chosen.enables("B324", "hashlib", "a.py")
    assert not chosen.enables("B324", "hashlib", "docs/a.py")


def test_chosen_tests_are_the_only_ones():
    chosen = bandit_selection(parse_files({"pyproject.toml": b'[tool.bandit]\ntests = ["B324"]\n'}))
    assert chosen is not None
    assert chosen.enables("B324", "hashlib", "a.py")
    assert not chosen.enables("B102", "exec_used", "a.py")


def test_no_word_on_bandit_is_no_selection():
    assert bandit_selection(parse_files({"pyproject.toml": b"[tool.ruff]\n"})) is None
