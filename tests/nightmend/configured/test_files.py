from nightmend.configured.files import config_paths, parse_files, strings, whole


def test_only_files_that_configure_a_tool_are_read_and_nested_ones_only_for_ruff():
    paths = ["a/b/pyproject.toml", "setup.cfg", "a/setup.cfg", "pyproject.toml", "a/x.py", "a/.ruff.toml"]
    assert config_paths(paths) == ["pyproject.toml", "setup.cfg", "a/.ruff.toml", "a/b/pyproject.toml"]


def test_a_broken_file_is_a_finding_and_costs_no_other_file():
    files = parse_files(
        {
            "pyproject.toml": b"[tool.ruff\n",
            "setup.cfg": b"no section\n",
            "tox.ini": b"[flake8]\nignore = E1\n",
            "ruff.toml": b"x = '\xff'",
        }
    )
    assert [finding.path for finding in files.broken] == ["pyproject.toml", "setup.cfg", "ruff.toml"]
    assert {finding.rule for finding in files.broken} == {"broken-configuration"}
    assert files.section("tox.ini", "flake8") == {"ignore": "E1"}


def test_what_a_pathological_file_holds_is_broken_and_ends_nothing():
    files = parse_files({"pyproject.toml": b"a = " + b"[" * 100_000})
    assert files.broken
    assert files.toml == {}


def test_values_that_only_toml_has_are_left_out():
    files = parse_files({"pyproject.toml": b"[tool.ruff]\nday = 2026-01-01\nline-length = 90\n"})
    assert files.table("pyproject.toml", "tool", "ruff") == {"line-length": 90}


def test_a_table_is_none_as_soon_as_something_else_stands_there():
    files = parse_files({"pyproject.toml": b"tool = 3\n"})
    assert files.table("pyproject.toml", "tool", "ruff") is None
    assert files.table("other.toml", "tool") is None


def test_lists_come_as_toml_or_as_text():
    assert strings("E1, E2\n W1") == ("E1", "E2", "W1")
    assert strings(["E1", 3]) == ("E1",)
    assert strings(None) == ()


def test_whole_numbers_come_as_toml_or_as_text_and_nothing_else_is_one():
    assert [whole(value) for value in (88, "100", "none", -1, True, None, 0)] == [
        88, 100, None, None, None, None, None,
    ]  # fmt: skip
