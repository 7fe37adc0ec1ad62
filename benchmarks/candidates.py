"""Repairs of all kinds for a real project: every fix of a linter, docstrings, annotations, units of layout.

What a night would never propose is in it on purpose: the proof is measured on what it may be given, not on
what our own patterns are careful enough to write.
"""

import ast
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path

from nightmend.detectors.ruff_output import read_findings
from nightmend.diffs.reading import Change
from nightmend.diffs.units import units
from nightmend.patterns.returns import returned_type
from nightmend.patterns.source import Module
from nightmend.repairs import repair as repairs
from nightmend.repairs.repair import Edit, Repair, Safety, overlap, repair_id
from nightmend.targets.config import target_config
from nightmend.targets.protected import is_test
from nightmend.targets.trees import checkout_view, python_sources
from nightmend.workspace import Workspace

Function = ast.FunctionDef | ast.AsyncFunctionDef
LINTER = "ruff-"
"""How the names of linter fixes begin."""
SEED = 20


def candidates(workspace: Workspace) -> list[Repair]:
    """Return repairs of all kinds of the code that ships, shuffled, that can all be applied together."""
    base = workspace.night.base
    sources = {path: text for path, text in python_sources(workspace, base).items() if not is_test(path)}
    floor = target_config(workspace.store, base).python_floor
    modules = [
        one for path, text in sources.items() if (one := Module.parse(path, text, python=floor)) is not None
    ]
    found = [
        *linter_fixes(workspace, sources, floor),
        *layout(sources),
        *(one for module in modules for one in words(module)),
    ]
    return apart(shuffled(found))


def shuffled(found: Sequence[Repair]) -> list[Repair]:
    return random.Random(SEED).sample(found, len(found))


def apart(found: Iterable[Repair]) -> list[Repair]:
    """Leave out what cannot be applied beside one that comes before it."""
    chosen, _ = repairs.apart({one.id: one for one in found if _applies(one)}.values())
    return chosen


def _applies(repair: Repair) -> bool:
    """Say whether its own edits can be applied together: not all of a linter's can."""
    return not any(overlap(one, other) for one, other in combinations(repair.edits, 2))


def linter_fixes(
    workspace: Workspace, sources: Mapping[str, bytes], floor: tuple[int, int] | None
) -> Iterator[Repair]:
    """Yield every fix that ruff has for any of its rules, safe or not, each as one repair."""
    view = checkout_view(workspace, workspace.night.base, sources)
    with tempfile.TemporaryDirectory(prefix="nightmend-") as folder:
        lay_out(sources, Path(folder))
        version = [f"--target-version=py{floor[0]}{floor[1]}"] if floor and floor >= (3, 7) else []
        options = [
            "--isolated",
            "--no-cache",
            "--select=ALL",
            "--output-format=json",
            "--exit-zero",
            *version,
        ]
        told = subprocess.run(
            [sys.executable, "-m", "ruff", "check", *options, folder], check=True, capture_output=True
        )
        view = view.model_copy(update={"workdir": str(Path(folder).resolve())})
        for finding in read_findings(json.loads(told.stdout), view, enabled=True):
            if finding.fix:
                safety: Safety = "safe" if finding.fix_safety == "safe" else "needs-tests"
                yield made(f"{LINTER}{finding.rule}", finding.fix, safety, finding.line)


def layout(sources: Mapping[str, bytes]) -> Iterator[Repair]:
    """Yield what a formatter changes, in its smallest parts."""
    with tempfile.TemporaryDirectory(prefix="nightmend-") as folder:
        lay_out(sources, Path(folder))
        command = [sys.executable, "-m", "ruff", "format", "--isolated", "--no-cache", "--quiet", folder]
        subprocess.run(command, check=True)
        changes = [
            Change(path=path, before=before, after=after)
            for path, before in sources.items()
            if (after := (Path(folder) / path).read_bytes()) != before
        ]
    yield from (made("layout", unit, "safe", 1) for unit in units(changes))


def words(module: Module) -> Iterator[Repair]:
    """Yield a docstring for each function that has none, and annotations that its text proves."""
    for kind in (ast.FunctionDef, ast.AsyncFunctionDef):
        for function in module.nodes(kind):
            yield from (
                made("docstring", (edit,), "safe", function.lineno) for edit in docstring(module, function)
            )
            yield from (
                made("annotation", (edit,), "safe", function.lineno) for edit in annotations(module, function)
            )


def docstring(module: Module, function: Function) -> Iterator[Edit]:
    first = function.body[0]
    indent = module.indent(first)
    if (
        ast.get_docstring(function) is None
        and indent is not None
        and not isinstance(first, Function | ast.ClassDef)
    ):
        start = module.line_start(first.lineno)
        said = function.name.strip("_").replace("_", " ").capitalize()
        yield module.insert(start, f'{indent}"""{said}."""{module.newline}')


def annotations(module: Module, function: Function) -> Iterator[Edit]:
    end = _end_of_header(module, function)
    returned = returned_type(module, function)
    if function.returns is None and returned and end is not None:
        yield module.insert(end, f" -> {returned}")
    given = [*function.args.posonlyargs, *function.args.args]
    defaults = function.args.defaults
    for argument, default in zip(given[len(given) - len(defaults) :], defaults, strict=True):
        plain = isinstance(default, ast.Constant) and isinstance(default.value, bool | int | str)
        if plain and argument.annotation is None:
            kind = type(default.value).__name__
            yield module.edit(module.end(argument), module.start(default), f": {kind} = ")


def _end_of_header(module: Module, function: Function) -> int | None:
    """Return where `)` of the parameters ends, where no comment or string stands behind it."""
    start = module.start(function)
    header = module.between(start, module.start(function.body[0]))
    if "#" in header or "->" in header or "lambda" in header or header.rstrip()[-2:] != "):":
        return None
    return start + len(header.rstrip()[:-1].encode())


def mistakes(module: Module) -> Iterator[Repair]:
    """Yield repairs that are none: what a function returns is lost."""
    for node in module.nodes(ast.Return):
        if node.value is not None and not isinstance(node.value, ast.Constant):
            yield made("mistake", (module.replace(node.value, "None"),), "needs-tests", node.lineno)


def made(pattern: str, edits: Sequence[Edit], safety: Safety, line: int) -> Repair:
    """Return a repair that claims no issue: it only has to bring none."""
    return Repair(
        id=repair_id(pattern, tuple(edits)),
        agent="code_quality",
        pattern=pattern,
        safety=safety,
        issues=(),
        faults=(),
        edits=tuple(edits),
        line=line,
        summary=pattern,
    )


def lay_out(sources: Mapping[str, bytes], folder: Path) -> None:
    for path, content in sources.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
