"""The bench: repairs on trial, what was shown of each, and why some fell."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from nightmend.evidence import Evidence, Grade, Judgement, Verdict
from nightmend.monitoring.pulse import beat
from nightmend.proof.erasure import Erasure
from nightmend.proof.interface import Interface
from nightmend.proof.packages import packages_of
from nightmend.proof.syntax import Version
from nightmend.repairs.repair import Edit, Repair, apply_repairs
from nightmend.snapshot import Snapshot
from nightmend.targets.config import target_config
from nightmend.workspace import Workspace


class Bench:
    """Repairs of one snapshot on their way up the ladder; a rung takes from `open` what it decides."""

    def __init__(
        self,
        workspace: Workspace,
        snapshot: Snapshot,
        repairs: Iterable[Repair],
        floor: Version | None = None,
    ) -> None:
        unique = {repair.id: repair for repair in repairs}
        self.workspace = workspace
        self.snapshot = snapshot
        self.floor = floor
        self.repairs: tuple[Repair, ...] = tuple(unique.values())
        self.open: list[Repair] = list(self.repairs)
        paths = sorted({path for repair in self.repairs for path in repair.paths})
        self.contents: dict[str, bytes] = workspace.store.read_many(snapshot, paths)
        self.evidence: dict[str, Evidence] = {repair.id: Evidence() for repair in self.repairs}
        self.grades: dict[str, Grade] = {}
        self.imports_same: set[str] = set()
        """Repairs after which every module imports to the same names, but for those of libraries."""
        self.looked_at_alone: set[str] = set()
        """Repairs of which every detector was asked alone: its answer stays the same, whatever falls."""
        self.looked_at_together: frozenset[str] = frozenset()
        """Repairs of which every detector was asked together, for the last time."""
        self._fallen: dict[str, tuple[Verdict, str]] = {}

    @cached_property
    def _sources(self) -> tuple[bytes, ...]:
        """Every Python file of the target, tests and all."""
        paths = [path for path in self.workspace.store.files(self.snapshot) if path.endswith(".py")]
        return tuple(self.workspace.store.read_many(self.snapshot, paths).values())

    @cached_property
    def erasure(self) -> Erasure:
        """What the target's sources read of their own docstrings and annotations."""
        return Erasure(self._sources)

    @cached_property
    def interface(self) -> Interface:
        """The modules of the target that others may import."""
        return Interface(packages_of(self.workspace.store.files(self.snapshot)), self._sources)

    @cached_property
    def requires_python(self) -> str | None:
        """What the target declares of its Pythons."""
        return target_config(self.workspace.store, self.snapshot).requires_python

    def changed(self, repairs: Sequence[Repair]) -> Mapping[str, bytes]:
        """Return the new content of each file that these repairs change."""
        return apply_repairs(repairs, self.contents)

    def by_file(self) -> dict[str, list[Repair]]:
        """Return for each file, by its path and sorted, the open repairs that change it."""
        paths = sorted({path for repair in self.open for path in repair.paths})
        return {path: [repair for repair in self.open if path in repair.paths] for path in paths}

    def note(self, repair: Repair, **fields: Any) -> None:
        """Add to what was shown of a repair."""
        beat("a repair on trial")
        self.evidence[repair.id] = self.evidence[repair.id].model_copy(update=fields)

    def reshape(self, repair: Repair, edits: Sequence[Edit]) -> None:
        """Let a repair do the same by other edits."""
        shaped = repair.model_copy(update={"edits": tuple(edits)})
        self.repairs = tuple(shaped if one.id == repair.id else one for one in self.repairs)
        self.open = [shaped if one.id == repair.id else one for one in self.open]

    def drop(self, repair: Repair, verdict: Verdict, reason: str) -> None:
        """Take a repair off the bench for good."""
        self._fallen[repair.id] = (verdict, reason)
        self.open = [other for other in self.open if other.id != repair.id]

    def judgements(self) -> tuple[Judgement, ...]:
        """Return the verdict of every repair; what still stands is kept."""
        return tuple(self._judgement(repair) for repair in self.repairs)

    def _judgement(self, repair: Repair) -> Judgement:
        verdict, reason = self._fallen.get(repair.id, ("kept", why_kept(self.evidence[repair.id])))
        return Judgement(
            repair=repair,
            verdict=verdict,
            reason=reason,
            grade=self.grades.get(repair.id),
            evidence=self.evidence[repair.id],
        )


def why_kept(evidence: Evidence) -> str:
    """Say in one sentence what was shown of a repair that is kept."""
    if evidence.equal_by_construction:
        return "the program is the same; no test could tell"
    tests = (
        "tests run the changed lines and pass" if evidence.lines_reached else "no test runs the changed lines"
    )
    guard = ", and notice a mistake there" if evidence.mistake_noticed else ""
    claim = "its issue is gone, no new one came" if evidence.issue_gone else "no new issue came"
    speed = f", {evidence.speed.gain:.0%} less CPU time" if evidence.speed else ""
    breaks = f"; it breaks {', '.join(evidence.interface_breaks)}" if evidence.interface_breaks else ""
    return f"{claim}, {tests}{guard}{speed}{breaks}"
