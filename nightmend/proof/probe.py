"""Which tests run a repair's lines? Plant a probe that raises there, and see which tests notice."""

from collections.abc import Mapping

from nightmend.proof.baseline import Baseline
from nightmend.proof.bench import Bench
from nightmend.proof.compare import broken_tests
from nightmend.proof.reach import is_import, statement_span
from nightmend.proof.suite import limits_beside, run_suite
from nightmend.proof.syntax import parse
from nightmend.repair import Edit, Repair, apply_edits

PROBE = "raise AssertionError('a probe of nightmend')\n"


def tests_reaching(bench: Bench, baseline: Baseline, repair: Repair) -> tuple[str, ...]:
    """Return the tests that break when the repair's first changed statement raises: those that run it."""
    probed = _probed(bench, repair)
    if not probed:
        return ()
    run = run_suite(bench.workspace, bench.snapshot, changes=probed, limits=limits_beside(baseline.suite))
    return tuple(test for test in broken_tests(baseline.suite, run) if test not in baseline.unsteady)


def _probed(bench: Bench, repair: Repair) -> Mapping[str, bytes]:
    telling = [edit for edit in repair.edits if not is_import(edit)]
    for edit in sorted(telling, key=lambda edit: (edit.path, edit.start)):
        content = bench.contents[edit.path]
        probe = _probe(edit, content)
        if probe:
            return {edit.path: apply_edits(content, [probe])}
    return {}


def _probe(edit: Edit, content: bytes) -> Edit | None:
    line = content.count(b"\n", 0, edit.start) + 1
    first, _ = statement_span(parse(content), line, line)
    start = sum(len(one) for one in content.splitlines(keepends=True)[: first - 1])
    text = content.splitlines()[first - 1]
    indent = text[: len(text) - len(text.lstrip())].decode()
    probe = Edit(path=edit.path, start=start, end=start, text=indent + PROBE)
    try:
        parse(apply_edits(content, [probe]))
    except SyntaxError:
        return None
    return probe
