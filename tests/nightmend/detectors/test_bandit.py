import pytest

from nightmend.detectors import bandit
from nightmend.detectors.running import ToolError

WEAK = "import hashlib\n\n\ndef f(x):\n    assert x\n    return hashlib.md5(x)\n"


def found(findings) -> dict[str, tuple[int, str | None, bool]]:
    return {finding.rule: (finding.line, finding.severity, finding.enabled) for finding in findings}


def test_bandit_grades_itself_and_what_says_little_is_left_out(look):
    assert found(look("bandit", {"a.py": WEAK})) == {"B324": (6, "high", False)}


def test_what_bandit_only_suspects_counts_one_step_less(look):
    source = (
        "import subprocess\n\n\ndef f(x):\n    subprocess.run(f'ls {x}', shell=True)\n"
        "    q = 'select * from t where x=' + x\n    return q\n"
    )
    assert {rule: grade for rule, (_, grade, _) in found(look("bandit", {"a.py": source})).items()} == {
        "B602": "high",
        "B608": "low",
    }


@pytest.mark.parametrize(
    ("configuration", "rules"),
    [
        ({".bandit": "[bandit]\nskips = B324\n"}, {"B101"}),
        ({"pyproject.toml": "[tool.bandit]\ntests = ['B324']\n"}, {"B324"}),
        ({"pyproject.toml": "[tool.bandit]\nexclude_dirs = ['a.py']\n"}, set()),
    ],
)
def test_what_the_target_enables_follows_its_configuration(look, configuration, rules):
    findings = look("bandit", {"a.py": WEAK, **configuration})
    assert {finding.rule for finding in findings if finding.enabled} == rules


def test_a_configuration_that_bandit_would_have_obeyed_hides_nothing_from_us(look):
    assert "B324" in found(
        look("bandit", {"a.py": WEAK, ".bandit": "[bandit]\nexclude = a.py\nskips = B324\n"})
    )


def test_nosec_is_honoured(look):
    assert found(look("bandit", {"a.py": WEAK.replace("md5(x)", "md5(x)  # nosec")})) == {}


def test_a_file_that_does_not_parse_is_unread_and_costs_no_other(look):
    findings = look("bandit", {"a.py": WEAK, "b.py": "def (:\n"})
    assert {(finding.path, finding.rule) for finding in findings} == {("a.py", "B324"), ("b.py", "unread")}


def test_a_missing_tool_is_told_in_one_sentence(look, monkeypatch):
    monkeypatch.setattr(bandit, "MODULE", "no_such_tool")
    with pytest.raises(ToolError, match="no_such_tool"):
        look("bandit", {"a.py": WEAK})
