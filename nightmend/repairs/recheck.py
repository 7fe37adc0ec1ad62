"""Look again at changed files, many variants in one go: is the issue gone, and is none new?"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from pydantic import Field

from nightmend.detectors import nightmend as own
from nightmend.detectors.registry import detectors, taxonomies
from nightmend.detectors.tree import TreeView
from nightmend.diagnosis.measures import Counts, count
from nightmend.diagnosis.merging import Names, clusters
from nightmend.diagnosis.survey import survey
from nightmend.documents.documents import is_markup
from nightmend.frozen import Frozen
from nightmend.issue import Finding
from nightmend.patterns.loader import load_patterns
from nightmend.patterns.pattern import Pattern
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


class FaultCounts(Frozen):
    """The faults of one file by name; layout is counted too, whatever the target thinks of it."""

    counts: dict[str, int]
    high: dict[str, int]
    """Those of high severity."""
    pep8: int
    """Findings of pycodestyle."""
    unannotated: int
    undocumented: int
    tool_failures: dict[str, str] = Field(default_factory=dict)
    """A tool that could not say; then its faults are missing here, not gone."""

    def more_than(self, before: "FaultCounts") -> tuple[str, ...]:
        """Return the faults that became more, sorted; measures count as faults by their names."""
        risen = {fault for fault, number in self.counts.items() if number > before.counts.get(fault, 0)}
        risen |= {
            name for name in ("unannotated", "undocumented") if getattr(self, name) > getattr(before, name)
        }
        return tuple(sorted(risen))

    def graver_than(self, before: "FaultCounts") -> tuple[str, ...]:
        """Return the faults of high severity that became more, sorted."""
        return tuple(
            sorted(fault for fault, number in self.high.items() if number > before.high.get(fault, 0))
        )

    def below(self, before: "FaultCounts") -> tuple[str, ...]:
        """Return the measures that became worse: each may only get better in a night."""
        names = ("pep8", "unannotated", "undocumented")
        return tuple(name for name in names if getattr(self, name) > getattr(before, name))


def recheck(workspace: Workspace, snapshot: Snapshot, variants: Sequence[Variant]) -> dict[str, FaultCounts]:
    """Count the faults of each variant, by its id, as if it stood at its path in the snapshot.

    Every per-file tool runs once over all of them. What pylint and mypy say of a file depends on the others:
    they look again when a night is summed up.
    """
    config = target_config(workspace.store, snapshot)
    patterns = load_patterns()
    distinct = list(dict.fromkeys((variant.path, variant.content) for variant in variants))
    view = variants_view(workspace, snapshot, distinct)
    by_slot, failures = _per_file(workspace, view, config, patterns)
    names = Names(taxonomies(), patterns)
    counted = {
        pair: _counts(pair, by_slot[slot], names, failures)
        for pair, slot in zip(distinct, view.everything, strict=True)
    }
    return {variant.id: counted[variant.path, variant.content] for variant in variants}


def _per_file(
    workspace: Workspace, view: TreeView, config: TargetConfig, patterns: Mapping[str, Pattern]
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

    per_file = (detector for detector in detectors().values() if detector.per_file)
    chosen = [one for one in per_file if view.files or (view.documents and one.name == own.name)]
    asked = workspace.night.declared.asked
    answers = survey(chosen, open_box, view, config, patterns.values(), asked)
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
    pair: tuple[str, bytes], findings: Sequence[Finding], names: Names, failures: Mapping[str, str]
) -> FaultCounts:
    found = clusters(findings, names)
    lacking = Counts() if is_markup(pair[0]) else count(*pair)
    return FaultCounts(
        counts=Counter(cluster.fault for cluster in found),
        high=Counter(cluster.fault for cluster in found if cluster.severity == "high"),
        pep8=sum(finding.detector == "pycodestyle" for finding in findings),
        unannotated=lacking.unannotated,
        undocumented=lacking.undocumented,
        tool_failures=dict(failures),
    )
