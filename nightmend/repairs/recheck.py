"""Look again at changed files, many variants in one go: is the issue gone, and is none new?"""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

from pydantic import Field

from nightmend.detectors import nightmend as own
from nightmend.detectors.registry import detectors, taxonomies
from nightmend.detectors.tree import TreeView
from nightmend.diagnosis.measures import lacking
from nightmend.diagnosis.merging import Names, clusters
from nightmend.diagnosis.survey import survey
from nightmend.documents.documents import is_markup
from nightmend.frozen import Frozen
from nightmend.issue import Finding
from nightmend.patterns.loader import load_patterns
from nightmend.proof.excerpt import BY_STATEMENT, Excerpt, excerpts
from nightmend.repairs.repair import Edit, Repair, apply_edits
from nightmend.sandboxes.protocol import Sandbox
from nightmend.snapshot import Snapshot
from nightmend.targets.config import TargetConfig, target_config
from nightmend.targets.trees import variants_view
from nightmend.workspace import Workspace


class Variant(Frozen):
    """One file as a repair would leave it, or as it is: `path` is where it stands in the target."""

    id: str
    path: str
    content: bytes


Mark = tuple[str, int]
"""A name, and the line where it stands in a file, from 1."""


class Marks(Frozen):
    """What stands in a file, as often as it stands there."""

    faults: tuple[Mark, ...] = ()
    rules: tuple[Mark, ...] = ()
    """Findings by rule (`ruff:E722`), and what is not annotated or documented by its measure's name."""


class FaultCounts(Frozen):
    """The faults of one file by name; layout is counted too, whatever the target thinks of it."""

    counts: dict[str, int]
    high: dict[str, int]
    """Those of high severity."""
    pep8: int
    """Findings of pycodestyle."""
    unannotated: int
    undocumented: int
    own: dict[str, int] = Field(default_factory=dict)
    """Findings by rule (`ruff:E722`) that the target's own configuration asks for."""
    marks: Marks = Marks()
    tool_failures: dict[str, str] = Field(default_factory=dict)
    """A tool that could not say; then its faults are missing here, not gone."""

    def more_than(self, before: "FaultCounts") -> tuple[str, ...]:
        """Return the faults that became more, sorted; measures count as faults by their names."""
        risen = {fault for fault, number in self.counts.items() if number > before.counts.get(fault, 0)}
        risen |= {
            name for name in ("unannotated", "undocumented") if getattr(self, name) > getattr(before, name)
        }
        return tuple(sorted(risen))

    def own_more_than(self, before: "FaultCounts") -> tuple[str, ...]:
        """Return the rules that the target enables and that report more, sorted: its checks would fail."""
        return tuple(sorted(rule for rule, number in self.own.items() if number > before.own.get(rule, 0)))

    def graver_than(self, before: "FaultCounts") -> tuple[str, ...]:
        """Return the faults of high severity that became more, sorted."""
        return tuple(
            sorted(fault for fault, number in self.high.items() if number > before.high.get(fault, 0))
        )

    def below(self, before: "FaultCounts", *, long_lines: bool = False) -> tuple[str, ...]:
        """Return the measures that became worse: each may only get better in a night.

        With `long_lines` these may become more.
        """
        names = ("pep8", "unannotated", "undocumented")
        worse = {name: getattr(self, name) - getattr(before, name) for name in names}
        if long_lines:
            worse["pep8"] -= self.counts.get(LONG_LINE, 0) - before.counts.get(LONG_LINE, 0)
        return tuple(name for name, more in worse.items() if more > 0)


class Change(Frozen):
    """Edits of one file of a snapshot."""

    path: str
    before: bytes
    edits: tuple[Edit, ...]


def change(path: str, before: bytes, repairs: Iterable[Repair]) -> Change:
    """Return what repairs make of one file together."""
    edits = tuple(edit for repair in repairs for edit in repair.edits if edit.path == path)
    return Change(path=path, before=before, edits=edits)


class Shift(NamedTuple):
    """The faults of a file before and after a change; some that are in both may be in neither count."""

    before: FaultCounts
    after: FaultCounts


_MOST = 0.5
"""Part of a file beyond which no excerpt is read: what is said of the whole one is known."""
LONG_LINE = "pycodestyle:E501"
T = TypeVar("T")


class _Look(Frozen):
    """What there is to read of a file: all of it, and less for tools that read by statements."""

    path: str
    content: bytes
    excerpt: Excerpt
    base: bool = False
    """Whether it is the file as it stands in the snapshot."""


Findings = dict[tuple[str, bytes], list[Finding]]
"""By path and content."""


def recheck(workspace: Workspace, snapshot: Snapshot, variants: Sequence[Variant]) -> dict[str, FaultCounts]:
    """Count the faults of each variant, by its id, as if it stood at its path in the snapshot.

    Every per-file tool runs once over all of them. What pylint and mypy say of a file depends on the others:
    they look again when a night is summed up.
    """
    looks = [
        _Look(path=one.path, content=one.content, excerpt=Excerpt(content=one.content)) for one in variants
    ]
    counts = _counted(workspace, snapshot, looks)
    return {one.id: found for one, found in zip(variants, counts, strict=True)}


def compare(workspace: Workspace, snapshot: Snapshot, changes: Iterable[Change]) -> tuple[Shift, ...]:
    """Say of each change of the snapshot, alone, what faults were there before and are after.

    The difference is what `recheck` of both contents would show. Tools that read by statements are given
    those around the edits, and what they would say of others is in neither count.
    """
    return _compared(workspace, snapshot, tuple(changes))


@lru_cache(maxsize=8)
def _compared(workspace: Workspace, snapshot: Snapshot, changes: Sequence[Change]) -> tuple[Shift, ...]:
    """Compare once: when a phase settles several ask for the same."""
    counts = _counted(workspace, snapshot, [look for one in changes for look in _looks(one)])
    return tuple(Shift(before=before, after=after) for before, after in _pairs(counts))


def _pairs(found: Sequence[T]) -> Iterator[tuple[T, T]]:
    """Yield what was seen before and after each change."""
    return zip(found[::2], found[1::2], strict=True)


def _looks(one: Change) -> tuple[_Look, _Look]:
    before, after = excerpts(one.path, one.before, one.edits)
    changed = apply_edits(one.before, one.edits)
    if len(before.content) > _MOST * len(one.before):
        before, after = Excerpt(content=one.before), Excerpt(content=changed)
    return (
        _Look(path=one.path, content=one.before, excerpt=before, base=True),
        _Look(path=one.path, content=changed, excerpt=after),
    )


def _counted(workspace: Workspace, snapshot: Snapshot, looks: Sequence[_Look]) -> list[FaultCounts]:
    """Count the faults of each look."""
    found, failures = _found(workspace, snapshot, looks)
    names = Names(taxonomies(), load_patterns())
    return [_counts(look, findings, names, failures) for look, findings in zip(looks, found, strict=True)]


def _found(
    workspace: Workspace, snapshot: Snapshot, looks: Sequence[_Look]
) -> tuple[list[list[Finding]], dict[str, str]]:
    """Return what the tools find at each look, and which could not say, with why.

    Every tool runs once, and reads no file of the snapshot twice.
    """
    whole = [(one.path, one.content) for one in looks]
    shown = [(one.path, one.excerpt.content) for one in looks]
    base = {pair for one, pair in zip(looks, whole, strict=True) if one.base}
    by_file = frozenset(detectors()) - BY_STATEMENT
    of_files, failures = _asked(workspace, snapshot, by_file, whole, base)
    of_statements, others = _asked(workspace, snapshot, BY_STATEMENT, shown, base)
    findings = [
        [*of_files[file], *(_placed(finding, one.excerpt) for finding in of_statements[part])]
        for one, file, part in zip(looks, whole, shown, strict=True)
    ]
    return findings, failures | others


def _asked(
    workspace: Workspace,
    snapshot: Snapshot,
    tools: frozenset[str],
    pairs: Sequence[tuple[str, bytes]],
    base: Container[tuple[str, bytes]],
) -> tuple[Findings, dict[str, str]]:
    """Return what some tools find, asking once for the files of the snapshot, the `base`."""
    known = _known(workspace, snapshot, tools)
    found = {pair: known[pair] for pair in pairs if pair in known}
    more, failures = _seen(workspace, snapshot, tools, [pair for pair in pairs if pair not in found])
    if not failures:
        known |= {pair: said for pair, said in more.items() if pair in base and not _unread(said)}
    return found | more, failures


def _unread(findings: Iterable[Finding]) -> bool:
    """Say whether a tool could not read a file this time."""
    return any(finding.rule == "unread" for finding in findings)


@lru_cache(maxsize=8)
def _known(workspace: Workspace, snapshot: Snapshot, tools: frozenset[str]) -> Findings:
    """Return where callers keep what tools say of whole files of a snapshot: every rung asks again."""
    return {}


def _placed(finding: Finding, excerpt: Excerpt) -> Finding:
    """Return a finding in an excerpt at its line of the whole file."""
    end = finding.end_line and excerpt.line(finding.end_line)
    return finding.model_copy(update={"line": excerpt.line(finding.line), "end_line": end})


def _seen(
    workspace: Workspace, snapshot: Snapshot, tools: Container[str], pairs: Sequence[tuple[str, bytes]]
) -> tuple[Findings, dict[str, str]]:
    """Return what some per-file tools find in contents at their paths, and which could not say, with why."""
    config = target_config(workspace.store, snapshot)
    distinct = list(dict.fromkeys(pairs))
    view = variants_view(workspace, snapshot, distinct)
    by_slot, failures = _per_file(workspace, view, config, tools)
    return {pair: by_slot[slot] for pair, slot in zip(distinct, view.everything, strict=True)}, failures


def _per_file(
    workspace: Workspace, view: TreeView, config: TargetConfig, tools: Container[str]
) -> tuple[dict[str, list[Finding]], dict[str, str]]:
    """Return the findings of each file of the box, at the place where it stands in the target."""

    def open_box(name: str) -> Sandbox:
        box = workspace.sandbox(None, f"recheck-{name}")
        try:
            _fill(box, view)
        except BaseException:
            box.close()
            raise
        return box

    per_file = (one for one in detectors().values() if one.per_file and one.name in tools)
    chosen = [one for one in per_file if view.files or (view.documents and one.name == own.name)]
    asked = workspace.night.declared.asked
    answers = survey(chosen, open_box, view, config, load_patterns().values(), asked)
    found: dict[str, list[Finding]] = defaultdict(list)
    for finding in (finding for answer in answers.values() for finding in answer.findings):
        found[finding.path].append(finding.model_copy(update={"path": view.true_path(finding.path)}))
    return found, {name: answer.failure for name, answer in answers.items() if answer.failure}


def _fill(box: Sandbox, view: TreeView) -> None:
    """Lay the variants out, each in packages where the target has them: some rules look at that."""
    for path, content in view.files.items():
        slot, folders = path.split("/")[0], view.true_path(path).split("/")[:-1]
        for depth in range(1, len(folders) + 1):
            marker = "/".join((*folders[:depth], "__init__.py"))
            if marker in view.all_paths and f"{slot}/{marker}" != path:
                box.write(f"{slot}/{marker}", b"")
        box.write(path, content)


def _counts(
    look: _Look, findings: Sequence[Finding], names: Names, failures: Mapping[str, str]
) -> FaultCounts:
    found = clusters(findings, names)
    lacks = [] if is_markup(look.path) else list(lacking(look.path, look.excerpt.content))
    lacked = Counter(name for name, _ in lacks)
    return FaultCounts(
        counts=Counter(cluster.fault for cluster in found),
        high=Counter(cluster.fault for cluster in found if cluster.severity == "high"),
        pep8=sum(finding.detector == "pycodestyle" for finding in findings),
        own=Counter(f"{finding.detector}:{finding.rule}" for finding in findings if finding.enabled),
        marks=Marks(
            faults=tuple((one.fault, one.findings[0].line) for one in found),
            rules=(
                *((f"{one.detector}:{one.rule}", one.line) for one in findings),
                *((name, look.excerpt.line(line)) for name, line in lacks),
            ),
        ),
        unannotated=lacked["unannotated"],
        undocumented=lacked["undocumented"],
        tool_failures=dict(failures),
    )
