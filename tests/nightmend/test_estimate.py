import pytest

from nightmend.diagnosis.diagnosis import diagnose
from nightmend.estimate import LOOKS_OF_A_PHASE, Estimate, estimate
from nightmend.phases import beginning


def test_the_cost_is_said_beside_the_time_that_is_left(monkeypatch):
    monkeypatch.setattr("time.time", lambda: 1000.0)
    told = Estimate(issues=340, suite_seconds=12.5, seconds=400)
    assert told.sentence(None) == "340 issues to act on, by tests of 12.5 s: some 6 min 40 s of work"
    assert told.sentence(1000.0 + 3 * 3600) == f"{told.sentence(None)}, and 3 h 0 min are left"
    assert told.sentence(10).endswith("and 0.0 s are left")
    assert (
        Estimate(issues=1, suite_seconds=0, seconds=9).sentence(None)
        == "1 issue to act on: some 9.0 s of work"
    )


def test_where_nothing_was_found_nothing_is_to_be_done(workspace_of):
    workspace = workspace_of({"a.py": ""})
    assert estimate(workspace, beginning(workspace.night)) == Estimate(issues=0, suite_seconds=0, seconds=0)


@pytest.mark.integration
@pytest.mark.parametrize(("source", "issues"), [("x = 1\n", 0), ("import os\n\nprint(1)\n", 1)])
def test_only_phases_with_issues_of_their_agents_cost_anything(workspace_of, source, issues):
    workspace = workspace_of({"a.py": source})
    seen = diagnose(workspace, workspace.night.base, deep=False, tools=("ruff", "nightmend"))
    found = beginning(workspace.night).model_copy(update={"diagnosis": workspace.put(seen)})
    told = estimate(workspace, found)
    assert told.issues == issues
    assert told.seconds == pytest.approx(issues * sum(seen.tool_seconds.values()) * LOOKS_OF_A_PHASE)
