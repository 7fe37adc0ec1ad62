"""From a diff to repairs: one for each unit of edits, and a refusal for what no repair may do."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from nightmend.diffs.chunks import pieces
from nightmend.diffs.reading import Change, read_diff
from nightmend.diffs.tidying import tidied
from nightmend.diffs.units import Unit, units
from nightmend.evidence import Evidence, Judgement
from nightmend.frozen import Frozen
from nightmend.proof.reach import changed_lines
from nightmend.proof.syntax import is_python
from nightmend.repairs.repair import FOREIGN, Edit, Repair, repair_id
from nightmend.targets.protected import protected
from nightmend.workspace import Workspace

PROPOSER = "foreign_diff"
"""Who proposes: what stands for an agent in the report."""
_LONGEST = 60
"""Characters of a line that a summary shows."""


class Proposal(Frozen):
    """The repairs that a diff comes to, and what of it is refused before anything is proved."""

    repairs: tuple[Repair, ...]
    refused: tuple[Judgement, ...]


def propose_diff(workspace: Workspace, diff: bytes) -> Proposal:
    """Split a diff against the night's base into repairs; UsageError where it cannot be read or applied."""
    proposed = read_diff(workspace.store, workspace.night.base, diff)
    reasons = _reasons(workspace, proposed.changes)
    refused = [_refused(one.path, one.what, "only edits of files are proved") for one in proposed.oddities]
    refused += [_refused(path, "edits a file", why) for path, why in reasons.items()]
    open_changes = tuple(one for one in proposed.changes if one.path not in reasons)
    before = {one.path: one.before for one in open_changes}
    found = units(open_changes)
    everything = {edit for unit in found for edit in unit}
    tidy = (_tidied(unit, before, everything) for unit in found)
    return Proposal(
        repairs=tuple(_repair(unit, before[unit[0].path]) for unit in tidy),
        refused=tuple(refused),
    )


def _tidied(unit: Unit, before: Mapping[str, bytes], everything: Iterable[Edit]) -> Unit:
    """Let what a unit takes out of Python files take its blank lines along."""
    return tuple(
        edit
        for path, part in groupby(unit, lambda edit: edit.path)
        for edit in (
            tidied(before[path], part, (one for one in everything if one.path == path))
            if is_python(path)
            else part
        )
    )


def _reasons(workspace: Workspace, changes: Sequence[Change]) -> dict[str, str]:
    """Return which files are left alone whatever the diff says, each with the reason."""
    kept_out = protected(workspace.store, workspace.night.base)
    reasons = {}
    for change in changes:
        if change.path in kept_out:
            reasons[change.path] = f"the file is {kept_out[change.path]}"
        elif not workspace.night.declared.covers(change.path):
            reasons[change.path] = "the file is left out by [tool.nightmend]"
        elif not _puts_in_text(change):
            reasons[change.path] = "the edits put in bytes that are no UTF-8"
    return reasons


def _puts_in_text(change: Change) -> bool:
    try:
        pieces(change.path, change.before, change.after)
    except UnicodeDecodeError:
        return False
    return True


def _refused(path: str, what: str, why: str) -> Judgement:
    name = hashlib.sha256(f"{path}\0{what}".encode(errors="replace")).hexdigest()[:12]
    repair = _made(name, (), 1, f"{what}: {path}")
    reason = f"the diff {what}, {path}; {why}"
    return Judgement(repair=repair, verdict="refused", reason=reason, grade=None, evidence=Evidence())


def _repair(unit: Unit, before: bytes) -> Repair:
    first = unit[0]
    old = _shown(before[first.start : first.end].decode(errors="replace"))
    new = _shown(first.text)
    summary = f"`{old}` becomes `{new}`" if old else f"puts in `{new}`"
    summary = summary if new else f"takes out `{old}`"
    more = f", and {len(unit) - 1} more" if len(unit) > 1 else ""
    line, _ = changed_lines(first, before)
    return _made(repair_id(FOREIGN, unit), unit, line, summary + more)


def _shown(text: str) -> str:
    """Return the first line of a text that says something, shortened."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."


def _made(name: str, unit: Unit, line: int, summary: str) -> Repair:
    return Repair(
        id=name,
        agent=PROPOSER,
        pattern=FOREIGN,
        safety="needs-tests",
        issues=(),
        faults=(),
        edits=unit,
        line=line,
        summary=summary,
    )
