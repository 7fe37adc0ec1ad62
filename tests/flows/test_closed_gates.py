"""A closed gate costs its phase and nothing else, and the next night does that work again."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from nightmend.agents import PHASES
from tests.flows.driving import MENDED, SHOP, House, Outcome, branches, git, shop, untouched

pytestmark = pytest.mark.night

SABOTEUR = '''\
"""Let every phase of repairs settle on a tree in which a test is really broken, as a defect of ours could."""
import nightmend.repairs.rounds as rounds
from nightmend.proof.baseline import Baseline
from nightmend.proof.compare import broken_tests
from nightmend.proof.suite import run_suite

sound = rounds.settle


def settle(workspace, snapshot, judgements, baseline, **how):
    settled = sound(workspace, snapshot, judgements, baseline, **how)
    shop = workspace.store.read(settled.snapshot, "shop.py").replace(b"come in", b"go away")
    tree = workspace.store.write(settled.snapshot, {"shop.py": shop})
    suite = run_suite(workspace, tree, coverage=True)
    return settled.model_copy(
        update={
            "snapshot": tree,
            "baseline": Baseline(suite=suite),
            "broken": broken_tests(baseline.suite, suite),
        }
    )


rounds.settle = settle
'''

LATE = """
from nightmend.recovery.states import AgentStates

AgentStates.set_aside_damaged = lambda self: ()  # as if the state were damaged only when it was looked at
"""


@dataclass
class Story:
    """A diagnosis and three nights on one target: broken repairs, an agent with a corrupt state, all well."""

    target: Path
    before: dict[str, str]
    diagnosed: Outcome
    broken: Outcome
    after_broken: list[str]
    undeployed: Outcome
    corrupt: str
    applied: Outcome


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> Story:
    folder = tmp_path_factory.mktemp("story")
    house, target = House(folder / "home", prefect_server), shop(folder / "shop")
    before = untouched(target)
    diagnosed = house.run("diagnose", target, "--report", house.home / "report")
    assert untouched(target) == before, "looking changes nothing"
    broken = house.recover(target, saboteur=SABOTEUR)
    after_broken = branches(target)
    (states,) = house.home.glob("targets/*/agents")
    state = states / "code_quality.json"
    assert not state.exists(), "the phase of this agent never began"
    state.write_text('{"agent": "code_quality", "sta')
    undeployed = house.recover(target, saboteur=LATE)
    assert untouched(target) == before
    corrupt = state.read_text()
    state.unlink()
    return Story(
        target, before, diagnosed, broken, after_broken, undeployed, corrupt, house.recover(target, "--apply")
    )


def test_a_diagnosis_reports_and_changes_nothing(story: Story) -> None:
    assert story.diagnosed.code == 0, story.diagnosed.said
    report = story.diagnosed.known
    assert [phase["name"] for phase in report["phases"]] == ["foundation", "diagnostics"]
    assert report["issues"]["by_category"]["agent_framework"]["identified"] == 1
    assert (report["branch"], report["repairs"]) == (None, [])
    assert report["result_commit"] == report["base_commit"]


def test_a_closed_safety_gate_says_its_name_what_was_measured_and_what_was_wanted(story: Story) -> None:
    outcome = story.broken
    assert outcome.code == 1, outcome.said
    sentence = outcome.done.stderr.strip()
    assert sentence.startswith(
        "nightmend: phase repairs was rolled back: gate `tests` is closed: 1 of 3 tests"
    )
    assert "tests/test_shop.py::test_greeting (measured 1, target 0)" in sentence
    assert "\n" not in sentence
    gate = outcome.gate("repairs", "tests")
    assert (gate["kind"], gate["measured"], gate["target"], gate["passed"]) == ("safety", 1, 0, False)


def test_a_closed_safety_gate_rolls_its_phase_back_and_the_rest_is_not_begun(story: Story) -> None:
    outcome = story.broken
    assert outcome.known["status"] == "FAILED"
    assert "phase repairs" in outcome.known["error"]
    assert outcome.statuses == {
        "foundation": "CACHED",
        "diagnostics": "CACHED",
        "repairs": "ROLLED_BACK",
        "optimization": "SKIPPED",
        "quality": "SKIPPED",
    }
    assert story.after_broken == []
    assert outcome.known["result_commit"] == outcome.known["base_commit"]
    [repair] = outcome.known["repairs"]
    assert (repair["verdict"], repair["commit"]) == ("rolled_back", None)
    assert repair["reason"] == "phase repairs was rolled back as a whole"


def test_nothing_of_a_rolled_back_phase_is_reused_and_nothing_else_is_lost(story: Story) -> None:
    outcome = story.undeployed
    assert {phase: outcome.statuses[phase] for phase in list(PHASES)[:3]} == {
        "foundation": "CACHED",
        "diagnostics": "CACHED",
        "repairs": "PASSED",
    }
    first, second = (one.agents["agent_framework_repair"] for one in (story.broken, outcome))
    assert second["status"] == "COMPLETED"
    assert second["started"] > first["started"] + first["seconds"]
    assert outcome.gate("repairs", "tests")["passed"] is True


def test_an_agent_that_cannot_be_deployed_rolls_its_phase_back_and_the_rest_is_published(
    story: Story,
) -> None:
    outcome = story.undeployed
    assert outcome.code == 1
    assert outcome.statuses["quality"] == "ROLLED_BACK"
    assert "agent code_quality could not be deployed and was rolled back" in outcome.done.stderr
    assert "code_quality.json is corrupt" in outcome.known["error"]
    assert story.corrupt == '{"agent": "code_quality", "sta', "the rollback brought back what was there"
    assert {repair["pattern"] for repair in outcome.kept} == {"raise-without-cause"}
    published = git(story.target, "show", f"{outcome.known['result_commit']}:shop.py")
    assert published == SHOP.replace(
        'except KeyError:\n        raise ValueError(f"no price for {name}")', MENDED
    )


def test_the_night_after_does_only_what_is_missing_and_apply_takes_it_over(story: Story) -> None:
    outcome = story.applied
    assert outcome.code == 0, outcome.said
    assert outcome.statuses == {**dict.fromkeys(PHASES, "CACHED"), "quality": "PASSED"}
    assert git(story.target, "rev-parse", "HEAD").strip() == outcome.known["result_commit"]
    assert git(story.target, "rev-parse", "--abbrev-ref", "HEAD").strip() == "main"
    assert git(story.target, "status", "--porcelain") == ""
    text = (story.target / "shop.py").read_text()
    assert MENDED in text
    assert 'return "come in"' in text


def test_strict_takes_nothing_for_passed_that_cannot_be_measured(tmp_path: Path, prefect_server: str) -> None:
    house, target = House(tmp_path / "home", prefect_server), shop(tmp_path / "shop", {"shop.py": SHOP})
    outcome = house.recover(target, "--profile", "strict")
    assert outcome.code == 1, outcome.said
    assert "gate `tests` is not measurable here" in outcome.done.stderr
    assert outcome.statuses == {
        "foundation": "PASSED",
        "diagnostics": "PASSED",
        "repairs": "ROLLED_BACK",
        "optimization": "SKIPPED",
        "quality": "SKIPPED",
    }
    assert branches(target) == []
