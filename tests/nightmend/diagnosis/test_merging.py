"""Findings made by hand, so that every way in which tools agree and differ is met."""

from nightmend.detectors.registry import taxonomies
from nightmend.diagnosis.merging import Names, clusters, issues, scopes
from nightmend.issue import Finding, Issue
from nightmend.patterns.loader import load_patterns
from nightmend.repairs.repair import Edit

CODE = b"import os\nclass A:\n    def f(self):\n        x = 1\n        x = 1\ndef f():\n    x = 1\n"


def finding(detector: str, rule: str, line: int, column: int = 1, **more: object) -> Finding:
    return Finding.model_validate(
        {
            "detector": detector,
            "rule": rule,
            "path": "a.py",
            "line": line,
            "column": column,
            "message": rule,
            **more,
        }
    )


def merged(*findings: Finding, content: bytes = CODE, patterns: bool = True) -> tuple[Issue, ...]:
    names = Names(taxonomies(), load_patterns() if patterns else {})
    return issues(clusters(findings, names), names, {"a.py": content, "tests/test_a.py": content})


def test_one_fault_seen_by_three_tools_is_one_issue_under_the_patterns_name():
    (issue,) = merged(
        finding("ruff", "B904", 4, 9),
        finding("pylint", "W0707", 4, 10),
        finding("nightmend", "raise-without-cause", 4, 9),
    )
    assert issue.fault == "raise-without-cause"
    assert issue.rules == ("nightmend:raise-without-cause", "pylint:W0707", "ruff:B904")
    assert (issue.agent, issue.category, issue.actionable) == (
        "agent_framework_repair",
        "agent_framework",
        True,
    )


def test_one_rule_that_fires_twice_on_a_line_stays_two_issues():
    found = merged(
        finding("ruff", "E711", 4, 1),
        finding("ruff", "E711", 4, 9),
        finding("pylint", "C0121", 4, 1),
        patterns=False,
    )
    assert [issue.rules for issue in found] == [("pylint:C0121", "ruff:E711"), ("ruff:E711",)]


def test_the_same_finding_said_twice_is_one():
    assert len(merged(finding("ruff", "E711", 4), finding("ruff", "E711", 4))) == 1


def test_tools_that_name_other_lines_of_one_statement_agree():
    edit = Edit(path="a.py", start=0, end=9, text="")
    found = merged(
        finding("pylint", "W0611", 1, end_line=4),
        finding("ruff", "F401", 2, 5, fix=(edit,), fix_safety="safe"),
        finding("ruff", "F401", 3, 5, fix=(edit,), fix_safety="safe"),
        finding("pylint", "W0611", 1, 2, end_line=4),
        patterns=False,
    )
    assert [(issue.line, issue.rules) for issue in found] == [
        (2, ("pylint:W0611", "ruff:F401")),
        (3, ("pylint:W0611", "ruff:F401")),
    ]


def test_a_wide_block_takes_no_finding_away_from_its_own_line():
    found = merged(
        finding("pylint", "W0702", 1, end_line=6),
        finding("pylint", "W0702", 4, end_line=5),
        finding("ruff", "E722", 4),
        finding("ruff", "E722", 1),
        patterns=False,
    )
    assert [issue.rules for issue in found] == [("pylint:W0702", "ruff:E722")] * 2


def test_what_one_tool_was_told_to_leave_takes_no_finding_of_another_place():
    found = merged(
        finding("pylint", "W0702", 1, end_line=6),
        finding("pylint", "W0702", 4, end_line=5),
        finding("ruff", "E722", 4),
        patterns=False,
    )
    assert [(issue.line, issue.rules) for issue in found] == [
        (1, ("pylint:W0702",)),
        (4, ("pylint:W0702", "ruff:E722")),
    ]


def test_our_own_pattern_speaks_for_the_place_even_where_another_has_a_fix():
    edit = Edit(path="a.py", start=0, end=9, text="")
    (issue,) = merged(
        finding("ruff", "B904", 4, 5, fix=(edit,), fix_safety="safe"),
        finding("nightmend", "raise-without-cause", 4, 9),
    )
    assert (issue.column, issue.fix) == (9, (edit,))


def test_an_issue_carries_the_fix_whoever_speaks_for_it():
    edit = Edit(path="a.py", start=0, end=9, text="")
    (issue,) = merged(
        finding("pylint", "W0611", 1),
        finding("ruff", "F401", 1, 8, fix=(edit,), fix_safety="safe"),
        patterns=False,
    )
    assert (issue.fix, issue.fix_safety, issue.column) == ((edit,), "safe", 8)


def test_actionable_is_what_the_target_enables_and_what_a_pattern_owns():
    found = merged(
        finding("ruff", "SIM103", 1), finding("ruff", "SIM103", 4, enabled=True), finding("ruff", "B904", 7)
    )
    assert [issue.actionable for issue in found] == [False, True, True]


def test_in_tests_only_layout_is_actionable_and_nothing_is_high():
    found = merged(
        *(
            finding(detector, rule, line, path="tests/test_a.py", enabled=True, severity="high")
            for detector, rule, line in (("ruff", "F821", 1), ("pycodestyle", "E225", 2), ("ruff", "B904", 3))
        )
    )
    assert [(issue.fault, issue.actionable, issue.severity) for issue in found] == [
        ("undefined-name", False, "medium"),
        ("pycodestyle:E225", True, "medium"),
        ("raise-without-cause", False, "medium"),
    ]


def test_layout_is_an_issue_only_where_the_target_asks_for_it():
    found = merged(finding("pycodestyle", "E225", 1), finding("pycodestyle", "E225", 2, enabled=True))
    assert [issue.line for issue in found] == [2]


def test_the_worst_grade_counts():
    (issue,) = merged(
        finding("bandit", "B324", 4, severity="high"), finding("ruff", "S324", 4), patterns=False
    )
    assert issue.severity == "high"


def test_issues_are_sorted_by_path_line_and_fault():
    found = merged(finding("ruff", "SIM103", 4), finding("ruff", "SIM101", 4), finding("ruff", "SIM115", 1))
    assert [(issue.line, issue.fault) for issue in found] == sorted(
        (issue.line, issue.fault) for issue in found
    )


def test_fingerprints_survive_moved_lines_and_other_columns():
    moved = b"# one\n\n" + CODE.replace(b"        x", b"          x").replace(
        b"    def f(self)", b"      def f(self)"
    )
    before = merged(*(finding("ruff", "SIM103", line) for line in (1, 4, 5, 7)))
    after = merged(*(finding("ruff", "SIM103", line + 2, 3) for line in (1, 4, 5, 7)), content=moved)
    assert [issue.fingerprint for issue in before] == [issue.fingerprint for issue in after]


def test_fingerprints_tell_apart_equal_lines_by_scope_and_by_number():
    found = merged(*(finding("ruff", rule, line) for line in (4, 5, 7) for rule in ("SIM103", "SIM101")))
    assert len({issue.fingerprint for issue in found}) == 6


def test_a_line_beyond_the_file_and_a_file_that_does_not_parse_have_fingerprints_too():
    assert merged(finding("ruff", "invalid-syntax", 99), content=b"def (:\n")[0].fingerprint
    assert merged(finding("nightmend", "broken-configuration", 1, path="setup.cfg"))[0].fault == (
        "nightmend:broken-configuration"
    )


def test_scopes_name_the_innermost_definition_with_its_decorators():
    source = (
        b"@d\nclass A:\n    x = 1\n    if x:\n        @e\n        def f(self):\n            pass\n\ny = 2\n"
    )
    assert scopes(source)[1:10] == ["A", "A", "A", "A", "A.f", "A.f", "A.f", "", ""]
