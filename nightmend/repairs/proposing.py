"""From issues to repairs: each pattern of an agent on each file that has an issue of its fault."""

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from nightmend.documents.documents import is_markup, is_readable, shown_elsewhere
from nightmend.documents.moves import moves
from nightmend.documents.places import Places
from nightmend.git.runner import Git
from nightmend.issue import Issue
from nightmend.monitoring.pulse import beat
from nightmend.patterns.document import Document
from nightmend.patterns.elsewhere import names_taken
from nightmend.patterns.imports import close_up, rehomed
from nightmend.patterns.joint import difference, join_clashing
from nightmend.patterns.leftover import take_dead_imports
from nightmend.patterns.pattern import Pattern
from nightmend.patterns.propose import propose, propose_linter_fixes
from nightmend.patterns.source import Module
from nightmend.repairs.repair import Edit, Repair, repair_id
from nightmend.snapshot import Snapshot
from nightmend.targets.config import target_config
from nightmend.targets.protected import is_test
from nightmend.targets.trees import all_python, documents
from nightmend.workspace import Workspace


def propose_all(
    workspace: Workspace, snapshot: Snapshot, issues: Iterable[Issue], patterns: Mapping[str, Pattern]
) -> tuple[Repair, ...]:
    """Return the repairs of the issues, in the order of path and line, each once."""
    known = tuple(issues)
    repairs = [
        *_from_code(workspace, snapshot, known, patterns),
        *_from_linters(workspace, snapshot, known, patterns),
    ]
    unique = {repair.id: repair for repair in repairs}
    return tuple(sorted(unique.values(), key=_order))


def _order(repair: Repair) -> tuple[tuple[str, ...], int, int, str]:
    """By place; of two repairs of one place, the one that resolves more goes first."""
    return repair.paths, repair.line, -len(repair.issues), repair.id


def _from_linters(
    workspace: Workspace, snapshot: Snapshot, issues: tuple[Issue, ...], patterns: Mapping[str, Pattern]
) -> Iterable[Repair]:
    """Take the imports that fixes of one rule use up together out with them."""
    groups: dict[str, dict[str, list[Repair]]] = defaultdict(lambda: defaultdict(list))
    for repair in propose_linter_fixes(issues, patterns, unsafe=workspace.night.unsafe_fixes):
        groups[repair.paths[0] if len(repair.paths) == 1 else ""][repair.pattern].append(repair)
    for group in groups.pop("", {}).values():
        yield from group
    for module in _sources(workspace, snapshot, sorted(groups)):
        for group in groups.pop(module.path).values():
            yield from take_dead_imports(module, [_trimmed(module, repair) for repair in group])
    yield from (repair for unread in groups.values() for group in unread.values() for repair in group)


def _trimmed(module: Module, repair: Repair) -> Repair:
    """Linters write whole lines anew; keep of each edit what differs, and imports in their order."""
    placed = [new for edit in repair.edits for new in rehomed(module, edit)]
    trimmed = (close_up(module, _trim(module, edit)) for edit in placed)
    edits = tuple(edit for edit in trimmed if edit.text or edit.start < edit.end)
    return repair.model_copy(update={"edits": edits, "id": repair_id(repair.pattern, edits)})


def _trim(module: Module, edit: Edit) -> Edit:
    less = difference(edit.path, module.content[edit.start : edit.end], edit.text.encode())
    return less.model_copy(update={"start": edit.start + less.start, "end": edit.start + less.end})


def _from_code(
    workspace: Workspace, snapshot: Snapshot, issues: tuple[Issue, ...], patterns: Mapping[str, Pattern]
) -> Iterable[Repair]:
    by_path: dict[str, list[Issue]] = defaultdict(list)
    for issue in issues:
        pattern = patterns.get(issue.fault)
        if pattern and pattern.code:
            by_path[issue.path].append(issue)
    for module in _sources(workspace, snapshot, sorted(by_path)):
        here = by_path[module.path]
        faults = sorted({issue.fault for issue in here})
        repairs = [repair for fault in faults for repair in propose(module, patterns[fault], here)]
        yield from join_clashing(module, repairs, patterns, here)


def _sources(workspace: Workspace, snapshot: Snapshot, paths: Sequence[str]) -> Iterable[Module]:
    config = target_config(workspace.store, snapshot)
    files = frozenset(workspace.store.files(snapshot))

    @cache
    def elsewhere() -> frozenset[str]:
        """What the tests take is theirs to say, when they run."""
        sources = all_python(workspace, snapshot)
        return names_taken(content for path, content in sources.items() if not is_test(path))

    code = [path for path in paths if not is_markup(path)]
    for path, content in workspace.store.read_many(snapshot, code).items():
        beat("a file that patterns look at")
        module = Module.parse(
            path,
            content,
            python=config.python_floor,
            files=files,
            elsewhere=elsewhere,
            line_length=config.max_line_length,
        )
        if module is not None:
            yield module
    if len(code) < len(paths):
        yield from _documents(workspace, snapshot, paths)


def _documents(workspace: Workspace, snapshot: Snapshot, paths: Iterable[str]) -> Iterable[Document]:
    places = Places(workspace.store.files(snapshot), workspace.store.special(snapshot))
    moved = moves(Git(workspace.store.folder), workspace.night.base_commit)
    contents = documents(workspace, snapshot)
    included = shown_elsewhere(contents)
    for path in contents.keys() & set(paths):
        elsewhere = posixpath.basename(path) in included
        if is_readable(contents[path]):
            yield Document(path, contents[path], places, moved, shown_elsewhere=elsewhere)
