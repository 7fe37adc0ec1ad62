"""Each repair of a night as people see it, and as a patch that takes it alone back."""

from collections.abc import Iterable, Iterator, Mapping

from nightmend.evidence import Judgement
from nightmend.frozen import Frozen
from nightmend.privacy.masking import Masker, likely_secrets
from nightmend.repairs.repair import Repair, apply_repairs
from nightmend.report.undoing import EntangledError, Step, Undoing
from nightmend.report.unified import unified
from nightmend.results import Course, Judgements
from nightmend.snapshot import Snapshot
from nightmend.workspace import Workspace

LARGEST = 1024 * 1024
"""Bytes of the largest file in which secrets are looked for."""
_BATCH = 16 * LARGEST
UNPUBLISHED = "no branch was made, so that there is nothing to take back"
WAITS = "it waits for a later night, so that there is nothing to take back"
MASKED = "its lines hold what looks like a secret, which is masked here"


class Change(Frozen):
    """What a repair changes."""

    shown: str
    """Its diff for people: of a kept repair against the published tree, of others against what they met."""
    patch: str = ""
    """The same for git, empty where there is none; bytes that are no UTF-8 are lone surrogates."""
    no_patch: str = ""
    """Why a kept repair has no patch."""


def changes_of(workspace: Workspace, course: Course, mask: Masker, *, published: bool) -> dict[str, Change]:
    """Return the change of every repair of a night by its id; without a branch none has a patch."""
    phases = [(start, result) for start, result in course.results if result.judgements]
    judged = [workspace.get(result.judgements or "", Judgements).judgements for _, result in phases]
    steps = [_step(workspace, start.snapshot, one) for (start, _), one in zip(phases, judged, strict=True)]
    shipped = _shipped_steps(workspace, course) if course.shipment else steps
    touched = sorted({path for step in shipped for repair in step.kept for path in repair.paths})
    files = workspace.store.read_many(course.shipped.snapshot, touched)
    undoing = Undoing(shipped, files)
    ships = {repair.id: (number, repair) for number, step in enumerate(shipped) for repair in step.kept}
    changes = {}
    for step, judgements in zip(steps, judged, strict=True):
        for judgement in judgements:
            name = judgement.repair.id
            if name in ships:
                number, repair = ships[name]
                change = _kept(undoing, number, repair, shipped[number], files, mask)
                none = {"patch": "", "no_patch": UNPUBLISHED}
                changes[name] = change if published else change.model_copy(update=none)
            else:
                waits = course.shipment is not None and name in course.shipment.waits
                why = WAITS if judgement.verdict == "kept" and waits else ""
                changes[name] = Change(shown=mask(_against(step, judgement.repair)), no_patch=why)
    return changes | dict(_undone(workspace, course, mask))


def _shipped_steps(workspace: Workspace, course: Course) -> list[Step]:
    """Return the steps to the published tree, where that is none that the phases made."""
    return [
        _step(workspace, step.snapshot, workspace.get(step.judgements, Judgements).judgements)
        for step in course.shipped_steps
    ]


def secrets_of(workspace: Workspace, snapshot: Snapshot) -> set[str]:
    """Return what looks like a secret in the files of a snapshot that a person may have written."""
    files = {
        path: file.size for path, file in workspace.store.files(snapshot).items() if file.size <= LARGEST
    }
    return {
        secret
        for batch in _batches(files)
        for content in workspace.store.read_many(snapshot, batch).values()
        if b"\0" not in content
        for secret in likely_secrets(content.decode(errors="replace"))
    }


def _batches(files: Mapping[str, int]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for path, bytes_ in files.items():
        batch.append(path)
        size += bytes_
        if size > _BATCH:
            yield batch
            batch, size = [], 0
    yield batch


def _step(workspace: Workspace, snapshot: Snapshot, judgements: Iterable[Judgement]) -> Step:
    judged = tuple(judgements)
    paths = sorted({path for one in judged for path in one.repair.paths})
    return Step(
        before=workspace.store.read_many(snapshot, paths),
        kept=tuple(one.repair for one in judged if one.verdict == "kept"),
    )


def _against(step: Step, repair: Repair) -> str:
    """Return the diff of a repair against what it was made for."""
    before = {path: step.before[path] for path in repair.paths}
    return unified(before, apply_repairs([repair], before))


def _kept(
    undoing: Undoing,
    number: int,
    repair: Repair,
    step: Step,
    files: Mapping[str, bytes],
    mask: Masker,
) -> Change:
    try:
        without = undoing.without(number, repair)
    except EntangledError as error:
        return Change(shown=mask(_against(step, repair)), no_patch=str(error))
    patch = unified(without, {path: files[path] for path in without})
    shown = mask(patch)
    if shown != patch:
        return Change(shown=shown, no_patch=MASKED)
    return Change(shown=shown, patch=patch)


def _undone(workspace: Workspace, course: Course, mask: Masker) -> Iterator[tuple[str, Change]]:
    """Yield the changes of a phase that was rolled back."""
    for start, undone in course.undone_steps:
        judgements = workspace.get(undone.judgements, Judgements).judgements if undone.judgements else ()
        step = _step(workspace, start.snapshot, judgements)
        for judgement in judgements:
            yield judgement.repair.id, Change(shown=mask(_against(step, judgement.repair)))
