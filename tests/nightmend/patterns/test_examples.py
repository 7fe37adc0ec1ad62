"""Every example and every look-alike of every pattern is a test; they are written once, here."""

import ast
import json
import subprocess
import sys
from collections.abc import Sequence

import pytest

from nightmend.issue import Finding, Issue
from nightmend.patterns.document import read_source
from nightmend.patterns.loader import load_patterns
from nightmend.patterns.pattern import Example, Pattern, Source, Unchanged
from nightmend.patterns.propose import find_faults, propose
from nightmend.patterns.source import Module
from nightmend.repairs.repair import Edit, Repair, apply_edits

PATTERNS = load_patterns()


def cases(kind: str) -> list[object]:
    return [
        pytest.param(
            pattern, case, id=f"{pattern.name}-{number}" + (f"-{case.because}" if kind == "unchanged" else "")
        )
        for pattern in PATTERNS.values()
        for number, case in enumerate(getattr(pattern, kind), 1)
    ]


@pytest.mark.parametrize(("pattern", "example"), cases("examples"))
def test_the_fault_becomes_exactly_its_repair(pattern: Pattern, example: Example) -> None:
    assert repaired(pattern, example, example.before) == example.after
    parses(example, example.after.encode())


@pytest.mark.parametrize(("pattern", "example"), cases("examples"))
def test_a_repair_is_as_safe_as_its_example_says(pattern: Pattern, example: Example) -> None:
    made = proposed(pattern, example, example.before)
    assert {one.safety for one in made} <= {example.safety or one.safety for one in made}


@pytest.mark.parametrize(("pattern", "example"), cases("examples"))
def test_windows_line_endings_survive(pattern: Pattern, example: Example) -> None:
    before, after = (text.replace("\n", "\r\n") for text in (example.before, example.after))
    assert repaired(pattern, example, before) == after


@pytest.mark.parametrize(("pattern", "example"), cases("examples"))
def test_nothing_is_left_to_repair(pattern: Pattern, example: Example) -> None:
    assert repairs(pattern, example, example.after) == []
    if pattern.code is not None:
        assert find_faults(parse(example, example.after), [pattern]) == []


@pytest.mark.parametrize(("pattern", "unchanged"), cases("unchanged"))
def test_a_look_alike_stays_as_it_is(pattern: Pattern, unchanged: Unchanged) -> None:
    assert repairs(pattern, unchanged, unchanged.source) == []


@pytest.mark.parametrize("pattern", [pattern for pattern in PATTERNS.values() if pattern.code is not None])
def test_each_repair_alone_leaves_python(pattern: Pattern) -> None:
    for example in pattern.examples:
        for edits in repairs(pattern, example, example.before):
            parses(example, apply_edits(example.before.encode(), edits))


def parses(source: Source, content: bytes) -> None:
    if source.path.endswith(".py"):
        ast.parse(content)


def repaired(pattern: Pattern, source: Source, text: str) -> str:
    edits = [edit for edits in repairs(pattern, source, text) for edit in edits]
    return apply_edits(text.encode(), edits).decode()


def repairs(pattern: Pattern, source: Source, text: str) -> list[tuple[Edit, ...]]:
    return [repair.edits for repair in proposed(pattern, source, text)]


def proposed(pattern: Pattern, source: Source, text: str) -> list[Repair]:
    module = parse(source, text)
    findings = find_faults(module, [pattern]) if pattern.code else ruff(pattern, source, text)
    issues = [issue(pattern, number, finding) for number, finding in enumerate(findings)]
    return propose(module, pattern, issues)


def parse(source: Source, text: str) -> Module:
    module = read_source(
        source.path, text.encode(), python=source.floor, files=source.files, moves=source.moves
    )
    assert module is not None
    return module


def issue(pattern: Pattern, number: int, finding: Finding) -> Issue:
    return Issue(
        fingerprint=f"fingerprint-{number}",
        fault=pattern.name,
        category=pattern.category,
        severity=pattern.severity,
        agent=pattern.agent,
        path=finding.path,
        line=finding.line,
        column=finding.column,
        end_line=finding.end_line or finding.line,
        message=finding.message,
        rules=(f"{finding.detector}:{finding.rule}",),
        actionable=True,
        fix=finding.fix,
        fix_safety=finding.fix_safety,
    )


def ruff(pattern: Pattern, source: Source, text: str) -> list[Finding]:
    rule = pattern.rewrite.ruff
    command = [
        sys.executable,
        "-I",
        "-m",
        "ruff",
        "check",
        "--isolated",
        "--no-cache",
        "--output-format",
        "json",
    ]
    command += ["--select", str(rule), "--stdin-filename", source.path, "-"]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    return [finding(text, source.path, found) for found in json.loads(done.stdout)]


def finding(text: str, path: str, found: dict[str, object]) -> Finding:
    match found:
        case {
            "code": str(code),
            "message": str(message),
            "location": {"row": int(row), "column": int(column)},
        }:
            fix = found.get("fix")
        case _:
            raise AssertionError(f"ruff says something else now: {found}")
    edits: Sequence[Edit] = ()
    safe = False
    if isinstance(fix, dict):
        safe = fix["applicability"] == "safe"
        edits = [
            Edit(
                path=path,
                start=offset(text, edit["location"]),
                end=offset(text, edit["end_location"]),
                text=edit["content"],
            )
            for edit in fix["edits"]
        ]
    return Finding(
        detector="ruff", rule=code, path=path, line=row, column=column, message=message,
        fix=tuple(edits), fix_safety="safe" if safe else "unsafe",
    )  # fmt: skip


def offset(text: str, place: dict[str, int]) -> int:
    lines = text.splitlines(keepends=True)
    before = "".join(lines[: place["row"] - 1])
    line = lines[place["row"] - 1] if place["row"] <= len(lines) else ""
    return len((before + line[: place["column"] - 1]).encode())
