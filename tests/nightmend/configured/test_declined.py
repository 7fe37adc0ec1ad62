import pytest

from nightmend.diagnosis.diagnosis import diagnose
from nightmend.targets.config import target_config

BARE = ("ruff:E722", "pylint:W0702", "pylint:bare-except")
CONTEXT = ("ruff:SIM115",)


def declined(workspace_of, files):
    workspace = workspace_of({"app.py": "x = 1\n", **files})
    return target_config(workspace.store, workspace.night.base).declined


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("ruff.toml", '[lint]\nignore = ["E722"]\n'),
        ("pyproject.toml", '[tool.ruff.lint]\nselect = ["B"]\nextend-ignore = ["E7"]\n'),
        ("pyproject.toml", '[tool.ruff]\nignore = ["E"]\n'),
        (".flake8", "[flake8]\nextend-ignore = E203, E722\n"),
        ("setup.cfg", "[flake8]\nignore =\n    E722\n    W503\n"),
        ("tox.ini", "[testenv:lint]\ncommands=\n    flake8 --ignore=W503,E402,E722 src\n"),
        ("tox.ini", "[testenv:lint]\ncommands = python -m flake8 --extend-ignore E722 src\n"),
        (".pylintrc", "[MESSAGES CONTROL]\ndisable=raw-checker-failed,\n    bare-except\n"),
        ("pyproject.toml", '[tool.pylint.messages_control]\ndisable = ["W0702"]\n'),
    ],
)
def test_a_rule_is_declined_wherever_the_target_says_so(workspace_of, path, content):
    said = declined(workspace_of, {path: content})
    assert said.covers(BARE, "src/app.py")
    assert not said.covers(("ruff:B904", "pylint:W0707"), "src/app.py")


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("ruff.toml", '[lint]\nselect = ["B"]\n'),
        ("ruff.toml", '[lint]\nignore = ["S", "SIM1"]\n'),
        (".flake8", "[flake8]\nmax-line-length = 100\n"),
        ("tox.ini", "[testenv]\ncommands = pytest --ignore=E722\n"),
        ("tox.ini", "[testenv]\ncommands = flake8 'unclosed --ignore=E722\n"),
        (".pylintrc", "[MESSAGES CONTROL]\ndisable=all\nenable=W0707\n"),
    ],
)
def test_silence_declines_nothing(workspace_of, path, content):
    assert not declined(workspace_of, {path: content}).covers(BARE, "src/app.py")


def test_letters_alone_are_a_family_and_no_prefix(workspace_of):
    said = declined(workspace_of, {"ruff.toml": '[lint]\nignore = ["S"]\n'})
    assert said.covers(("bandit:B614", "ruff:S614"), "app.py")
    assert not said.covers(CONTEXT, "app.py")


def test_a_rule_may_be_declined_in_some_files_only(workspace_of):
    ignores = (
        '[lint.per-file-ignores]\n"__init__.py" = ["F401"]\n"src/old/*" = ["F401"]\n"!src/*" = ["E722"]\n'
    )
    said = declined(workspace_of, {"ruff.toml": ignores})
    unused = ("ruff:F401", "pylint:W0611")
    assert [said.covers(unused, path) for path in ("pkg/__init__.py", "src/old/a.py", "src/new/a.py")] == [
        True, True, False,
    ]  # fmt: skip
    assert [said.covers(BARE, path) for path in ("src/a.py", "bin/a.py")] == [False, True]


def test_what_is_declined_is_known_and_left_alone(workspace_of):
    source = "def f(g):\n    try:\n        g()\n    except:\n        g = None\n    return g\n"
    found = {}
    for name, config in (("silent", ""), ("declines", "[flake8]\nextend-ignore = E722\n")):
        workspace = workspace_of({"app.py": source, "setup.cfg": config})
        issues = diagnose(workspace, workspace.night.base, deep=False).issues
        [found[name]] = [issue for issue in issues if issue.fault == "bare-except"]
    assert found["silent"].actionable
    assert not found["declines"].actionable
