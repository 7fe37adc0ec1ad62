"""Three measures of a target's code, each a count over a count; docs/metrics.md says what exactly is counted.

Measured is the code that ships: no test, nothing vendored or generated.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping

from nightmend.detectors import pycodestyle
from nightmend.detectors.running import ToolError
from nightmend.detectors.taxonomy import Wide
from nightmend.frozen import Frozen
from nightmend.issue import Finding
from nightmend.parsing import parse_source
from nightmend.snapshot import Snapshot
from nightmend.targets.config import target_config
from nightmend.targets.protected import is_test
from nightmend.targets.trees import checkout_view, python_sources
from nightmend.workspace import Workspace

Definition = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_PARTS = ("body", "orelse", "finalbody", "handlers", "cases")
BLOCKS = (ast.If, ast.Try, ast.TryStar, ast.With, ast.ExceptHandler)
"""What a definition may stand in and still be one of its module or class."""


class Counts(Frozen):
    """What one file, or all together, have and lack."""

    unannotated: int = 0
    annotatable: int = 0
    undocumented: int = 0
    documentable: int = 0

    def plus(self, other: "Counts") -> "Counts":
        """Add two counts."""
        return Counts(
            unannotated=self.unannotated + other.unannotated,
            annotatable=self.annotatable + other.annotatable,
            undocumented=self.undocumented + other.undocumented,
            documentable=self.documentable + other.documentable,
        )


class Quality(Frozen):
    """The measures as counts, of which none may rise over a night; the shares are for people."""

    pep8_violations: int
    """Findings; a line may have several."""
    pep8_lines: int
    """Lines with a finding."""
    code_lines: int
    unannotated: int
    annotatable: int
    undocumented: int
    documentable: int

    @property
    def pep8_compliance(self) -> float | None:
        """Percent of code lines without a finding; None where there is no code, or no measure of it."""
        return _share(self.pep8_lines, self.code_lines)

    @property
    def type_hint_coverage(self) -> float | None:
        """Percent of parameters and returns that are annotated; None where there is no function."""
        return _share(self.unannotated, self.annotatable)

    @property
    def documentation_coverage(self) -> float | None:
        """Percent of public definitions that are documented; None where there is none."""
        return _share(self.undocumented, self.documentable)


def measure(workspace: Workspace, snapshot: Snapshot) -> Quality:
    """Measure a snapshot; where pycodestyle cannot say, PEP 8 is not measurable and the rest still is."""
    shipped = {
        path: content for path, content in python_sources(workspace, snapshot).items() if not is_test(path)
    }
    counts = Counts()
    for path, content in shipped.items():
        counts = counts.plus(count(path, content))
    found = _pep8(workspace, snapshot, shipped)
    lines = code_lines(shipped, found) if found is not None else 0
    return Quality(
        pep8_violations=len(found or ()),
        pep8_lines=len({(finding.path, finding.line) for finding in found or ()}),
        code_lines=lines,
        **counts.model_dump(),
    )


def count(path: str, content: bytes) -> Counts:
    """Count what one file has and lacks; a file that does not parse has nothing."""
    hints, documented = _having(path, content)
    return Counts(
        unannotated=len(hints) - sum(has for _, has in hints),
        annotatable=len(hints),
        undocumented=len(documented) - sum(has for _, has in documented),
        documentable=len(documented),
    )


def lacking(path: str, content: bytes) -> Iterator[tuple[str, int]]:
    """Yield what a file lacks: the measure's name, and the line of the definition."""
    for name, places in zip(("unannotated", "undocumented"), _having(path, content), strict=True):
        yield from ((name, line) for line, has in places if not has)


def _having(path: str, content: bytes) -> tuple[list[tuple[int, bool]], list[tuple[int, bool]]]:
    """Return for each place of an annotation, and of a docstring, its line and whether it is there."""
    try:
        tree = parse_source(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return [], []
    hints = [
        (function.lineno, has)
        for function, in_class in _functions(tree)
        for has in _hints(function, in_class)
    ]
    return hints, list(_documented(path, tree))


def code_lines(contents: Mapping[str, bytes], findings: Iterable[Finding]) -> int:
    """Count the lines that are not blank, and the blank ones that have a finding."""
    counted = {
        (path, number)
        for path, content in contents.items()
        for number, line in enumerate(content.splitlines(), 1)
        if line.strip()
    }
    return len(counted | {(finding.path, finding.line) for finding in findings})


def _functions(tree: ast.Module) -> Iterator[tuple[Definition, bool]]:
    """Yield every function with whether it stands in the body of a class."""
    waiting: list[tuple[ast.AST, bool]] = [(tree, False)]
    while waiting:
        node, in_class = waiting.pop()
        if isinstance(node, FUNCTIONS):
            yield node, in_class
        here = isinstance(node, ast.ClassDef) or (in_class and not isinstance(node, FUNCTIONS))
        waiting += [(child, here) for block in _blocks(node) for child in block]


def _blocks(node: ast.AST) -> Iterator[list[ast.AST]]:
    """Yield the statements that a node is made of: expressions, which are most of a tree, have none."""
    return (found for name in _PARTS if (found := getattr(node, name, None)))


def _hints(function: Definition, in_class: bool) -> Iterator[bool]:
    """Yield for each parameter and for the return whether it is annotated; self and cls need nothing."""
    given = function.args
    positional = [*given.posonlyargs, *given.args]
    bound = in_class and "staticmethod" not in _decorators(function)
    rest = [argument for argument in (given.vararg, given.kwarg) if argument]
    for argument in (*(positional[1:] if bound else positional), *given.kwonlyargs, *rest):
        yield argument.annotation is not None
    yield function.returns is not None


def _documented(path: str, tree: ast.Module) -> Iterator[tuple[int, bool]]:
    """Yield for each public definition its line and whether it has a docstring; an empty module has none."""
    parts = path.removesuffix(".py").split("/")
    if tree.body and not any(_private(part) for part in parts):
        yield 1, ast.get_docstring(tree) is not None
    waiting: list[ast.AST] = [tree]
    while waiting:
        for child in ast.iter_child_nodes(waiting.pop()):
            if isinstance(child, (ast.ClassDef, *FUNCTIONS)):
                if child.name.startswith("_") or _repeats(child):
                    continue
                yield child.lineno, ast.get_docstring(child) is not None
            if isinstance(child, (ast.ClassDef, *BLOCKS)):
                waiting.append(child)


def _repeats(node: ast.ClassDef | Definition) -> bool:
    """Say whether a definition only adds to one of the same name, which has the docstring."""
    return bool(_decorators(node) & {"overload", "setter", "deleter"})


def _decorators(node: ast.ClassDef | Definition) -> set[str]:
    calls = (item.func if isinstance(item, ast.Call) else item for item in node.decorator_list)
    return {
        item.attr if isinstance(item, ast.Attribute) else item.id
        for item in calls
        if isinstance(item, (ast.Attribute, ast.Name))
    }


def _private(name: str) -> bool:
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


def _pep8(workspace: Workspace, snapshot: Snapshot, shipped: Mapping[str, bytes]) -> list[Finding] | None:
    view = checkout_view(workspace, snapshot, shipped)
    if not shipped:
        return []
    try:
        with workspace.sandbox(snapshot, "measure") as box:
            return pycodestyle.detect(box, view, target_config(workspace.store, snapshot), Wide())
    except ToolError:
        return None


def _share(lacking: int, all_of_them: int) -> float | None:
    return round(100 * (1 - lacking / all_of_them), 2) if all_of_them else None
