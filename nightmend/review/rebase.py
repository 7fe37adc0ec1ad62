"""Put a repair of a later snapshot onto the night's base, without the repairs that were made in between."""

from collections.abc import Iterable, Sequence

from nightmend.repairs.repair import Edit, Repair


def on_base(repair: Repair, before: Sequence[Iterable[Repair]]) -> Repair | None:
    """Return the repair as it would be on the base; None where it changes what another one wrote.

    `before` holds the repairs of each step from the base to the repair's snapshot, in their order. The edits
    are the same bytes at other places; id, issues and line stay those of the repair.
    """
    edits: list[Edit] = list(repair.edits)
    for step in reversed(before):
        made = {edit for one in step for edit in one.edits}
        moved = [back(edit, [one for one in made if one.path == edit.path]) for edit in edits]
        edits = [edit for edit in moved if edit is not None]
        if len(edits) < len(moved):
            return None
    return repair.model_copy(update={"edits": tuple(edits)})


def back(edit: Edit, made: Iterable[Edit]) -> Edit | None:
    """Return an edit of a file in which `made` was done as one of the file before; None where they meet."""
    shift, others = 0, set(made)
    for one in sorted(others, key=lambda one: (one.start, one.end)):
        start = one.start + shift
        end = start + len(one.text.encode())
        if edit.end <= start:
            break
        if edit.start < end or edit.start < start:
            return None
        shift += (end - start) - (one.end - one.start)
    moved = edit.model_copy(update={"start": edit.start - shift, "end": edit.end - shift})
    return None if moved in others else moved
