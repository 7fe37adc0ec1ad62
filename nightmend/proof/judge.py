from collections.abc import Iterable

from nightmend.evidence import Judgement
from nightmend.proof.baseline import Baseline
from nightmend.proof.bench import Bench
from nightmend.proof.layout_rung import layout_rung
from nightmend.proof.pythons_rung import pythons_rung
from nightmend.proof.redetection_rung import redetection_rung
from nightmend.proof.rungs import (
    demands_rung,
    dropped_rung,
    equality_rung,
    imports_rung,
    interface_rung,
    names_rung,
    overlap_rung,
    policy_rung,
    reach_rung,
    runnable_rung,
    syntax_rung,
)
from nightmend.proof.speed_rung import speed_rung
from nightmend.proof.syntax import Version
from nightmend.proof.trial import tests_rung
from nightmend.repairs.repair import Repair
from nightmend.snapshot import Snapshot
from nightmend.workspace import Workspace


def judge(
    workspace: Workspace,
    snapshot: Snapshot,
    repairs: Iterable[Repair],
    baseline: Baseline,
    floor: Version | None = None,
) -> tuple[Judgement, ...]:
    """Take repairs of one snapshot up the ladder and return a verdict for each.

    `baseline` is the test run of that very snapshot; `floor` the least Python that the target declares.
    """
    bench = Bench(workspace, snapshot, repairs, floor)
    dropped_rung(bench)
    syntax_rung(bench)
    layout_rung(bench)
    pythons_rung(bench)
    equality_rung(bench)
    names_rung(bench)
    demands_rung(bench)
    interface_rung(bench)
    runnable_rung(bench, baseline.unrunnable)
    redetection_rung(bench)
    reach_rung(bench, baseline.judging)
    policy_rung(bench)
    overlap_rung(bench)
    if baseline.suite.usable:
        imports_rung(bench)
    tests_rung(bench, baseline)
    speed_rung(bench, baseline)
    return bench.judgements()


def judge_again(
    workspace: Workspace, snapshot: Snapshot, repairs: Iterable[Repair], floor: Version | None = None
) -> dict[str, str]:
    """Return which repairs, proved on another snapshot, do not hold on this one, with the reason by their id.

    No test is run: that it parses, that its issue is there and goes, that none is new.
    """
    bench = Bench(workspace, snapshot, repairs, floor)
    syntax_rung(bench)
    redetection_rung(bench)
    return {one.repair.id: one.reason for one in bench.judgements() if one.verdict != "kept"}
