"""What a night leaves in the ledger, put together from what its phases left in the store."""

import difflib
import time
from collections.abc import Iterable, Iterator
from itertools import takewhile
from operator import eq

from nightmend.diagnosis.diagnosis import Diagnosis
from nightmend.evidence import Judgement
from nightmend.ledger.entries import NightEntry, RepairEntry, Trace
from nightmend.ledger.ledger import Ledger
from nightmend.recovery.states import AgentStates
from nightmend.repairs.repair import Repair
from nightmend.report.undoing import EntangledError, Step, Undoing
from nightmend.results import Course, Judgements
from nightmend.review.drops import drop_keys
from nightmend.review.publication import Published
from nightmend.snapshot import Snapshot
from nightmend.workspace import Workspace


def record_night(workspace: Workspace, course: Course, published: Published, seconds: float) -> None:
    """Write down a night that has ended, in one transaction."""
    origin = course.last.origin
    entry = NightEntry(
        run=workspace.night.run,
        ended=time.time(),
        seconds=seconds,
        error=course.error,
        base_commit=published.base_commit,
        result_commit=published.result_commit,
        branch=published.branch,
        diagnosis=workspace.get(origin, Diagnosis) if origin else None,
        repairs=tuple(_repairs(workspace, course, published)),
        states=AgentStates(workspace.folder / "agents").capture(),
    )
    Ledger.open(workspace.folder).remember(entry)


def _repairs(workspace: Workspace, course: Course, published: Published) -> Iterator[RepairEntry]:
    shipped = _shipped(workspace, course) if published.branch else {}
    for start, result in course.results:
        judged = _judgements(workspace, result.judgements)
        contents = _contents(workspace, start.snapshot, judged.judgements)
        for one in judged.judgements:
            commit, traces = shipped.get(one.repair.id, (None, ()))
            keys = drop_keys(one.repair, contents)
            yield RepairEntry(judgement=one, keys=keys, commit=commit, traces=traces)


def _shipped(workspace: Workspace, course: Course) -> dict[str, tuple[str, tuple[Trace, ...]]]:
    """Return the commit and the traces of each repair on the branch, by its id."""
    steps: list[Step] = []
    repairs: list[tuple[int, Repair]] = []
    commits = dict(course.shipment.commits) if course.shipment else {}
    for number, step in enumerate(course.shipped_steps):
        held = _judgements(workspace, step.judgements)
        kept = tuple(one.repair for one in held.judgements if one.verdict == "kept")
        steps.append(Step(before=_contents(workspace, step.snapshot, held.judgements), kept=kept))
        commits |= held.commits
        repairs += [(number, repair) for repair in kept]
    paths = sorted({path for step in steps for path in step.before})
    files = workspace.store.read_many(course.shipped.snapshot, paths)
    undoing = Undoing(steps, files)
    return {
        repair.id: (commits[repair.id], tuple(_traces(undoing, number, repair, files)))
        for number, repair in repairs
        if repair.id in commits
    }


def _traces(undoing: Undoing, number: int, repair: Repair, files: dict[str, bytes]) -> Iterator[Trace]:
    """Yield by what a repair is known in the published files; nothing where others rest on its lines."""
    try:
        without = undoing.without(number, repair)
    except EntangledError:
        return
    for path, content in without.items():
        old, new = (text.decode("latin-1").splitlines(keepends=True) for text in (content, files[path]))
        for before, after in _blocks(old, new):
            yield Trace(path=path, before="".join(before), after="".join(after))


def _blocks(old: list[str], new: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    """Yield what differs, with a line beside it at either end: what is put in or taken out has a place."""
    same = sum(1 for _ in takewhile(bool, map(eq, old, new)))
    start = max(0, same - 1)
    matcher = difflib.SequenceMatcher(None, old[start:], new[start:], autojunk=False)
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag != "equal":
            yield _with_neighbours(old, start + i, start + j), _with_neighbours(new, start + k, start + m)


def _with_neighbours(lines: list[str], start: int, end: int) -> list[str]:
    return lines[max(0, start - 1) : end + 1]


def _judgements(workspace: Workspace, ref: str | None) -> Judgements:
    return workspace.get(ref, Judgements) if ref else Judgements()


def _contents(workspace: Workspace, snapshot: Snapshot, judged: Iterable[Judgement]) -> dict[str, bytes]:
    paths = sorted({path for one in judged for path in one.repair.paths})
    return workspace.store.read_many(snapshot, paths)
