import pytest

from nightmend.diagnosis.diagnosis import Diagnosis
from nightmend.issue import Issue
from nightmend.phases import beginning, new_high, resolved, unchanged
from nightmend.results import AgentResult, PhaseResult
from nightmend.snapshot import Snapshot

START = PhaseResult(phase="foundation", snapshot=Snapshot(tree="a" * 40), commit="c" * 40)


def issue(fault="bare-except", path="a.py", line=1, rules=("ruff:E722",), severity="low", category="quality"):
    return Issue(
        fingerprint=f"{fault}{path}{line}", fault=fault, category=category, severity=severity,
        agent="code_quality", path=path, line=line, column=1, end_line=line, message="", rules=rules,
        actionable=True,
    )  # fmt: skip


def diagnosis(*issues, tools=("ruff", "pylint"), failures=()):
    return Diagnosis(
        issues=issues, analysed_lines=1, total_lines=1, tool_seconds=dict.fromkeys(tools, 1.0),
        tool_failures=dict.fromkeys(failures, "it crashed"),
    )  # fmt: skip


def agent(name, **refs):
    return AgentResult(agent=name, seconds=1, started=1, pid=1, **refs)


class TestResolved:
    def test_an_issue_that_is_gone_is_resolved(self):
        assert resolved(diagnosis(issue(), issue(line=9)), diagnosis(issue(line=9))) == {"quality": 1}

    def test_an_issue_that_moved_is_not(self):
        assert resolved(diagnosis(issue(line=1)), diagnosis(issue(line=40))).total() == 0

    def test_an_issue_of_another_file_makes_up_for_none(self):
        found = resolved(diagnosis(issue(path="a.py")), diagnosis(issue(path="b.py")))
        assert found == {"quality": 1}

    def test_categories_are_counted_apart_and_new_issues_take_nothing_off(self):
        before = diagnosis(issue(), issue(fault="task-dropped", category="async"))
        after = diagnosis(issue(), issue(line=2), issue(line=3))
        assert resolved(before, after)["async"] == 1
        assert resolved(before, after)["quality"] == 0

    def test_what_only_a_tool_saw_that_did_not_look_again_is_not_resolved(self):
        deep = issue(fault="no-member", rules=("pylint:E1101",))
        both = issue(rules=("pylint:W0702", "ruff:E722"))
        after = diagnosis(tools=("ruff",))
        assert resolved(diagnosis(deep, both), after) == {"quality": 1}
        assert resolved(diagnosis(deep, both), diagnosis()) == {"quality": 2}

    def test_what_only_a_tool_saw_that_then_failed_is_not_resolved(self):
        deep = issue(fault="no-member", rules=("pylint:E1101",))
        assert resolved(diagnosis(deep), diagnosis(failures=("pylint",))).total() == 0
        both = resolved(diagnosis(deep, failures=("pylint",)), diagnosis(failures=("pylint",)))
        assert both.total() == 1, "it failed before as well, and saw what it saw"


def test_a_grave_issue_is_new_when_a_file_has_more_of_its_kind():
    before = diagnosis(issue(severity="high"), issue(path="b.py", severity="low"))
    after = diagnosis(
        issue(line=7, severity="high"), issue(path="b.py", severity="high"), issue(line=8, severity="medium")
    )
    assert new_high(before, after) == ("bare-except in b.py",)


def test_a_phase_without_repairs_hands_on_what_its_agents_found():
    agents = [agent("system_diagnostics", diagnosis="d", baseline="b", quality="q")]
    result = unchanged("diagnostics", START, agents, [], 0)
    assert (result.phase, result.diagnosis, result.baseline, result.quality) == ("diagnostics", "d", "b", "q")
    assert result.origin == "d", "the first diagnosis is what the night is measured against"
    assert (result.snapshot, result.commit, result.agents) == (START.snapshot, START.commit, tuple(agents))


def test_a_later_phase_without_findings_keeps_those_of_before():
    known = START.model_copy(update={"diagnosis": "d", "origin": "o", "judgements": "j"})
    result = unchanged("foundation", known, [agent("sandbox_manager")], [], 0)
    assert (result.diagnosis, result.origin) == ("d", "o")
    assert result.judgements is None, "the repairs of the phase before are told there"


@pytest.mark.parametrize("field", ["snapshot", "commit", "diagnosis", "baseline"])
def test_the_work_of_the_next_phase_depends_on_every_part_of_this_one(field):
    other = START.model_copy(update={field: Snapshot(tree="b" * 40) if field == "snapshot" else "other"})
    assert other.state() != START.state()


def test_a_night_begins_with_what_its_owner_left(workspace_of):
    night = workspace_of({"a.py": ""}).night
    assert (beginning(night).snapshot, beginning(night).commit) == (night.base, night.base_commit)
