import hashlib
from collections.abc import Iterable, Sequence
from typing import Literal

from nightmend.frozen import Frozen

Safety = Literal["safe", "needs-tests", "review"]
FOREIGN = "foreign-edit"
"""The pattern of what another tool, or a person, proposes."""


class Edit(Frozen):
    """Replace the bytes `start:end` of a file; offsets count UTF-8 bytes of the file as it stands."""

    path: str
    start: int
    end: int
    text: str


class Repair(Frozen):
    """The smallest set of edits that claims to resolve its issues, all against one snapshot."""

    id: str
    agent: str
    pattern: str
    safety: Safety
    issues: tuple[str, ...]
    """Fingerprints of the issues it claims to resolve; none where another tool proposes what it likes."""
    faults: tuple[str, ...]
    """The fault of each of `issues`, in the same order."""
    edits: tuple[Edit, ...]
    line: int
    """First line of the first edit in the snapshot, for people."""
    summary: str
    gives_way_to: tuple[str, ...] = ()
    """Lighter faults that may stand where the resolved ones stood."""
    claims_speed: bool = False
    """True where the repair must also be shown to be faster."""
    round: int = 1
    """In which round of its phase it was proposed: a fix can make another one possible."""

    @property
    def foreign(self) -> bool:
        """Whether no pattern of ours speaks for it."""
        return self.pattern == FOREIGN

    @property
    def paths(self) -> tuple[str, ...]:
        """Files that the repair changes, sorted."""
        return tuple(sorted({edit.path for edit in self.edits}))


def repair_id(pattern: str, edits: Sequence[Edit]) -> str:
    """Name a repair by what it does, so that two runs on one snapshot give it the same name."""
    digest = hashlib.sha256(pattern.encode())
    for edit in sorted(edits, key=lambda edit: (edit.path, edit.start, edit.end)):
        digest.update(repr((edit.path, edit.start, edit.end, edit.text)).encode())
    return digest.hexdigest()[:12]


def overlap(first: Edit, second: Edit) -> bool:
    """Say whether two edits cannot both be applied.

    Equal edits (two repairs that need the same import) are one edit and do not clash; different
    insertions at one place do, since their order would matter. An insertion goes before what is replaced
    at its place.
    """
    if first.path != second.path or first == second:
        return False
    if first.start == second.start:
        return (first.start == first.end) == (second.start == second.end)
    early, late = sorted((first, second), key=lambda edit: edit.start)
    return late.start < early.end


def clash(first: Repair, second: Repair) -> bool:
    """Say whether two repairs of one snapshot cannot be applied together."""
    return any(overlap(one, other) for one in first.edits for other in second.edits)


def apart(repairs: Iterable[Repair]) -> tuple[list[Repair], list[Repair]]:
    """Return repairs of one snapshot that can all be applied, and those that clash with an earlier one."""
    chosen: list[Repair] = []
    left: list[Repair] = []
    by_path: dict[str, list[Repair]] = {}
    for repair in repairs:
        rivals = (other for path in repair.paths for other in by_path.get(path, ()))
        if any(clash(repair, other) for other in rivals):
            left.append(repair)
            continue
        chosen.append(repair)
        for path in repair.paths:
            by_path.setdefault(path, []).append(repair)
    return chosen, left


def apply_edits(content: bytes, edits: Iterable[Edit]) -> bytes:
    """Return the content with all edits done, equal ones once.

    Raises ValueError where an edit overlaps another, is of another file or leaves this one.
    """
    pieces: list[bytes] = []
    position = 0
    before: Edit | None = None
    for edit in sorted(set(edits), key=lambda edit: (edit.start, edit.end)):
        inside = 0 <= edit.start <= edit.end <= len(content)
        if not inside or (before and (overlap(before, edit) or before.path != edit.path)):
            where = f"{edit.path}, bytes {edit.start}:{edit.end}"
            raise ValueError(f"the edit of {where} cannot be applied: it overlaps another or leaves the file")
        pieces += [content[position : edit.start], edit.text.encode()]
        position, before = edit.end, edit
    return b"".join([*pieces, content[position:]])


def apply_repairs(repairs: Iterable[Repair], contents: dict[str, bytes]) -> dict[str, bytes]:
    """Return the new content of every file that the repairs change; `contents` holds the old ones."""
    edits = [edit for repair in repairs for edit in repair.edits]
    return {
        path: apply_edits(contents[path], (edit for edit in edits if edit.path == path))
        for path in sorted({edit.path for edit in edits})
    }
