"""Files that are as the target's own formatter leaves them stay so, whatever is repaired in them."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import takewhile
from operator import eq

from nightmend.detectors.ruff_format import laid_out
from nightmend.detectors.running import ToolError
from nightmend.patterns.joint import difference
from nightmend.proof.bench import Bench
from nightmend.proof.syntax import is_python
from nightmend.repairs.repair import Edit, Repair
from nightmend.targets.config import target_config
from nightmend.targets.trees import variants_view

Place = tuple[str, bytes]
"""A path of the target, and a content of the file there."""


def layout_rung(bench: Bench) -> None:
    """Let the target's formatter lay out what a repair writes into a file that it had laid out.

    One look at all files as they are and as each repair leaves them. What it takes back is refused.
    """
    variants = {repair.id: bench.changed([repair]) for repair in bench.open}
    formed = _formed(bench, [place for changed in variants.values() for place in changed.items()])
    for repair in list(bench.open):
        written = variants[repair.id]
        shaped = {path: formed.get((path, content), content) for path, content in written.items()}
        if shaped == written:
            continue
        edits = [edit for edit in repair.edits if shaped[edit.path] == written[edit.path]]
        for path, content in shaped.items():
            if content != written[path]:
                edits += hunks(path, bench.contents[path], content)
        if edits:
            bench.reshape(repair, edits)
        else:
            bench.drop(repair, "refused", "the target's formatter takes it back")


def combined_layout_rung(bench: Bench) -> None:
    """Refuse what leaves a file as the formatter wants it alone, and not beside the others."""
    while bench.open:
        changed = bench.changed(bench.open)
        formed = _formed(bench, list(changed.items()))
        unlike = [
            path for path, content in changed.items() if formed.get((path, content), content) != content
        ]
        if not unlike:
            return
        for repair in _meeting(bench, unlike):
            bench.drop(
                repair, "refused", "beside the other repairs of its file it is not as the target formats it"
            )


def hunks(path: str, before: bytes, after: bytes) -> list[Edit]:
    """Return the edits that make `after` of `before`, small ones for lines that change."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    ahead = sum(1 for _ in takewhile(bool, map(eq, old, new)))
    at = sum(map(len, old[:ahead]))
    old, new = old[ahead:], new[ahead:]
    edits = []
    for tag, first, last, low, high in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        lines, put = b"".join(old[first:last]), b"".join(new[low:high])
        less = Edit(path=path, start=0, end=len(lines), text=put.decode())
        if tag == "replace":
            less = difference(path, lines, put)
        if tag != "equal":
            edits.append(less.model_copy(update={"start": at + less.start, "end": at + less.end}))
        at += len(lines)
    return edits


def _meeting(bench: Bench, paths: Sequence[str]) -> list[Repair]:
    """Return for each path one repair: the last one without which it is well laid out, else the last."""
    found: dict[str, Repair] = {}
    tried = {}
    for path in paths:
        mine = [repair for repair in bench.open if path in repair.paths]
        found[path] = mine[-1]
        for repair in mine:
            others = [other for other in bench.open if other.id != repair.id]
            tried[path, repair.id] = bench.changed(others).get(path, bench.contents[path])
    formed = _formed(bench, [(path, content) for (path, _), content in tried.items()])
    by_id = {repair.id: repair for repair in bench.open}
    for (path, name), content in tried.items():
        if formed.get((path, content), content) == content:
            found[path] = by_id[name]
    return list({repair.id: repair for repair in found.values()}.values())


def _formed(bench: Bench, files: Sequence[Place]) -> dict[Place, bytes]:
    """Return how the formatter lays out the files that were as it leaves them before any repair."""
    settings = target_config(bench.workspace.store, bench.snapshot).formatting
    files = [place for place in files if is_python(place[0])]
    if settings is None or not files:
        return {}
    before = {(path, bench.contents[path]) for path, _ in files}
    places = list(dict.fromkeys((*before, *files)))
    view = variants_view(bench.workspace, bench.snapshot, places)
    try:
        with bench.workspace.sandbox(None, "layout") as box:
            for path, content in view.files.items():
                box.write(path, content)
            found = laid_out(box, view, settings)
    except ToolError:
        return {}
    formed = {place: found[slot] for place, slot in zip(places, view.paths, strict=True)}
    clean = {path for path, content in before if formed[path, content] == content}
    return {place: content for place, content in formed.items() if place[0] in clean}
