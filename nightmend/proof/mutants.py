"""Do the tests guard what a repair changed? A mistake is planted on its lines: who notices it, guards them.

One mistake for each repair, in the tree that a phase ships. A run has the mistakes of several repairs, of
which no test should reach two. It records which lines the tests ran: a failure tells of the one mistake that
its test ran, and of none where it ran two.
"""

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from nightmend.monitoring.pulse import beat
from nightmend.patterns.source import Module
from nightmend.proof.compiling import change_problem
from nightmend.proof.reach import Reach, is_import, line_of, statement_span, statements
from nightmend.proof.suite import SuiteRun, limits_beside, run_suite
from nightmend.proof.syntax import is_python, read_tree
from nightmend.repairs.repair import Edit, Repair, apply_edits
from nightmend.settings import Limits
from nightmend.snapshot import Snapshot
from nightmend.workers import each
from nightmend.workspace import Workspace

ASKED = 5
"""Tests that are asked for each mistake: those with the shortest bodies."""
TIMES, FLOOR_SECONDS = 2, 5
"""A run of a few tests may take so many times what they and the suite's start took, and these seconds."""
AT_ONCE = 2
"""Runs that begin before the budget is looked at again, however many workers there are."""


class Mutant(NamedTuple):
    """A mistake in the place of a repair, and the tests that would have to notice it."""

    repair: str
    edit: Edit
    reaching: frozenset[str]
    asked: tuple[str, ...]


def guarded(
    workspace: Workspace,
    snapshot: Snapshot,
    repairs: Sequence[Repair],
    wanted: Collection[str],
    suite: SuiteRun,
    budget: float,
) -> dict[str, bool]:
    """Return whether tests notice a mistake on the lines of the wanted repairs, by id, as the budget allows.

    `snapshot` is the tree with exactly `repairs`, `suite` its run, of which the reach may be guessed, and
    `budget` a share of what that run cost. A repair for which no mistake can be planted, or that tests reach
    only by its import, is left out.
    """
    paths = {path for repair in repairs for path in repair.paths if is_python(path)}
    contents = workspace.store.read_many(snapshot, sorted(paths))
    waiting = sorted(
        _mutants(repairs, wanted, contents, suite), key=lambda one: (len(one.reaching), one.repair)
    )
    found: dict[str, bool] = {}
    spent = 0.0
    while waiting and spent < budget * suite.cpu_seconds:
        groups, waiting = _groups(waiting)
        runs = each(lambda together: _run(workspace, snapshot, contents, together, suite), groups)
        for together, run in zip(groups, runs, strict=True):
            spent += run.cpu_seconds
            told = _told(together, run, contents)
            if any(told.values()):  # alone these tests may not pass without a mistake either
                control = _run(workspace, snapshot, contents, together, suite, planted=False)
                spent += control.cpu_seconds
                told = _told([_of_passing(one, control) for one in together], run, contents)
            found |= told
    return found


def _of_passing(mutant: Mutant, control: SuiteRun) -> Mutant:
    """Return a mutant that is asked of the tests alone which passed in a run without any mistake."""
    return mutant._replace(asked=tuple(one for one in mutant.asked if control.outcomes.get(one) == "passed"))


def _told(together: Sequence[Mutant], run: SuiteRun, contents: Mapping[str, bytes]) -> dict[str, bool]:
    """Say of each mistake of a run whether a test noticed, as far as the run tells."""
    ran = {one.repair: _runners(one, together, run, contents) for one in together}
    told: dict[str, bool] = {}
    for one in together:
        others = frozenset[str]().union(*(ran[other.repair] for other in together if other is not one))
        noticed = _noticed(one, run, ran[one.repair] - others)
        told |= {} if noticed is None else {one.repair: noticed}
    return told


def _noticed(mutant: Mutant, run: SuiteRun, telling: frozenset[str]) -> bool | None:
    """Say whether a test noticed, of those that tell of this mistake alone; None where another may have."""
    outcomes = {test: run.outcomes.get(test) for test in mutant.asked}
    broken = {test for test, outcome in outcomes.items() if outcome not in {"passed", None}}
    broken |= {test for test, outcome in outcomes.items() if outcome is None and not run.cut_short}
    if broken & telling or run.stopped_in in telling & outcomes.keys():
        return True
    unknown = broken or not outcomes or None in outcomes.values()
    return None if unknown else False


def _runners(
    mutant: Mutant, together: Sequence[Mutant], run: SuiteRun, contents: Mapping[str, bytes]
) -> frozenset[str]:
    """Return the tests that ran a mistake of a run: all that were asked where it was alone."""
    if len(together) == 1:
        return frozenset(mutant.asked)
    path = mutant.edit.path
    edits = [one.edit for one in together if one.edit.path == path]
    start = _place(mutant.edit, set(edits))
    content = apply_edits(contents[path], edits)
    end = start + len(mutant.edit.text.encode()) - 1
    lines = statement_span(read_tree(content), line_of(content, start), line_of(content, end))
    return run.spectrum.named(run.spectrum.running(path, *lines))


def _run(
    workspace: Workspace,
    snapshot: Snapshot,
    contents: Mapping[str, bytes],
    mutants: Sequence[Mutant],
    suite: SuiteRun,
    *,
    planted: bool = True,
) -> SuiteRun:
    beat("mistakes planted to see who notices")
    edits = [one.edit for one in mutants if planted]
    changes = {
        path: apply_edits(contents[path], [edit for edit in edits if edit.path == path])
        for path in {edit.path for edit in edits}
    }
    return run_suite(
        workspace,
        snapshot,
        changes=changes,
        coverage=len(mutants) > 1,
        only=sorted({test for one in mutants for test in one.asked}),
        without=suite.left_out,
        limits=_limits(suite, {test for one in mutants for test in one.asked}),
    )


def _limits(suite: SuiteRun, asked: Collection[str]) -> Limits:
    """Return what a run of a few tests may use: a mistake that makes one endless must not cost runs."""
    bodies = suite.call_seconds
    around = max(0.0, suite.cpu_seconds - sum(bodies.values()))
    expected = around + sum(bodies.get(test, 0) for test in asked)
    limits = limits_beside(suite)
    return limits.model_copy(
        update={"cpu_seconds": min(limits.cpu_seconds, FLOOR_SECONDS + TIMES * expected)}
    )


def _groups(waiting: list[Mutant]) -> tuple[list[list[Mutant]], list[Mutant]]:
    """Choose the mutants of the runs that go next; the others wait."""
    groups: list[list[Mutant]] = []
    while waiting and len(groups) < AT_ONCE:
        together, waiting = _apart(waiting)
        groups.append(together)
    return groups, waiting


def _apart(waiting: Sequence[Mutant]) -> tuple[list[Mutant], list[Mutant]]:
    """Choose mutants of which no test that is asked reaches two, as far as is known; the others wait."""
    chosen: list[Mutant] = []
    rest: list[Mutant] = []
    reached: set[str] = set()
    asked: set[str] = set()
    for one in waiting:
        if reached.isdisjoint(one.asked) and asked.isdisjoint(one.reaching):
            chosen.append(one)
            reached |= one.reaching
            asked.update(one.asked)
        else:
            rest.append(one)
    return chosen, rest


def _mutants(
    repairs: Iterable[Repair], wanted: Collection[str], contents: Mapping[str, bytes], suite: SuiteRun
) -> Iterator[Mutant]:
    made = {edit for repair in repairs for edit in repair.edits}
    reach = Reach(suite.spectrum, contents)
    modules = {path: Module.parse(path, content) for path, content in contents.items()}
    for repair in (one for one in repairs if one.id in wanted):
        edit = _planted(repair, made, modules)
        tests = reach.tests(repair.model_copy(update={"edits": (edit,)})) if edit else None
        passing = [test for test in tests or () if suite.outcomes.get(test) == "passed"]
        if edit and tests and passing:
            shortest = sorted(passing, key=lambda test: (suite.call_seconds.get(test, 0), test))
            yield Mutant(repair.id, edit, tests, tuple(shortest[:ASKED]))


def _planted(repair: Repair, made: set[Edit], modules: Mapping[str, Module | None]) -> Edit | None:
    """Return a mistake in the first statement that a repair changed, where one can be made."""
    for edit in sorted(repair.edits, key=lambda edit: (edit.path, edit.start)):
        if is_python(edit.path) and not is_import(edit):
            module = modules[edit.path]
            text = edit.text.encode()
            start = _place(edit, made) + len(text) - len(text.lstrip())
            end = max(start, start + len(text.strip()) - 1)
            if not text.strip() and module and module.line_start(module.line_of(start)) == start:
                continue  # whole lines are gone, and the next one is as it was
            found = _mistakes(module, module.line_of(start), module.line_of(end)) if module else iter(())
            mistake = next(found, None)
            if mistake:
                return mistake
    return None


def _place(edit: Edit, made: set[Edit]) -> int:
    """Return where the text of an edit begins once all are made."""
    before = (one for one in made if one.path == edit.path and (one.start, one.end) < (edit.start, edit.end))
    return edit.start + sum(len(one.text.encode()) - (one.end - one.start) for one in before)


def _mistakes(module: Module, first: int, last: int) -> Iterator[Edit]:
    """Yield mistakes in the statements that begin on the lines, and still parse."""
    for node in statements(module.tree):
        if isinstance(node, ast.stmt | ast.ExceptHandler) and first <= node.lineno <= last:
            for place, text in _wrong(node):
                edit = module.replace(place, text.format(module.text(place)))
                after = apply_edits(module.content, [edit])
                if change_problem(module.path, module.content, after, [edit], None) is None:
                    yield edit


def _wrong(node: ast.stmt | ast.ExceptHandler) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """Yield what to replace in a statement, and with what: `{}` is what stood there."""
    match node:
        case ast.If(test=test) | ast.While(test=test) | ast.Assert(test=test):
            yield test, "not ({})"
        case ast.For(iter=items) | ast.AsyncFor(iter=items):
            yield items, "()"
        case ast.Return(value=ast.expr() as value):
            yield value, "not ({})" if _is_truth(value) else "None"
        case ast.Raise(exc=ast.expr() as raised):
            yield (
                raised,
                "SystemExit('mistake')" if _is_named(raised, "Exception") else "Exception('mistake')",
            )
        case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value) | ast.AugAssign(value=value):
            yield value, "None"
        case ast.With(items=[item, *_]) | ast.AsyncWith(items=[item, *_]):
            yield from ((one, "'utf-16'") for one in _encodings(item.context_expr))
        case ast.ExceptHandler(type=ast.expr() as caught):
            yield caught, "()"
        case ast.Expr(value=ast.Call() | ast.Await() | ast.Yield()):
            yield node, "pass"


def _encodings(opened: ast.expr) -> Iterator[ast.expr]:
    for call in ast.walk(opened):
        if isinstance(call, ast.Call):
            yield from (keyword.value for keyword in call.keywords if keyword.arg == "encoding")


def _is_truth(value: ast.expr) -> bool:
    falsy = isinstance(value, ast.Constant) and value.value is None
    return falsy or isinstance(value, ast.Compare | ast.BoolOp)


def _is_named(raised: ast.expr, name: str) -> bool:
    called = raised.func if isinstance(raised, ast.Call) else raised
    return isinstance(called, ast.Name) and called.id == name
