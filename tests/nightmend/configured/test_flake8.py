import pytest

from nightmend.configured.files import parse_files
from nightmend.configured.flake8 import CodeSelection, flake8_selection, matches, pycodestyle_selection


def selection(text: str, path: str = ".flake8") -> CodeSelection:
    found = flake8_selection(parse_files({path: text.encode()}))
    assert found is not None
    return found


def test_flake8_enables_its_own_plugins_and_leaves_out_what_it_ignores_by_default():
    chosen = selection("[flake8]\n")
    verdicts = {
        code: chosen.enables(code, "a.py")
        for code in ("E501", "F401", "W605", "C901", "B006", "W503", "E241")
    }
    assert verdicts == {
        "E501": True, "F401": True, "W605": True, "C901": True, "B006": False, "W503": False, "E241": False,
    }  # fmt: skip


def test_an_ignore_replaces_the_default_and_an_extension_adds_to_it():
    assert selection("[flake8]\nignore = E501\n").enables("W503", "a.py")
    extended = selection("[flake8]\nextend-ignore = E501, E203\nextend_select = B\n")
    assert not extended.enables("W503", "a.py")
    assert not extended.enables("E501", "a.py")
    assert extended.enables("B006", "a.py")


def test_the_longer_prefix_wins():
    chosen = selection("[flake8]\nselect = E, E501\nignore = E5\n")
    assert chosen.enables("E501", "a.py")
    assert not chosen.enables("E502", "a.py")


@pytest.mark.parametrize(
    "text",
    [
        "\n    __init__.py: F401\n    tests/*,docs/x.py: E501, W291\n",
        " __init__.py:F401 tests/*:E501,W291 docs/x.py:E501 W291",
    ],
)
def test_per_file_ignores_are_read_in_lines_and_in_one(text: str):
    chosen = selection(f"[flake8]\nper-file-ignores ={text}")
    assert dict(chosen.per_file_ignores) == {
        "__init__.py": ("F401",),
        "tests/*": ("E501", "W291"),
        "docs/x.py": ("E501", "W291"),
    }
    assert not chosen.enables("F401", "a/__init__.py")
    assert chosen.enables("F401", "a/b.py")
    assert not chosen.enables("E501", "tests/deep/a.py")


def test_excluded_files_have_nothing_enabled():
    assert not selection("[flake8]\nexclude = build, a/gen\n").enables("F401", "x/build/y.py")
    assert not selection("[flake8]\nexclude = build, a/gen\n").enables("F401", "a/gen/y.py")
    assert selection("[flake8]\nexclude = build, a/gen\n").enables("F401", "b/a/gen2/y.py")


def test_patterns_match_names_anywhere_and_paths_from_the_root():
    assert matches("*.pyi", "a/b.pyi")
    assert matches("./a/", "a/b.py")
    assert not matches("a/b.py", "x/a/b.py")


def test_words_that_are_no_codes_are_dropped():
    assert selection("[flake8]\nignore = E501, because:, x\n").ignore == ("E501",)


def test_the_first_file_with_a_section_counts():
    files = parse_files(
        {"setup.cfg": b"[flake8]\nmax-line-length = 90\n", ".flake8": b"[flake8]\nmax-line-length = 80\n"}
    )
    chosen = flake8_selection(files)
    assert chosen is not None
    assert (chosen.path, chosen.max_line_length) == ("setup.cfg", 90)
    assert flake8_selection(parse_files({"tox.ini": b"[tox]\n"})) is None


def test_pycodestyle_has_a_section_of_its_own():
    chosen = pycodestyle_selection(parse_files({"setup.cfg": b"[pycodestyle]\nmax_line_length = 100\n"}))
    assert chosen is not None
    assert chosen.max_line_length == 100
    assert chosen.enables("E501", "a.py")
    assert not chosen.enables("F401", "a.py")
