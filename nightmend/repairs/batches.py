"""Repairs in batches, where the time of a night is limited: what is proved is kept, the rest is named."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from nightmend.diagnosis.diagnosis import Diagnosis
from nightmend.diagnosis.merging import RANK
from nightmend.errors import NightmendError
from nightmend.evidence import Evidence, Judgement
from nightmend.files import write_atomically
from nightmend.nights import Waiting, batch_key, note_cut
from nightmend.repairs.repair import Repair
from nightmend.results import Judgements, PhaseResult
from nightmend.review.drops import drop_keys
from nightmend.workspace import Workspace

BATCH = 100
UNREACHED = "the time of the night was over; a later one begins with it"
Prove = Callable[[Sequence[Repair]], tuple[Judgement, ...]]


def prove_in_time(
    workspace: Workspace, agent: str, start: PhaseResult, repairs: Sequence[Repair], prove: Prove
) -> tuple[Judgement, ...]:
    """Prove an agent's repairs for as long as the night has time; all at once where it has no limit.

    What an earlier night proved on the same state is not proved again.
    """
    night = workspace.night
    if night.deadline is None:
        return prove(repairs)
    waiting = frozenset(workspace.get(night.waiting, Waiting).keys if night.waiting else ())
    diagnosis = workspace.get(start.diagnosis, Diagnosis) if start.diagnosis else None
    record = Record(workspace, batch_key(night, agent, *start.state()))
    known = {one.repair.id: one for one in record.read()}
    left = in_turn((one for one in repairs if one.id not in known), waiting, diagnosis)
    for batch in batches(left):
        if night.time_is_over:
            note_cut(night, agent)
            break
        known |= {one.repair.id: one for one in prove(batch)}
        record.write(known.values())
    return tuple(known.get(one.id) or _unreached(one) for one in repairs)


def in_turn(repairs: Iterable[Repair], waiting: frozenset[str], diagnosis: Diagnosis | None) -> list[Repair]:
    """Order repairs: first what the last night had no time for, and of all the gravest."""
    grades = {issue.fingerprint: RANK[issue.severity] for issue in diagnosis.issues} if diagnosis else {}

    def turn(repair: Repair) -> tuple[bool, int]:
        waits = bool(repair.issues) and not waiting.isdisjoint(drop_keys(repair, {}))
        return not waits, -max((grades.get(issue, 0) for issue in repair.issues), default=0)

    return sorted(repairs, key=turn)


def batches(repairs: Sequence[Repair]) -> Iterator[Sequence[Repair]]:
    """Yield repairs in batches, in their order."""
    return (repairs[at : at + BATCH] for at in range(0, len(repairs), BATCH))


class Record:
    """What was judged of an agent's repairs so far, on one state."""

    def __init__(self, workspace: Workspace, key: str) -> None:
        self._workspace = workspace
        self._file = workspace.folder / "batches" / key

    def read(self) -> tuple[Judgement, ...]:
        """Return the judgements; none where nobody can read them."""
        try:
            return self._workspace.get(self._file.read_text(), Judgements).judgements
        except (OSError, ValueError, NightmendError):
            return ()

    def write(self, judgements: Iterable[Judgement]) -> None:
        """Replace them."""
        ref = self._workspace.put(Judgements(judgements=tuple(judgements)))
        write_atomically(self._file, ref.encode())


def _unreached(repair: Repair) -> Judgement:
    return Judgement(repair=repair, verdict="unreached", reason=UNREACHED, grade=None, evidence=Evidence())
