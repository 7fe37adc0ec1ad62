from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from nightmend import nights
from nightmend.agents import PHASES
from nightmend.errors import UsageError
from nightmend.git.publish import publish
from nightmend.nights import ambient_night, engine_digest, generation, next_generation, night_key, open_night
from nightmend.proof.pytest_command import PytestCommand
from nightmend.settings import OrchestratorSettings, Thresholds
from nightmend.targets.settings import TargetSettings
from nightmend.workspace import target_folder


@pytest.fixture
def night(workspace_of):
    return workspace_of({"a.py": "a = 1\n"}).night


def test_the_same_work_on_the_same_state_has_the_same_key_whenever_it_is_done(night):
    later = night.model_copy(update={"run": "another"})
    assert night_key(night, "repairs", "state") == night_key(later, "repairs", "state")
    assert night_key(night, "repairs", "state").startswith("nightmend-repairs-")


@pytest.mark.parametrize(
    "change",
    [
        {"target": "/elsewhere"},
        {"base_commit": "f" * 40},
        {"profile": "strict"},
        {"python": "/usr/bin/python3"},
        {"engine": "newer"},
        {"thresholds": Thresholds(pep8_compliance=99)},
        {"declared": TargetSettings(include=("a.py",))},
        {"allow_breaking": True},
        {"unsafe_fixes": True},
        {"declared": TargetSettings(exclude=("b.py",))},
        {"declared": TargetSettings(rules={"unused-import": False})},
        {"declared": TargetSettings(test_command=PytestCommand(paths=("tests",)))},
        {"through": "repairs"},
        {"only": ("model_system_repair",)},
    ],
    ids=lambda change: next(iter(map(str, change.values()))),
)
def test_whatever_its_result_depends_on_changes_the_key(night, change):
    other = night.model_copy(update=change)
    assert night_key(other, "repairs", "state") != night_key(night, "repairs", "state")


def test_a_phase_that_is_not_the_last_is_the_same_work_however_far_the_night_goes(night):
    further = [
        night.model_copy(update={"through": phase}) for phase in ("diagnostics", "repairs", "optimization")
    ]
    assert len({night_key(one, "diagnostics", "state") for one in (night, *further)}) == 1
    assert len({night_key(one, "repairs", "state") for one in (night, *further[1:])}) == 2


def test_a_night_goes_through_a_phase_and_with_some_agents_only(night):
    assert night.phases == tuple(PHASES)
    assert night.model_copy(update={"through": "repairs"}).phases == ("foundation", "diagnostics", "repairs")
    alone = night.model_copy(update={"only": ("code_quality",)})
    assert alone.phases == ("foundation", "diagnostics", "quality")
    assert alone.agents("quality") == ("code_quality",)
    assert alone.agents("diagnostics") == PHASES["diagnostics"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"only": ["quality"]}, "no agent 'quality': choose of"),
        (
            {"only": ["code_quality"], "through": "repairs"},
            "works in phase quality, behind repairs",
        ),
    ],
)
def test_an_agent_that_cannot_work_is_refused(night, options, says):
    with pytest.raises(UsageError, match=says):
        open_night(night.target, **options)


def test_step_and_state_change_the_key(night):
    keys = {
        night_key(night, "repairs", "state"),
        night_key(night, "quality", "state"),
        night_key(night, "code_quality", "state"),
        night_key(night, "repairs", "other"),
        night_key(night, "repairs", "state", ""),
    }
    assert len(keys) == 5


def test_a_rolled_back_phase_and_its_agents_are_done_again_and_nothing_else(night):
    steps = [step for phase, agents in PHASES.items() for step in (phase, *agents)]
    before = {step: night_key(night, step, "state") for step in steps}
    next_generation(night, "repairs")
    after = {step: night_key(night, step, "state") for step in steps}
    assert {step for step in steps if before[step] != after[step]} == {"repairs", *PHASES["repairs"]}
    assert [generation(night, phase) for phase in PHASES] == [0, 0, 1, 0, 0]
    next_generation(night, "repairs")
    assert night_key(night, "repairs", "state") not in (before["repairs"], after["repairs"])


def test_a_night_is_opened_on_the_commit_that_is_checked_out(workspace_of, tmp_path):
    target = workspace_of({"a.py": "a = 1\n"}).target
    night = open_night(target.path, home=tmp_path / "state")
    assert (night.target, night.base_commit) == (str(target.path), target.head())
    assert night.home == str(tmp_path / "state")
    assert night.profile == "ratchet"
    assert night.engine == open_night(target.path, home=tmp_path / "state").engine != engine_digest()


@pytest.mark.parametrize(
    ("run", "target", "installation", "proved"),
    [
        (None, "", False, False),
        (None, "", True, True),
        (None, "unsafe_fixes = true", False, True),
        (None, "unsafe_fixes = false", True, False),
        (True, "unsafe_fixes = false", False, True),
        (False, "unsafe_fixes = true", True, False),
    ],
)
def test_the_nearest_word_says_whether_unsafe_fixes_are_proved(
    workspace_of, tmp_path, run, target, installation, proved
):
    files = {"a.py": "a = 1\n", "pyproject.toml": f"[tool.nightmend]\n{target}\n"}
    opened = open_night(
        workspace_of(files).target.path,
        home=tmp_path / "state",
        unsafe_fixes=run,
        orchestrator=OrchestratorSettings(unsafe_fixes=installation),
    )
    assert opened.unsafe_fixes is proved


def test_the_ambient_target_is_named_by_the_environment(workspace_of, tmp_path, monkeypatch):
    target = workspace_of({"a.py": "a = 1\n"}).target
    monkeypatch.setenv("NIGHTMEND_TARGET", str(target.path))
    monkeypatch.setenv("NIGHTMEND_HOME", str(tmp_path / "state"))
    assert ambient_night().target == str(target.path)
    monkeypatch.delenv("NIGHTMEND_TARGET")
    with pytest.raises(UsageError, match="NIGHTMEND_TARGET"):
        ambient_night()


def test_how_agents_are_run_is_no_part_of_what_they_find(workspace_of):
    night = workspace_of({"a.py": ""}).night
    other = night.model_copy(
        update={"orchestrator": OrchestratorSettings(log_level="DEBUG", retry_attempts=0)}
    )
    stricter = night.model_copy(update={"thresholds": Thresholds(analysis_coverage=99)})
    assert night_key(other, "repairs") == night_key(night, "repairs") != night_key(stricter, "repairs")


def test_no_two_runs_have_one_name_whatever_the_clock_says(workspace_of, monkeypatch, tmp_path):
    workspace = workspace_of({"a.py": "a = 1\n"})
    target, home = workspace.target, tmp_path / "clock"
    stopped = datetime(2026, 11, 27, 2, 0, 59, tzinfo=UTC)
    monkeypatch.setattr(nights, "datetime", SimpleNamespace(now=lambda _: stopped))

    def run():
        return open_night(target.path, home=home).run

    assert run() == "20261127-020059"
    (target_folder(home, target.path) / "checkpoints" / run()).mkdir(parents=True)
    assert run() == "20261127-020100"
    publish(workspace.store.git, target, f"nightmend/{run()}", workspace.night.base_commit)
    assert run() == "20261127-020101"
