"""Mistakes are really planted: who is guarded, who is not, and of whom nobody can say."""

import ast
from collections.abc import Callable

import pytest

from nightmend.patterns.source import Module
from nightmend.proof.mutants import FLOOR_SECONDS, TIMES, Mutant, _mistakes, _planted, _told, guarded
from nightmend.proof.spectrum import Spectrum
from nightmend.proof.suite import SuiteRun, run_suite
from nightmend.repairs.repair import Edit, Repair, apply_edits, apply_repairs
from nightmend.sequences import common_prefix
from nightmend.snapshot import Snapshot
from nightmend.workspace import Workspace

SHOP = """\
import os


def total(prices):
    result = 0
    for price in prices:
        result = result + price
    return result


def label(name):
    text = "price of " + name
    return text


def check(count):
    if count < 0:
        raise ValueError("less than none")
    return count


def forgotten():
    return 1
"""
TESTS = """\
import pytest
import shop


def test_total():
    assert shop.total([1, 2]) == 3


def test_label_is_text():
    assert shop.label("tea") != 1


def test_check():
    with pytest.raises(ValueError):
        shop.check(-1)
    assert shop.check(1) == 1


def test_both():
    with pytest.raises(ValueError):
        shop.check(-shop.total([4]))
"""
FILES = {
    "shop.py": SHOP,
    "test_shop.py": TESTS,
    "pytest.ini": "[pytest]\npythonpath = .\naddopts = -p no:hypothesispytest -p no:anyio\n",
}
CHANGES = {
    "guarded": ("result = result + price", "result += price"),
    "longer": ("import os\n", "import os\nimport sys\n\nNAMES = []\n"),
    "loose": ('text = "price of " + name', 'text = f"price of {name}"'),
    "raised": ('raise ValueError("less than none")', "raise ValueError('less than none')"),
    "forgotten": ("return 1\n", "return  1\n"),
}
GUARDED = {"guarded": True, "loose": False, "raised": True}


@pytest.fixture(scope="module")
def workspace(shared_workspace_of: Callable[..., Workspace]) -> Workspace:
    return shared_workspace_of(FILES)


@pytest.fixture(scope="module")
def repairs(workspace: Workspace, repair_in: Callable[..., Repair]) -> dict[str, Repair]:
    return {name: repair_in(workspace, "shop.py", *change, pattern=name) for name, change in CHANGES.items()}


@pytest.fixture(scope="module")
def shipped(workspace: Workspace, repairs: dict[str, Repair]) -> tuple[Snapshot, SuiteRun]:
    changed = apply_repairs(repairs.values(), {"shop.py": SHOP.encode()})
    tree = workspace.store.write(workspace.night.base, changed)
    return tree, run_suite(workspace, tree, coverage=True)


@pytest.fixture
def noticed(workspace, repairs, shipped):
    def ask(*names: str, budget: float = 100) -> dict[str, bool]:
        wanted = {repairs[name].id for name in names}
        found = guarded(workspace, shipped[0], list(repairs.values()), wanted, shipped[1], budget)
        return {name: found[one.id] for name, one in repairs.items() if one.id in found}

    return ask


@pytest.mark.integration
def test_who_is_guarded_and_who_is_not(noticed):
    assert noticed(*CHANGES) == GUARDED


@pytest.mark.integration
def test_only_what_was_asked_for_is_looked_at(noticed):
    assert noticed("loose") == {"loose": False}


@pytest.mark.integration
def test_without_a_budget_nothing_is_run(noticed, monkeypatch):
    monkeypatch.setattr("nightmend.proof.mutants.run_suite", None)
    assert noticed(*CHANGES, budget=0) == {}


@pytest.mark.integration
def test_mistakes_that_one_test_reaches_are_never_in_one_run(noticed, monkeypatch):
    """`test_both` reaches two of the repairs; the third has tests of its own."""
    runs = []

    def noted(*arguments, **options):
        if options["changes"]:
            runs.append(options["changes"]["shop.py"].decode())
        return run_suite(*arguments, **options)

    monkeypatch.setattr("nightmend.proof.mutants.run_suite", noted)
    assert noticed(*GUARDED) == GUARDED
    assert len(runs) == 2
    assert [("Exception('mistake')" in text, "result += None" in text) for text in runs] in (
        [(True, False), (False, True)],
        [(False, True), (True, False)],
    )


@pytest.mark.integration
def test_a_failure_tells_nothing_of_a_mistake_that_its_test_did_not_run(noticed, monkeypatch):
    class Wrong:
        """Says that `test_check` reaches the label."""

        def __init__(self, *given):
            pass

        def tests(self, repair):
            [edit] = repair.edits
            return frozenset({f"test_shop.py::{'test_check' if edit.text == 'None' else 'test_both'}"})

    runs = []

    def noted(*arguments, **options):
        runs.append(options["only"])
        return run_suite(*arguments, **options)

    monkeypatch.setattr("nightmend.proof.mutants.Reach", Wrong)
    monkeypatch.setattr("nightmend.proof.mutants.run_suite", noted)
    assert noticed("loose", "raised") == {"raised": True}
    assert runs == [["test_shop.py::test_both", "test_shop.py::test_check"]] * 2, "and without mistakes"


@pytest.mark.integration
def test_a_test_that_fails_alone_without_a_mistake_too_tells_nothing(
    workspace, repairs, shipped, monkeypatch
):
    asked = []

    def spoiled(*arguments, **options):
        run = run_suite(*arguments, **options)
        asked.append(options["only"])
        outcomes = run.outcomes | {"test_shop.py::test_total": "failed"}
        return run.model_copy(update={"outcomes": outcomes})

    monkeypatch.setattr("nightmend.proof.mutants.run_suite", spoiled)
    wanted = {repairs["guarded"].id}
    found = guarded(workspace, shipped[0], list(repairs.values()), wanted, shipped[1], 100)
    assert found == {repairs["guarded"].id: True}, "`test_both` tells it alone"
    assert "test_shop.py::test_both" in asked[0]
    monkeypatch.setattr("nightmend.proof.mutants.ASKED", 1)
    only = shipped[1].model_copy(update={"call_seconds": {"test_shop.py::test_both": 9.0}})
    assert guarded(workspace, shipped[0], list(repairs.values()), wanted, only, 100) == {}


@pytest.mark.parametrize(
    ("outcomes", "cut_short", "told"),
    [
        ({"both": "failed", "second": "failed"}, False, {"second": True}),
        ({"both": "passed", "second": "failed"}, False, {"first": False, "second": True}),
        ({"both": "passed", "second": "passed"}, False, {"first": False, "second": False}),
        ({"both": "passed"}, False, {"first": False}),
        ({"both": "passed"}, True, {"first": False}),
        ({}, True, {}),
    ],
)
def test_a_run_of_two_mistakes_tells_as_much_as_is_certain(outcomes, cut_short, told):
    """The test `both` runs both, and was asked for the first one alone."""
    content = b"def f():\n    a = 1\n    b = 2\n"
    places = {"first": content.index(b"1"), "second": content.index(b"2")}
    asked = {"first": ("both",), "second": ("second",)}
    together = [
        Mutant(name, Edit(path="a.py", start=at, end=at + 1, text="None"), frozenset(), asked[name])
        for name, at in places.items()
    ]
    spectrum = Spectrum(
        tests=("", "both", "second"),
        lines={"a.py": (("0x2", (2,)), ("0x6" if "second" in outcomes else "0x2", (3,)))},
    )
    run = SuiteRun(usable=True, outcomes=outcomes, cut_short=cut_short, spectrum=spectrum)
    assert _told(together, run, {"a.py": content}) == told


ENDLESS = {
    "shop.py": "def count(limit):\n    at = 0\n    while at < limit:\n        at += 1\n    return at\n",
    "test_shop.py": "import shop\n\n\ndef test_count():\n    assert shop.count(3) == 3\n",
    "pytest.ini": FILES["pytest.ini"],
}


@pytest.mark.integration
def test_a_mistake_that_never_ends_costs_seconds_and_is_noticed(workspace_of, repair_in, monkeypatch):
    workspace = workspace_of(ENDLESS)
    base = workspace.night.base
    one = repair_in(workspace, "shop.py", "at < limit", "limit > at")
    tree = workspace.store.write(base, apply_repairs([one], {"shop.py": ENDLESS["shop.py"].encode()}))
    suite = run_suite(workspace, tree, coverage=True)
    spent = []

    def noted(*arguments, **options):
        run = run_suite(*arguments, **options)
        spent.append(run.cpu_seconds)
        return run

    monkeypatch.setattr("nightmend.proof.mutants.run_suite", noted)
    monkeypatch.setattr(
        "nightmend.proof.mutants._wrong",
        lambda node: [(node.test, "True")] if isinstance(node, ast.While) else [],
    )
    assert guarded(workspace, tree, [one], {one.id}, suite, 100) == {one.id: True}
    assert spent[0] < FLOOR_SECONDS + 2 * TIMES * suite.cpu_seconds


STATEMENTS = """\
def f(a, b):
    if a < b:
        return a == b
    while a:
        a = b
    for one in b:
        a += one
    assert a
    try:
        print(a)
    except ValueError:
        raise Exception("no")
    with open(a, encoding="utf-8") as c:
        d: int = 1
    return b
"""


def test_each_kind_of_statement_has_its_mistake():
    content = STATEMENTS.encode()
    lines = range(1, len(STATEMENTS.splitlines()) + 1)
    module = Module.parse("f.py", content)
    mistakes = [next(_mistakes(module, line, line), None) for line in lines]
    changed = [
        apply_edits(content, [one]).decode().splitlines()[line - 1].strip() if one else None
        for line, one in zip(lines, mistakes, strict=True)
    ]
    assert changed == [
        None,
        "if not (a < b):",
        "return not (a == b)",
        "while not (a):",
        "a = None",
        "for one in ():",
        "a += None",
        "assert not (a)",
        None,
        "pass",
        "except ():",
        "raise SystemExit('mistake')",
        "with open(a, encoding='utf-16') as c:",
        "d: int = None",
        "return None",
    ]
    for one in filter(None, mistakes):
        assert ast.dump(ast.parse(apply_edits(content, [one]))) != ast.dump(ast.parse(content))


@pytest.mark.parametrize(
    ("old", "new", "planted"),
    [
        ("    b = 1\n", "", None),
        ("    a = 1", "    a = 1\n    h(a)", "    pass\n"),
        ("return a", "return a + 0", "return None"),
        ("g(a, 1)", "g(a)", "    pass\n"),
    ],
    ids=["whole lines are gone", "a statement is put in", "a value is another", "a part is gone"],
)
def test_the_mistake_is_in_what_the_repair_wrote(old, new, planted):
    source = "def f():\n    a = 1\n    b = 1\n    g(a, 1)\n    return a\n"
    start = source.index(old)
    kept = common_prefix(old, new)
    edit = Edit(path="a.py", start=start + kept, end=start + len(old), text=new[kept:])
    repair = Repair(
        id="one", agent="code_quality", pattern="by-hand", safety="safe", issues=(), faults=(),
        edits=(edit,), line=1, summary="",
    )  # fmt: skip
    after = apply_edits(source.encode(), [edit])
    mistake = _planted(repair, {edit}, {"a.py": Module.parse("a.py", after)})
    if planted is None:
        assert mistake is None
    else:
        assert planted in apply_edits(after, [mistake]).decode()
        assert apply_edits(after, [mistake]).decode().count("\n") == after.decode().count("\n")
