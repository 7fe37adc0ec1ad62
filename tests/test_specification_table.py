"""The table of the specification is whole, and what it names is there."""

import ast
import functools
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "specification.md"
BESIDE = ROOT.parent / "shared" / "seed" / "agent-deployment-strategy.md"
TEXT = Path(os.environ.get("NIGHTMEND_SPECIFICATION") or BESIDE)
"""The specification is its author's, and no part of this repository."""
DIGEST = "cef8a73b3080e72abfda687292349728af44045b015dae8883d5e942bb18567a"
"""SHA-256 of all that is asked for, so that no row can be lost where the text is not at hand."""

HEADING = re.compile(r"#+ (?:Phase )?(?P<number>\d\.\d)?[.:]? ?(?P<title>.*)$")
OBJECT = re.compile(r"(\w+) = ([A-Z]\w+)\(\)")
CALL = re.compile(r"(\w+)\.(\w+)\(")
SETTING = re.compile(r'\s*"(\w+)": ("?[\w/.]+"?)')
FUNCTION = re.compile(r"(?<![\w.])((?:validate|run|deploy|execute)_\w+)\(")
SETTINGS = ("ORCHESTRATOR_CONFIG", "SANDBOX_CONFIG", "alert_thresholds")
KNOWN = {
    "test_sandbox": "Sandbox",
    "orchestrator": "MasterOrchestrator",
    "performance_monitor": "PerformanceMonitor",
}
"""Objects that the specification uses without having made them in the same place."""


class Reader:
    """Reads the specification line by line and tells what it asks for."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.objects = KNOWN | {name: owner for line in lines for name, owner in OBJECT.findall(line)}
        self.section = self.owner = self.config = ""
        self.counts: dict[str, int] = {}

    def items(self) -> Iterator[str]:
        fenced = False
        for line in self.lines:
            if line.lstrip().startswith("```"):
                fenced, self.owner, self.config = not fenced, "", ""
            else:
                yield from self._code(line) if fenced else self._prose(line)

    def _prose(self, line: str) -> Iterator[str]:
        if heading := HEADING.match(line):
            self.section = heading["number"] or heading["title"]
        elif line.startswith("- [ ]"):
            yield self._numbered("criterion")
        elif re.match(r"- \*\*.*\*\*: ", line):
            yield self._numbered("metric")

    def _numbered(self, kind: str) -> str:
        place = f"{kind} {self.section}"
        self.counts[place] = self.counts.get(place, 0) + 1
        return f"{place} {self.counts[place]}"

    def _code(self, line: str) -> Iterator[str]:
        if defined := re.match(r"(\s*)(?:async )?(class|def) (\w+)", line):
            yield from self._definition(*defined.groups())
            return
        if imported := re.search(r" import ([A-Z]\w+)$", line):
            yield f"class {imported[1]}"
        yield from self._setting(line)
        if asserted := re.match(r"\s*assert (.*?)(?:\s+#.*)?$", line):
            yield f"{self._numbered('assertion')}: {asserted[1]}"
        calls = CALL.findall(line)
        yield from (f"method {self.objects[name]}.{method}" for name, method in calls if name in self.objects)
        yield from (
            f"method {self.owner}.{method}" for name, method in calls if name == "self" and self.owner
        )
        yield from (f"function {function}" for function in FUNCTION.findall(line))

    def _definition(self, indent: str, kind: str, name: str) -> Iterator[str]:
        if kind == "class":
            self.owner = name
            yield f"class {name}"
        elif not indent:
            self.owner = ""
            yield f"function {name}"
        elif name != "__init__":
            yield f"method {self.owner}.{name}"

    def _setting(self, line: str) -> Iterator[str]:
        if opened := re.match(r"\s*(?:self\.)?(\w+) = \{$", line):
            self.config = opened[1]
        elif line.strip() == "}":
            self.config = ""
        elif self.config in SETTINGS and (setting := SETTING.match(line)):
            yield f"setting {self.config}.{setting[1]} = {setting[2]}"


def asked_for(text: str) -> list[str]:
    """List what the specification asks for by kind, place and name, each once."""
    return list(dict.fromkeys(Reader(text.splitlines()).items()))


def digest(items: list[str]) -> str:
    return hashlib.sha256("\n".join(sorted(items)).encode()).hexdigest()


class Row(NamedTuple):
    item: str
    words: str
    places: tuple[str, ...]
    tests: tuple[str, ...]


def rows() -> list[Row]:
    lines = [line for line in TABLE.read_text().splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [
        Row(item.strip("`"), words, *(tuple(re.findall(r"`([^`]+)`", cell)) for cell in others))
        for item, words, *others in cells
    ]


@functools.cache
def names(path: str) -> frozenset[str]:
    """The functions, classes, methods, fields and values that a module defines, dotted."""
    return frozenset(_names(ast.parse((ROOT / path).read_text()).body, ""))


def _names(body: list[ast.stmt], prefix: str) -> Iterator[str]:
    for statement in body:
        match statement:
            case ast.ClassDef(name=name):
                yield prefix + name
                yield from _names(statement.body, f"{prefix}{name}.")
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield prefix + name
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                yield prefix + name


def is_there(place: str) -> bool:
    path, _, name = place.partition("::")
    return (ROOT / path).is_file() and (not name or name in names(path))


def test_the_table_has_a_row_for_all_that_is_asked_for():
    assert digest([row.item for row in rows()]) == DIGEST


@pytest.mark.skipif(
    not TEXT.is_file(), reason="the specification lies beside no clone; name it by NIGHTMEND_SPECIFICATION"
)
def test_the_table_is_of_the_specification_as_it_reads():
    told, asked = [row.item for row in rows()], asked_for(TEXT.read_text())
    assert sorted(set(asked) - set(told)) == []
    assert sorted(set(told) - set(asked)) == []
    assert len(told) == len(asked)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.item)
def test_what_a_row_names_is_there(row):
    assert row.places
    assert row.tests
    assert [place for place in (*row.places, *row.tests) if not is_there(place)] == []
    assert [test for test in row.tests if not re.fullmatch(r"tests/.*(::|\.)test_\w+", test)] == []
