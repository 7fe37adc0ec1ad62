"""From faults to findings, and from issues to repairs."""

import ast
import textwrap

import pytest

from nightmend.issue import FixSafety, Issue
from nightmend.patterns.loader import load_patterns
from nightmend.patterns.propose import find_faults, propose, propose_linter_fixes
from nightmend.patterns.source import Module
from nightmend.repairs.repair import Edit, Repair, apply_edits, clash

PATTERNS = load_patterns()


def parse(source: str, path: str = "example.py", python: tuple[int, int] | None = None) -> Module:
    module = Module.parse(path, textwrap.dedent(source).encode(), python=python)
    assert module is not None
    return module


def issue(fault: str, line: int, column: int = 1, mark: str = "mark", **more: object) -> Issue:
    return Issue(
        fingerprint=mark, fault=fault, category="quality", severity="low", agent="code_quality",
        path=str(more.get("path", "example.py")), line=line, column=column, end_line=line,
        message="a message",
        rules=tuple(more.get("rules", ())), actionable=True,  # type: ignore[arg-type]
        fix=tuple(more.get("fix", ())), fix_safety=more.get("safety"),  # type: ignore[arg-type]
    )  # fmt: skip


def repairs(module: Module, fault: str) -> list[Repair]:
    found = find_faults(module, [PATTERNS[fault]])
    issues = [issue(fault, one.line, one.column, f"mark-{number}") for number, one in enumerate(found)]
    return propose(module, PATTERNS[fault], issues)


def mended(source: str, fault: str) -> str:
    module = parse(source)
    edits = [edit for repair in repairs(module, fault) for edit in repair.edits]
    return apply_edits(module.content, edits).decode()


TWO_ON_A_LINE = "def f(p):\n    return open('ä').read() + open(p).read()\n"


def test_a_finding_counts_characters_from_one() -> None:
    module = parse(TWO_ON_A_LINE)
    found = find_faults(module, {"text": PATTERNS["text-file-without-encoding"]})
    assert [(one.line, one.column, one.end_line) for one in found] == [(2, 12, 2), (2, 31, 2)]
    assert {(one.detector, one.rule) for one in found} == {("nightmend", "text-file-without-encoding")}


def test_each_fault_of_a_line_is_its_own_repair() -> None:
    first, second = repairs(parse(TWO_ON_A_LINE), "text-file-without-encoding")
    assert (first.issues, second.issues) == (("mark-0",), ("mark-1",))
    assert first.id != second.id
    assert not clash(first, second)


def test_an_issue_of_another_tool_is_found_by_its_line() -> None:
    module = parse("def f(p):\n    return open(p).read()\n")
    made = propose(
        module, PATTERNS["text-file-without-encoding"], [issue("text-file-without-encoding", 2, 5)]
    )
    assert [one.issues for one in made] == [("mark",)]


@pytest.mark.parametrize(
    "other",
    [
        issue("text-file-without-encoding", 3),
        issue("another-fault", 2),
        issue("text-file-without-encoding", 2, path="other.py"),
    ],
)
def test_without_its_issue_a_fault_is_left_alone(other: Issue) -> None:
    module = parse("def f(p):\n    return open(p).read()\n")
    assert propose(module, PATTERNS["text-file-without-encoding"], [other]) == []


def test_a_repair_says_what_its_pattern_says() -> None:
    source = (
        "def f(known, new):\n    ids = [a.id for a in known]\n    return [a for a in new if a.id in ids]\n"
    )
    (made,) = repairs(parse(source), "membership-in-list-built-for-it")
    assert (made.agent, made.safety, made.line) == ("performance_tuning", "needs-tests", 2)
    assert made.claims_speed
    assert made.faults == ("membership-in-list-built-for-it",)


def test_a_place_that_is_known_better_has_its_own_safety() -> None:
    made = repairs(
        parse("import json\ndef f(p):\n    json.load(open(p))\n    open(p)\n"), "text-file-without-encoding"
    )
    assert [one.safety for one in made] == ["safe", "needs-tests"]


def test_a_fault_with_several_places_claims_the_issues_at_each() -> None:
    module = parse("from json import dump, dumps, load, loads\nprint(load)\n")
    found = [issue("unused-import", 1, column, str(column)) for column in (18, 24, 37)]
    (made,) = propose(module, PATTERNS["unused-import"], found)
    assert made.issues == ("18", "24", "37")
    assert apply_edits(module.content, made.edits) == b"from json import load\nprint(load)\n"


def test_an_import_that_the_rest_of_the_project_takes_from_here_stays() -> None:
    source = b"from json import dump, load\nprint(1)\n"
    module = Module.parse("readers.py", source, elsewhere=lambda: frozenset({"readers.load"}))
    assert module is not None
    (made,) = propose(module, PATTERNS["unused-import"], [issue("unused-import", 1, path="readers.py")])
    assert apply_edits(source, made.edits) == b"from json import load\nprint(1)\n"


def test_repairs_that_need_the_same_import_share_its_edit() -> None:
    source = """\
        import json
        import time


        async def first():
            time.sleep(1)


        async def second():
            time.sleep(2)
            print(time.time())
    """
    first, second = repairs(parse(source), "blocking-call-in-coroutine")
    assert len(set(first.edits) & set(second.edits)) == 1
    assert not clash(first, second)


def test_the_last_use_of_an_import_takes_the_import_along() -> None:
    source = (
        "import time\n\n\nasync def first():\n    time.sleep(1)\n\n\nasync def second():\n    time.sleep(2)\n"
    )
    module = parse(source)
    (made,) = repairs(module, "blocking-call-in-coroutine")
    assert made.issues == ("mark-0", "mark-1")
    assert made.summary.endswith("(and 1 more)")
    assert apply_edits(module.content, made.edits).decode() == (
        "import asyncio\n\n\nasync def first():\n    await asyncio.sleep(1)\n"
        "\n\nasync def second():\n    await asyncio.sleep(2)\n"
    )


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param("import time  # for plugins", id="a comment"),
        pytest.param("import time as time", id="an explicit re-export"),
        pytest.param("import time\n__all__ = ['time']", id="a public name"),
        pytest.param("try:\n    import time\nexcept ImportError:\n    pass", id="not at the top"),
        pytest.param("import time\nimport time", id="imported twice"),
    ],
)
def test_an_import_that_may_be_meant_for_others_stays(kept: str) -> None:
    source = f"import asyncio\n{kept}\n\nasync def first():\n    time.sleep(1)\n"
    assert mended(source, "blocking-call-in-coroutine").startswith(f"import asyncio\n{kept}\n")


def test_the_imports_of_a_package_stay() -> None:
    module = parse("import asyncio\nimport time\nasync def f():\n    time.sleep(1)\n", "pack/__init__.py")
    found = issue("blocking-call-in-coroutine", 4, path="pack/__init__.py")
    (made,) = propose(module, PATTERNS["blocking-call-in-coroutine"], [found])
    assert b"import time" in apply_edits(module.content, made.edits)


def test_a_file_without_a_last_line_break_is_mended() -> None:
    source = "import asyncio\n_background_tasks = set()\nasync def f():\n    asyncio.create_task(g())"
    assert mended(source, "task-dropped") == (
        "import asyncio\n_background_tasks = set()\nasync def f():\n    task = asyncio.create_task(g())\n"
        "    _background_tasks.add(task)\n    task.add_done_callback(_background_tasks.discard)"
    )


def test_a_byte_order_mark_and_tabs_stay() -> None:
    source = "\ufeff# é\nimport os\nif x:\n\tif not os.path.exists(é):\n\t\tos.makedirs(é)\n"
    assert mended(source, "makedirs-race") == "\ufeff# é\nimport os\nif x:\n\tos.makedirs(é, exist_ok=True)\n"


def test_a_project_for_python_2_has_no_faults() -> None:
    source = "try:\n    f()\nexcept OSError:\n    raise ValueError('x')\n"
    assert find_faults(parse(source), PATTERNS) != []
    assert find_faults(parse(source, python=(2, 7)), PATTERNS) == []


def test_no_pattern_stumbles_over_any_syntax() -> None:
    source = """
        import typing as t
        @t.no_type_check
        async def f(a, /, b: int = 1, *c, d: str = "", **e) -> None:
            async with a as (x, *y), b:
                async for z in (w async for w in a if w): await z
            match a:
                case {"k": v, **rest} | [v, *rest] if v: del v
                case str() as text: return text
                case t.Any(x=1): pass
                case _: raise
            try: yield (n := a[1:2, ...])
            except* ValueError as group: print(f"{group!r:>{b}} {f'{a}'}")
            else: global g
            finally: lambda *p, q=1, **r: {**e, "k": [*p], "s": {*p}}
            while a < b <= c: break
            else: assert a, b
            with open(*c, **e) as h: h.x, h[0] = b"" if a else not b
            print(open(x for x in a).read(), -a ** b @ c, a if b else c, end=...)
        class A(t.Generic[t.T], metaclass=type): x: int; y: int = 1; z: t.Any
    """
    module = parse(source)
    for finding in find_faults(module, PATTERNS):
        found = issue(finding.rule, finding.line, finding.column)
        for made in propose(module, PATTERNS[finding.rule], [found]):
            ast.parse(apply_edits(module.content, made.edits))


FIX = (Edit(path="example.py", start=0, end=1, text="x"),)


@pytest.mark.parametrize(
    ("safety", "unsafe", "expected"), [("safe", False, "safe"), ("unsafe", True, "needs-tests")]
)
def test_a_linter_fix_becomes_a_repair(safety: FixSafety, unsafe: bool, expected: str) -> None:
    found = issue("ruff:C408", 7, fix=FIX, safety=safety, rules=["bandit:B1", "ruff:C408"])
    (made,) = propose_linter_fixes([found], PATTERNS, unsafe=unsafe)
    assert (made.pattern, made.agent, made.safety) == ("ruff-C408", "code_quality", expected)
    assert (made.edits, made.issues, made.line, made.summary) == (FIX, ("mark",), 7, "a message")


def test_a_linter_fix_bears_the_name_and_safety_of_its_pattern() -> None:
    found = issue("imported-twice", 1, fix=FIX, safety="safe", rules=["ruff:F811"])
    (made,) = propose_linter_fixes([found], PATTERNS)
    assert (made.pattern, made.safety) == ("imported-twice", "needs-tests")
    assert propose(parse("import os\n"), PATTERNS["imported-twice"], [found]) == [made]


def test_two_issues_with_one_fix_are_one_repair() -> None:
    found = [
        issue("imported-twice", 1, mark=mark, fix=FIX, safety="safe", rules=["ruff:F811"]) for mark in "ab"
    ]
    (made,) = propose_linter_fixes(found, PATTERNS)
    assert (made.issues, made.faults) == (("a", "b"), ("imported-twice",) * 2)


@pytest.mark.parametrize(
    "found",
    [
        issue("ruff:C408", 1, fix=FIX, safety="unsafe", rules=["ruff:C408"]),
        issue("ruff:C408", 1, rules=["ruff:C408"]),
        issue("pylint:W1", 1, fix=FIX, safety="safe", rules=["pylint:W1"]),
        pytest.param(
            issue("unused-import", 1, fix=FIX, safety="safe", rules=["ruff:F401"]),
            id="a pattern's own code does it",
        ),
    ],
)
def test_no_repair_comes_of_what_is_unsafe_or_left_out(found: Issue) -> None:
    assert propose_linter_fixes([found], PATTERNS) == []
