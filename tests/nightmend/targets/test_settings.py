"""A target's own settings: read as data, refused by name, and never a way to more than a night may do."""

import re

import pytest

from nightmend.diagnosis.diagnosis import diagnose
from nightmend.errors import UsageError
from nightmend.nights import open_night
from nightmend.patterns.loader import load_patterns
from nightmend.proof.baseline import establish_baseline
from nightmend.proof.judge import judge
from nightmend.repairs.proposing import propose_all
from nightmend.targets.settings import TargetSettings, target_settings
from nightmend.targets.trees import documents, python_sources
from nightmend.workspace import Workspace

FAULTY = "import json\nimport os\n\n\ndef f():\n    return os.sep, f'x'\n"


@pytest.fixture
def settings_of(workspace_of):
    def read(text, **files):
        workspace = workspace_of({"a.py": "a = 1\n", "tests/test_a.py": "", "pyproject.toml": text, **files})
        return target_settings(workspace.store, workspace.night.base)

    return read


@pytest.fixture
def opened(workspace_of, tmp_path):
    """Open a night on these files as a run does, and its workspace."""

    def open_workspace(files, **options):
        target = workspace_of(files).target
        return Workspace(open_night(target.path, home=tmp_path / "home", **options))

    return open_workspace


def table(lines):
    return f"[tool.nightmend]\n{lines}\n"


def test_a_target_that_says_nothing_leaves_everything_open(settings_of):
    settings = settings_of("[project]\nname = 'a'\n")
    assert settings == TargetSettings()
    assert settings.covers("a.py")


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("exlude = ['a']", "has the unknown key `exlude`: known are include, exclude, rules"),
        ("network = true", "has the unknown key `network`"),
        ("include = 'src'", "include in .* is not a list of path patterns"),
        ("exclude = [1]", "exclude in .* is not a list of path patterns"),
        ("rules = ['unused-import']", "rules in .* is not a table of names with true or false"),
        ("rules = {unused-import = 'no'}", "rules in .* is not a table"),
        ("rules = {unused-imports = false}", "has `unused-imports`, which is neither a pattern"),
        ("rules = {'flake9:X1' = false}", "has `flake9:X1`"),
        ("test_command = 7", "test_command in .* is not a command line"),
        ("profile = 'loose'", "profile in .* is not `ratchet` or `strict`"),
        ("environment = ['test']", "environment in .* is not a table of `extras` and `groups`"),
        ("environment = {extras = 'test'}", "environment in .* is not a table"),
        ("environment = {index = ['x']}", "environment in .* is not a table"),
        ("max_state = 'much'", "max_state in .* is not a number of bytes"),
        ("max_state = 5", "max_state in .* is not a number of bytes"),
        ("unsafe_fixes = 'yes'", "unsafe_fixes in .* is not true or false"),
        ("exclude = ['!']", "path pattern that .gitignore could not have"),
        ("include = ['nowhere/']", "leave no file of the target"),
        ("exclude = ['*']", "leave no file of the target"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name_in_one_sentence(settings_of, lines, says):
    with pytest.raises(UsageError, match=says) as refused:
        settings_of(table(lines))
    assert "\n" not in str(refused.value)
    assert refused.value.exit_code == 2


def test_settings_that_are_no_table_are_refused(settings_of):
    with pytest.raises(UsageError, match="is no table"):
        settings_of("[tool]\nnightmend = 1\n")


def test_settings_in_a_file_that_cannot_be_read_are_not_passed_over(settings_of):
    with pytest.raises(UsageError, match="cannot be read"):
        settings_of(table("exclude = ['a'"))
    assert settings_of("[tool.ruff\n") == TargetSettings(), "that is for the diagnosis to report"


@pytest.mark.integration
def test_include_and_exclude_choose_what_is_looked_at(opened):
    files = {
        "pyproject.toml": table("include = ['src/', 'docs/']\nexclude = ['src/old/**', '!src/old/kept.py']"),
        **dict.fromkeys(
            ("src/a.py", "src/old/b.py", "src/old/kept.py", "other.py", "src/vendor/c.py"), FAULTY
        ),
        "docs/a.md": "# A\n",
        "README.md": "# B\n",
    }
    workspace = opened(files)
    base = workspace.night.base
    assert list(python_sources(workspace, base)) == ["src/a.py", "src/old/kept.py"], "vendored stays closed"
    assert list(documents(workspace, base)) == ["docs/a.md"]
    found = diagnose(workspace, base, deep=False)
    assert {issue.path for issue in found.issues} == {"src/a.py", "src/old/kept.py"}


@pytest.mark.integration
def test_an_import_that_an_excluded_module_takes_is_not_called_unused(opened):
    taken = "from a import json\n"
    for exclude in ("[]", "['b.py']"):
        workspace = opened({"pyproject.toml": table(f"exclude = {exclude}"), "a.py": FAULTY, "b.py": taken})
        issues = diagnose(workspace, workspace.night.base, deep=False).issues
        repairs = propose_all(workspace, workspace.night.base, issues, load_patterns())
        assert [one for one in repairs if one.pattern == "unused-import" and "a.py" in one.paths] == []


@pytest.mark.integration
def test_rules_switch_patterns_and_tools_off_and_tools_on(opened):
    def actionable(rules):
        workspace = opened(
            {"pyproject.toml": table(f"rules = {rules}"), "a.py": FAULTY + "x = None == f()\n"}
        )
        found = diagnose(workspace, workspace.night.base, deep=False)
        return {issue.fault for issue in found.issues if issue.actionable}

    default = actionable("{}")
    assert {"unused-import", "f-string-without-placeholders"} <= default
    assert actionable("{unused-import = false}") == default - {"unused-import"}
    assert actionable("{'ruff:F541' = false}") == default - {"f-string-without-placeholders"}
    assert {rule for rule in actionable("{'ruff:Q000' = true}") - default if "Q000" in rule}


@pytest.mark.integration
def test_a_rule_that_is_switched_on_opens_no_test_file(opened):
    files = {
        "pyproject.toml": table("include = ['tests/']\nrules = {'ruff:F401' = true}"),
        "tests/test_a.py": FAULTY,
    }
    workspace = opened(files)
    found = diagnose(workspace, workspace.night.base, deep=False).issues
    assert {issue.fault for issue in found} >= {"unused-import"}
    assert not any(issue.actionable for issue in found if issue.fault == "unused-import")


@pytest.mark.parametrize(
    ("asked", "own", "becomes"),
    [
        ("ratchet", "strict", "strict"),
        ("strict", "ratchet", "strict"),
        ("ratchet", "ratchet", "ratchet"),
    ],
)
def test_the_stricter_profile_holds(opened, asked, own, becomes):
    workspace = opened({"pyproject.toml": table(f"profile = '{own}'"), "a.py": ""}, profile=asked)
    assert workspace.night.profile == becomes


def test_several_projects_and_no_word_at_the_root_are_named(workspace_of):
    files = dict.fromkeys(("web/pyproject.toml", "job/setup.py", "job/x.py", "tests/data/setup.py"), "")

    def read(more):
        workspace = workspace_of({**files, **more})
        return target_settings(workspace.store, workspace.night.base)

    with pytest.raises(UsageError, match=r"several projects \(job, web\): say which by `include`"):
        read({})
    assert read({"pyproject.toml": table("include = ['web/']")}).include == ("web/",)
    assert read({"setup.cfg": ""}) == TargetSettings()


def test_one_project_below_needs_no_word(workspace_of):
    workspace = workspace_of({"web/pyproject.toml": "", "web/a.py": "", "vendor/b/setup.py": ""})
    assert target_settings(workspace.store, workspace.night.base) == TargetSettings()


@pytest.mark.integration
def test_the_test_command_says_which_tests_run(opened):
    tests = "import pytest\n\n\ndef test_quick():\n    pass\n\n\n@pytest.mark.skipif(False, reason='')\n"
    files = {
        "pyproject.toml": table("test_command = \"pytest checks -k 'not slow' -x -n 4 --durations 3\""),
        "a.py": "a = 1\n",
        "checks/test_a.py": tests + "def test_slow():\n    assert False\n",
        "others/test_b.py": "def test_b():\n    assert False\n",
    }
    suite = establish_baseline(*_on_base(opened(files))).suite
    assert suite.usable, suite.reason
    assert suite.outcomes == {"checks/test_a.py::test_quick": "passed"}


CHECKS = """
import os
import sys

sys.path.insert(0, os.getcwd())
import a

print("one is", a.one())
sys.exit(a.one() != 1)
"""


@pytest.mark.integration
def test_another_command_is_one_test_judged_by_its_exit_code(opened, repair_in):
    lib = "def one():\n    return 1\n"
    files = {"pyproject.toml": table("test_command = 'python checks.py'"), "a.py": lib, "checks.py": CHECKS}
    workspace = opened(files)
    base = workspace.night.base
    baseline = establish_baseline(workspace, base)
    assert (baseline.suite.usable, baseline.suite.reason, baseline.runs) == (True, "", 2)
    assert baseline.suite.outcomes == {"test command": "passed"}
    assert baseline.note == "judged by the exit code of `python checks.py` alone"
    worse = repair_in(workspace, "a.py", "return 1", "return 2", pattern="a")
    better = repair_in(workspace, "a.py", "one():\n", "one():\n    # one\n", pattern="b")
    judged = judge(workspace, base, [worse, better], baseline)
    assert [one.verdict for one in judged] == ["rolled_back", "kept"]
    assert judged[0].reason == "it breaks test command"


@pytest.mark.integration
@pytest.mark.parametrize(
    ("command", "usable", "says"),
    [
        ("python nowhere.py", True, r"exit code 2: .*can't open file"),
        ("no-such-command", False, "the test command cannot be started: "),
    ],
)
def test_another_command_that_fails_before_any_change_judges_nothing(opened, command, usable, says):
    workspace = opened({"pyproject.toml": table(f"test_command = '{command}'"), "a.py": "a = 1\n"})
    baseline = establish_baseline(workspace, workspace.night.base)
    assert baseline.suite.usable == usable
    assert baseline.suite.count("passed") == 0
    assert re.search(says, baseline.suite.messages["test command"] if usable else baseline.suite.reason)


def _on_base(workspace):
    return workspace, workspace.night.base
