import pytest

from nightmend.detectors import pylint
from nightmend.detectors.running import ToolError
from nightmend.detectors.taxonomy import Wide
from nightmend.targets.config import target_config
from nightmend.targets.trees import checkout_view, python_sources

pytestmark = pytest.mark.integration

SOURCE = (
    "import os\n\n\ndef f(x=[]):\n    try:\n        return x\n"
    "    except ValueError:\n        raise KeyError(1)\n"
)
EVIL = (
    "import os\n\nfor place in ('/jail/work/mark', '/tmp/mark'):\n    open(place, 'w').write('ran')\n"
    "os.write(1, b'EVIL RAN')\n\n\ndef register(linter):\n    pass\n\n\nclass Reporter:\n    pass\n"
)

OPTION = "--init-hook=open('mark', 'w')#.py"
"""A file; pylint looks for this option among its arguments wherever they stand."""


def rules(findings) -> set[str]:
    return {finding.rule for finding in findings}


def test_pylint_reports_our_choice_where_the_target_says_nothing(look):
    findings = look("pylint", {"a.py": SOURCE})
    assert {(finding.rule, finding.line) for finding in findings} == {
        ("W0611", 1),
        ("W0102", 4),
        ("W0707", 8),
    }
    assert not any(finding.enabled for finding in findings)


def test_what_the_target_switches_on_is_enabled_and_added_to_our_choice(look):
    configuration = {
        ".pylintrc": "[MESSAGES CONTROL]\ndisable=all\nenable=unused-import,missing-module-docstring\n"
    }
    findings = look("pylint", {"a.py": SOURCE, **configuration})
    assert {finding.rule for finding in findings if finding.enabled} == {"W0611", "C0114"}
    assert rules(findings) == {"W0611", "C0114", "W0102", "W0707"}


def test_a_target_that_only_shapes_pylint_enables_its_defaults(look):
    configuration = {
        "pyproject.toml": "[tool.pylint.format]\nmax-line-length = 20\n"
        "[tool.pylint.main]\ndisable = ['C0114']\n"
    }
    enabled = {
        finding.rule for finding in look("pylint", {"a.py": SOURCE, **configuration}) if finding.enabled
    }
    assert enabled >= {"C0301", "C0116", "W0611"}
    assert "C0114" not in enabled


@pytest.mark.parametrize(
    "configuration",
    [
        {
            ".pylintrc": "[MAIN]\ninit-hook=import evil\nload-plugins=evil\n"
            "[REPORTS]\noutput-format=evil.Reporter\n"
        },
        {
            "pyproject.toml": "[tool.pylint.main]\ninit-hook = 'import evil'\nload-plugins = ['evil']\n"
            "output-format = 'evil.Reporter'\nmax-line-length = 90\n"
        },
        {
            "setup.cfg": "[pylint]\ninit-hook=import evil\nload-plugins=evil,pkg.evil\n",
            "pkg/__init__.py": "import evil\n",
        },
    ],
)
def test_nothing_of_the_target_runs(workspace_of, configuration):
    shadows = dict.fromkeys(
        ("typing_extensions.py", "tomlkit.py", "isort.py", "dill.py", "sitecustomize.py"), EVIL
    )
    workspace = workspace_of({"a.py": SOURCE, "evil.py": EVIL, OPTION: "", **shadows, **configuration})
    base = workspace.night.base
    view = checkout_view(workspace, base, python_sources(workspace, base))
    with workspace.sandbox(base, "test") as box:
        findings = pylint.detect(box, view, target_config(workspace.store, base), Wide(select=("W0611",)))
        with pytest.raises(FileNotFoundError):
            box.read("mark")
        assert b"EVIL" not in box.run(["sh", "-c", "ls -a; cat /tmp/mark || true"]).stdout
    assert ("a.py", "W0611") in {(finding.path, finding.rule) for finding in findings}


def test_a_plugin_that_pylint_brings_along_counts_and_imports_are_never_judged(look):
    configuration = {
        ".pylintrc": "[MAIN]\nload-plugins=pylint.extensions.mccabe\nmax-complexity=0\n"
        "[MESSAGES CONTROL]\ndisable=all\nenable=too-complex,import-error,unknown-option-value\n"
    }
    source = f"import nowhere  # pylint: disable=no-such-message\n{SOURCE}"
    enabled = {
        finding.rule for finding in look("pylint", {"a.py": source, **configuration}) if finding.enabled
    }
    assert enabled == {"R1260"}


def test_options_that_pylint_refuses_are_reported_and_cost_no_message(look):
    configuration = {".pylintrc": "[BASIC]\nvariable-rgx=(\n[MESSAGES CONTROL]\ndisable=all\nenable=W0611\n"}
    findings = look("pylint", {"a.py": SOURCE, **configuration})
    assert rules(findings) == {"W0611", "W0102", "W0707", "broken-configuration"}
    assert {finding.rule for finding in findings if finding.enabled} == {"W0611"}


def test_inline_suppressions_are_honoured(look):
    source = SOURCE.replace("import os", "import os  # pylint: disable=unused-import")
    assert "W0611" not in rules(look("pylint", {"a.py": source}))


def test_files_that_do_not_parse_or_decode_cost_no_other(look):
    findings = look(
        "pylint", {"a.py": SOURCE, "b.py": "def (:\n", "c.py": b"x = '\xff'\n", "d.py": b"x = 1\0\n"}
    )
    assert {(finding.path, finding.rule) for finding in findings} >= {("a.py", "W0611"), ("b.py", "E0001")}


def test_a_missing_tool_is_told_in_one_sentence(look, monkeypatch):
    monkeypatch.setattr(pylint, "MODULE", "no_such_tool")
    with pytest.raises(ToolError, match="no_such_tool"):
        look("pylint", {"a.py": SOURCE})
