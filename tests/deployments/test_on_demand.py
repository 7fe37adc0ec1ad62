"""A night on demand, from a worker in another folder, as a person sees it with Prefect's own commands."""

import json
import subprocess
import time
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from nightmend.agents import AGENTS, PHASES

if TYPE_CHECKING:
    from tests.deployments.conftest import OnDemand, Prefect

pytestmark = pytest.mark.night


def test_watching_it_ends_well_and_leaves_a_branch_and_a_report(night: "OnDemand") -> None:
    assert "Completed" in night.done.stdout
    assert night.report["status"] == "PASSED"
    kept = {repair["pattern"] for repair in night.report["repairs"] if repair["verdict"] == "kept"}
    assert kept == {"raise-without-cause", "text-file-without-encoding"}
    show = ["git", "-C", str(night.target), "show", f"{night.report['branch']}:shop.py"]
    source = subprocess.run(show, capture_output=True, text=True, check=True).stdout
    assert " from " in source
    assert 'encoding="utf-8"' in source


def test_the_run_is_completed_with_a_subflow_for_each_phase(prefect: "Prefect", night: "OnDemand") -> None:
    assert night.run["state_type"] == "COMPLETED"
    phases = prefect.all(
        "flow_runs",
        flow_runs={"parent_flow_run_id": {"any_": [night.run["id"]]}},
        sort="START_TIME_ASC",
    )
    assert [(phase["name"], phase["state_type"]) for phase in phases] == [
        (phase, "COMPLETED") for phase in PHASES
    ]


def test_every_agent_is_a_task_run_of_its_phase(prefect: "Prefect", night: "OnDemand") -> None:
    phases = prefect.all("flow_runs", flow_runs={"parent_flow_run_id": {"any_": [night.run["id"]]}})
    names = {phase["id"]: phase["name"] for phase in phases}
    wanted = sorted((phase, agent, "COMPLETED") for phase, agents in PHASES.items() for agent in agents)
    deadline = time.monotonic() + 120  # the server hears of task runs through a queue
    seen: list[tuple[str, str, str]] = []
    while seen != wanted and time.monotonic() < deadline:
        runs = prefect.all("task_runs", flow_runs={"id": {"any_": list(names)}})
        seen = sorted((names[run["flow_run_id"]], run["name"], run["state_type"]) for run in runs)
        time.sleep(0.5)
    assert seen == wanted
    assert len(seen) == len(AGENTS) == 10


def test_its_progress_can_be_followed_without_a_log(prefect: "Prefect", night: "OnDemand") -> None:
    progress = artifacts(prefect, night)["nightmend-progress"]
    assert (progress["type"], progress["data"]) == ("progress", 100)
    assert progress["updated"] > progress["created"]
    assert [f"- {phase}: **passed in" in progress["description"] for phase in PHASES] == [True] * 5
    assert "1 of 1 repairs kept" in progress["description"]


def test_its_artifacts_tell_what_was_done_and_where_the_report_is(
    prefect: "Prefect", night: "OnDemand"
) -> None:
    told = artifacts(prefect, night)
    assert told["nightmend-report"]["type"] == "markdown"
    assert "raise without cause" in told["nightmend-report"]["data"]
    assert night.report["branch"] in told["nightmend-report"]["data"]
    page = prefect.folder / "report" / "report.html"
    assert page.exists()
    assert page.as_uri() in told["nightmend-page"]["data"]
    agents = rows(told["nightmend-agents"])
    assert [row["agent"] for row in agents] == list(AGENTS)


def test_the_table_of_gates_begins_with_what_was_not_met(prefect: "Prefect", night: "OnDemand") -> None:
    table = rows(artifacts(prefect, night)["nightmend-gates"])
    gates = [gate for phase in night.report["phases"] for gate in phase["gates"]]
    assert sorted(row["gate"] for row in table) == sorted(gate["name"] for gate in gates)
    unmet = sum(gate["passed"] is not True for gate in gates)
    assert unmet > 0
    assert [row["state"] != "passed" for row in table] == [True] * unmet + [False] * (len(table) - unmet)
    (hints,) = [row for row in table if row["gate"] == "type_hint_coverage"]
    assert (hints["measured"], hints["target"], hints["state"]) == ("0", "80", "not met")


def test_the_results_of_phases_and_agents_are_kept_as_json(prefect: "Prefect", night: "OnDemand") -> None:
    from tasks.sealed import SEALED

    storage = prefect.folder / "client" / "storage"
    kept = {path.name: path.read_bytes() for path in storage.iterdir() if path.name.startswith("nightmend-")}
    assert {name.split("-")[1] for name in kept} >= {*PHASES, *AGENTS}
    ours = [json.loads(content) for name, content in kept.items() if name.split("-")[1] in {*PHASES, *AGENTS}]
    assert {record["metadata"]["serializer"]["type"] for record in ours} == {SEALED.type}


def test_nothing_of_the_night_stays_behind(prefect: "Prefect", night: "OnDemand") -> None:
    deadline = time.monotonic() + 60
    while (left := left_over(str(night.target))) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert left == []


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        (("target=/x", "profile=loose"), "'loose' is not one of ['ratchet', 'strict']"),
        (("target=/x", "colour=red"), "colour"),
        (("profile=strict",), "'target' is a"),
    ],
    ids=["wrong value", "unknown name", "no target"],
)
def test_a_wrong_parameter_is_refused_before_any_run(
    prefect: "Prefect", parameters: tuple[str, ...], named: str
) -> None:
    before = asked_for(prefect)
    options = [option for parameter in parameters for option in ("-p", parameter)]
    done = prefect.run("prefect", "deployment", "run", "recover/on-demand", *options)
    assert done.returncode == 1
    assert named in " ".join((done.stdout + done.stderr).split())
    assert asked_for(prefect) == before


def test_a_target_that_is_none_fails_and_the_run_says_why(prefect: "Prefect", worker: object) -> None:
    missing = prefect.folder / "missing"
    done = prefect.run(
        "prefect", "deployment", "run", "recover/on-demand", "-p", f"target={missing}", "--watch"
    )
    assert done.returncode == 1
    (run,) = prefect.all("flow_runs", flow_runs={"name": {"any_": [f"recover {missing}"]}})
    assert run["state_type"] == "FAILED"
    assert f"{missing} does not exist" in run["state"]["message"]


def test_the_pool_lets_nights_wait_for_each_other(prefect: "Prefect") -> None:
    assert prefect.ask("work_pools/nightmend")["concurrency_limit"] == 1


def artifacts(prefect: "Prefect", night: "OnDemand") -> dict[str, dict[str, Any]]:
    """The artifacts of a night that people see, by key."""
    found = prefect.all("artifacts", flow_runs={"id": {"any_": [night.run["id"]]}})
    return {artifact["key"]: artifact for artifact in found if artifact["key"]}


def rows(table: dict[str, Any]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(table["data"])
    return found


def asked_for(prefect: "Prefect") -> int:
    """Count the runs that nobody's schedule made."""
    return sum(not run["auto_scheduled"] for run in prefect.all("flow_runs"))


def left_over(target: str) -> list[str]:
    """Name the processes of a flow run, by the environment that Prefect gives them."""
    names = []
    for process in psutil.process_iter():
        try:
            if "PREFECT__FLOW_RUN_ID" in process.environ() and target in str(process.environ()):
                names.append(" ".join(process.cmdline()))
        except (psutil.Error, OSError):
            continue
    return names
