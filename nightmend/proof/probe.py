"""Which tests run a repair's lines? Plant probes that note it, and run the suite once for all repairs."""

from collections.abc import Sequence

from nightmend.frozen import Frozen
from nightmend.proof.baseline import Baseline
from nightmend.proof.bench import Bench
from nightmend.proof.reach import is_import, statement_span
from nightmend.proof.suite import limits_beside, run_suite
from nightmend.proof.syntax import parse
from nightmend.repairs.repair import Edit, Repair, apply_edits

PROBE = "getattr(__import__('sys').modules.get('nightmend_witness'), 'reached', int)({number})\n"
"""Does nothing in a process without our plugin."""


class Reach(Frozen):
    """What a run with probes told."""

    tests: dict[str, tuple[str, ...]]
    """Steady tests whose body runs the first changed statement of a repair, by its id."""
    seconds: dict[str, float]
    """CPU seconds of each test's body."""


def probe_tests(bench: Bench, baseline: Baseline, repairs: Sequence[Repair]) -> Reach:
    """Find the tests that run each of the repairs; one whole run of the suite, none where no probe fits."""
    probes = {repair.id: probe for repair in repairs if (probe := _probe(bench, repair))}
    planted = list(dict.fromkeys(probes.values()))
    if not planted:
        return Reach(tests={}, seconds={})
    run = run_suite(
        bench.workspace,
        bench.snapshot,
        changes=_plant(bench, planted),
        without=baseline.suite.left_out,
        limits=limits_beside(baseline.suite),
    )
    steady = [
        test
        for test, outcome in run.outcomes.items()
        if run.usable and outcome == "passed" and test not in baseline.unsteady
    ]
    tests = {
        repair: tuple(test for test in steady if planted.index(probe) in run.probes.get(test, ()))
        for repair, probe in probes.items()
    }
    return Reach(tests=tests, seconds=run.call_seconds)


def _plant(bench: Bench, probes: Sequence[Edit]) -> dict[str, bytes]:
    """Return the files with the probes in them, each with its number."""
    numbered = [
        probe.model_copy(update={"text": probe.text.format(number=number)})
        for number, probe in enumerate(probes)
    ]
    return {
        path: apply_edits(bench.contents[path], [probe for probe in numbered if probe.path == path])
        for path in {probe.path for probe in probes}
    }


def _probe(bench: Bench, repair: Repair) -> Edit | None:
    telling = [edit for edit in repair.edits if not is_import(edit)]
    for edit in sorted(telling, key=lambda edit: (edit.path, edit.start)):
        if probe := _before(edit, bench.contents[edit.path]):
            return probe
    return None


def _before(edit: Edit, content: bytes) -> Edit | None:
    """Return the probe before the statement of an edit; None where no statement can stand there."""
    line = content.count(b"\n", 0, edit.start) + 1
    first, _ = statement_span(parse(content), line, line)
    start = sum(len(one) for one in content.splitlines(keepends=True)[: first - 1])
    text = content.splitlines()[first - 1]
    indent = text[: len(text) - len(text.lstrip())].decode()
    probe = Edit(path=edit.path, start=start, end=start, text=indent + PROBE)
    try:
        parse(apply_edits(content, [probe.model_copy(update={"text": probe.text.format(number=0)})]))
    except SyntaxError:
        return None
    return probe
