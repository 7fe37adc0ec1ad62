"""Follow edits through steps from which some repairs were taken out.

Where these had written there is a hole: bytes that the file without them does not have.
"""

from collections.abc import Iterable, Sequence

from nightmend.frozen import Frozen
from nightmend.repairs.repair import Edit, overlap


class Hole(Frozen):
    """The bytes `start:end` of a file that are `size` others without the repairs that were taken out."""

    path: str
    start: int
    end: int
    size: int

    @property
    def less(self) -> int:
        """How many bytes fewer it has without them."""
        return self.end - self.start - self.size


def moved(edits: Iterable[Edit], holes: Sequence[Hole]) -> dict[Edit, Edit]:
    """Return the edits of a step as they are without the repairs that left the holes.

    One that builds on these is missing, and one that meets another now, since only they kept both apart.
    """
    found: dict[Edit, Edit] = {}
    last: list[Edit] = []
    for edit in sorted(set(edits), key=lambda edit: (edit.path, edit.start, edit.end)):
        there = _moved(edit, holes)
        if there is not None and not any(there == one or overlap(there, one) for one in last[-2:]):
            found[edit] = there
            last.append(there)
    return found


def _moved(edit: Edit, holes: Iterable[Hole]) -> Edit | None:
    less = 0
    for hole in holes:
        if hole.path != edit.path or _ahead(edit, hole):
            continue
        if hole.end > edit.start:
            return None
        less += hole.less
    return edit.model_copy(update={"start": edit.start - less, "end": edit.end - less})


def through(holes: Iterable[Hole], kept: Iterable[Edit], gone: Iterable[Edit]) -> tuple[Hole, ...]:
    """Return the holes behind a step of which the edits `gone` were taken out, and `kept` stay."""
    made, out = list(dict.fromkeys(kept)), list(dict.fromkeys(gone))
    clusters: list[tuple[list[Hole], list[Edit]]] = [([hole], []) for hole in holes]
    for edit in out:
        met = [cluster for cluster in clusters if _meets(edit, cluster)]
        clusters = [cluster for cluster in clusters if cluster not in met]
        clusters.append(
            ([one for pair in met for one in pair[0]], [one for pair in met for one in pair[1]] + [edit])
        )
    return tuple(_behind(cluster, [*made, *out]) for cluster in clusters)


def _behind(cluster: tuple[list[Hole], list[Edit]], edits: Sequence[Edit]) -> Hole:
    """Return what holes and edits that were taken out come to behind a step of all these edits."""
    holes, gone = cluster
    whole = _around(cluster)
    before = [edit for edit in edits if edit not in gone and edit.path == whole.path and _ahead(edit, whole)]
    start = whole.start + sum(map(_growth, before))
    length = whole.end - whole.start
    return Hole(
        path=whole.path,
        start=start,
        end=start + length + sum(map(_growth, gone)),
        size=length - sum(hole.less for hole in holes),
    )


def _around(cluster: tuple[list[Hole], list[Edit]]) -> Hole:
    parts: list[Hole | Edit] = [*cluster[0], *cluster[1]]
    start, end = min(part.start for part in parts), max(part.end for part in parts)
    return Hole(path=parts[0].path, start=start, end=end, size=0)


def _meets(edit: Edit, cluster: tuple[list[Hole], list[Edit]]) -> bool:
    whole = _around(cluster)
    return edit.path == whole.path and not _ahead(edit, whole) and whole.end > edit.start


def _ahead(edit: Edit, hole: Hole) -> bool:
    """Say whether an edit is all before a hole; at an empty one it is behind."""
    return edit.end <= hole.start and not (hole.start == hole.end == edit.start)


def _growth(edit: Edit) -> int:
    return len(edit.text.encode()) - (edit.end - edit.start)
