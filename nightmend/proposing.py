"""From issues to repairs: each pattern of an agent on each file that has an issue of its fault."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from nightmend.issue import Issue
from nightmend.patterns.pattern import Pattern
from nightmend.patterns.propose import propose, propose_linter_fixes
from nightmend.patterns.source import Module
from nightmend.repair import Repair
from nightmend.snapshot import Snapshot
from nightmend.target_config import target_config
from nightmend.workspace import Workspace


def propose_all(
    workspace: Workspace, snapshot: Snapshot, issues: Iterable[Issue], patterns: Mapping[str, Pattern]
) -> tuple[Repair, ...]:
    """Return the repairs of the issues, in the order of path and line, each once."""
    known = tuple(issues)
    repairs = [*_from_code(workspace, snapshot, known, patterns), *propose_linter_fixes(known, patterns)]
    unique = {repair.id: repair for repair in repairs}
    return tuple(sorted(unique.values(), key=lambda repair: (repair.paths, repair.line, repair.id)))


def _from_code(
    workspace: Workspace, snapshot: Snapshot, issues: tuple[Issue, ...], patterns: Mapping[str, Pattern]
) -> Iterable[Repair]:
    by_path: dict[str, list[Issue]] = defaultdict(list)
    for issue in issues:
        pattern = patterns.get(issue.fault)
        if pattern and pattern.code:
            by_path[issue.path].append(issue)
    floor = target_config(workspace.store, snapshot).python_floor
    files = frozenset(workspace.store.files(snapshot))
    for path, content in workspace.store.read_many(snapshot, sorted(by_path)).items():
        module = Module.parse(path, content, python=floor, files=files)
        if module is None:
            continue
        for fault in sorted({issue.fault for issue in by_path[path]}):
            yield from propose(module, patterns[fault], by_path[path])
