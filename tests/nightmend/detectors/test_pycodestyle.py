import pytest

SOURCE = "x = 1\ny=2\nz = '" + "z" * 80 + "'\n"


def found(findings) -> set[tuple[int, str, bool]]:
    return {(finding.line, finding.rule, finding.enabled) for finding in findings}


def test_everything_is_counted_and_nothing_enabled_where_the_target_says_nothing(look):
    assert found(look("pycodestyle", {"a.py": SOURCE})) == {(2, "E225", False), (3, "E501", False)}


@pytest.mark.parametrize(
    ("configuration", "wanted"),
    [
        ({"setup.cfg": "[flake8]\nextend-ignore = E501\n"}, {(2, "E225", True), (3, "E501", False)}),
        ({"setup.cfg": "[flake8]\nmax-line-length = 100\n"}, {(2, "E225", True)}),
        ({"pyproject.toml": "[tool.ruff]\nline-length = 100\n"}, {(2, "E225", False)}),
        ({"tox.ini": "[pycodestyle]\nignore = E225\n"}, {(2, "E225", False), (3, "E501", True)}),
        (
            {"setup.cfg": "[flake8]\nper-file-ignores = a.py:E\n"},
            {(2, "E225", False), (3, "E501", False)},
        ),
    ],
)
def test_the_target_says_what_is_enabled_and_how_long_a_line_may_be(look, configuration, wanted):
    assert found(look("pycodestyle", {"a.py": SOURCE, **configuration})) == wanted


def test_a_configuration_that_pycodestyle_would_have_obeyed_changes_no_count(look):
    files = {"a.py": SOURCE, "setup.cfg": "[pycodestyle]\nexclude = a.py\n"}
    assert {rule for _, rule, _ in found(look("pycodestyle", files))} == {"E225", "E501"}


def test_a_file_that_cannot_be_tokenised_costs_no_other(look):
    findings = look("pycodestyle", {"a.py": SOURCE, "b.py": b"x = '\xff'\n", "c.py": "x = (\n"})
    assert {rule for line, rule, _ in found(finding for finding in findings if finding.path == "a.py")} == {
        "E225",
        "E501",
    }


def test_two_processes_find_what_one_does(look, monkeypatch):
    files = {f"m{number}.py": SOURCE for number in range(5)}
    one = {(finding.path, finding.line, finding.rule) for finding in look("pycodestyle", files)}
    monkeypatch.setattr("nightmend.detectors.pycodestyle.WORTH_A_PROCESS", 1)
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert {(finding.path, finding.line, finding.rule) for finding in look("pycodestyle", files)} == one
    assert len(one) == 10
