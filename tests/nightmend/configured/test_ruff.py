from nightmend.configured.files import parse_files
from nightmend.configured.ruff import RuffTable, ruff_tables, selected, table_of


def tables(**files: str) -> tuple[RuffTable, ...]:
    return ruff_tables(parse_files({path: text.encode() for path, text in files.items()}))


def only(text: str) -> RuffTable:
    (table,) = tables(**{"ruff.toml": text})
    return table


def test_settings_that_read_write_or_fix_are_left_out():
    table = only(
        'cache-dir = "/x"\noutput-format = "sarif"\nfix = true\nrequired-version = "==1"\ninclude = ["*"]\n'
        'line-length = 90\n[lint]\nselect = ["F"]\nfuture-key = 1\n[format]\nquote-style = "single"\n'
    )
    assert table.top == {"line-length": 90}
    assert table.lint == {"select": ["F"]}


def test_keys_of_older_releases_at_the_top_count_as_lint():
    assert only('select = ["F"]\n[isort]\nforce-single-line = true\n').lint == {
        "select": ["F"],
        "isort": {"force-single-line": True},
    }


def test_a_target_that_chose_nothing_gets_the_defaults_that_ruff_had_for_years():
    assert dict(selected(only("line-length = 90\n")))["select"] == ["E4", "E7", "E9", "F"]


def test_pyproject_counts_only_with_a_table_for_ruff_and_the_file_of_ruffs_own_comes_first():
    found = tables(
        **{"pyproject.toml": "[tool.black]\n", "a/pyproject.toml": "[tool.ruff]\nline-length = 70\n"}
    )
    assert [table.folder for table in found] == ["a"]
    both = tables(**{"pyproject.toml": "[tool.ruff]\nline-length = 1\n", ".ruff.toml": "line-length = 2\n"})
    assert [table.top for table in both] == [{"line-length": 2}]


def test_the_nearest_table_rules_a_file():
    found = tables(**{"ruff.toml": "line-length = 1\n", "a/b/ruff.toml": "line-length = 2\n"})
    nearest = {path: table_of(found, path) for path in ("x.py", "a/x.py", "a/b/x.py", "a/bc/x.py")}
    assert {path: table.top["line-length"] for path, table in nearest.items() if table} == {
        "x.py": 1, "a/x.py": 1, "a/b/x.py": 2, "a/bc/x.py": 1,
    }  # fmt: skip
    assert table_of(found[1:], "x.py") is None


def test_a_table_is_laid_over_the_one_it_extends():
    found = tables(
        **{
            "ruff.toml": 'line-length = 70\n[lint]\nselect = ["F"]\nignore = ["F401"]\n'
            '[lint.per-file-ignores]\n"docs/*" = ["F"]\n',
            "a/ruff.toml": 'extend = "../ruff.toml"\nline-length = 80\n[lint]\nextend-select = ["B"]\n'
            'ignore = ["B008"]\n[lint.extend-per-file-ignores]\n"gen/*" = ["B"]\n',
        }
    )
    assert found[1].top == {"line-length": 80}
    assert found[1].lint == {
        "select": ["F"],
        "extend-select": ["B"],
        "ignore": ["F401", "B008"],
        "per-file-ignores": {"docs/*": ["F"]},
        "extend-per-file-ignores": {"a/gen/*": ["B"]},
    }


def test_a_select_of_its_own_starts_afresh():
    found = tables(
        **{
            "base.toml": "",
            "ruff.toml": '[lint]\nselect = ["F"]\nignore = ["F401"]\nextend-select = ["B"]\n',
            "a/ruff.toml": 'extend = "../ruff.toml"\n[lint]\nselect = ["E"]\n',
        }
    )
    assert found[1].lint == {"select": ["E"]}


def test_extending_a_file_outside_the_tree_or_itself_reads_and_hangs_nothing():
    assert only('extend = "../../etc/ruff.toml"\nline-length = 70\n').top == {"line-length": 70}
    assert only('extend = "ruff.toml"\nline-length = 70\n').top == {"line-length": 70}


def test_folders_of_the_targets_own_imports_are_told_from_the_root():
    found = tables(**{"ruff.toml": "src = ['lib', '../up', '/abs']\n", "a/ruff.toml": "line-length = 80\n"})
    assert [table.src for table in found] == [("lib",), ("a", "a/src")]
