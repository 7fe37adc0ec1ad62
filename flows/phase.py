"""What the five phases have in common: a checkpoint around the work, gates behind it, and rollback."""

import logging
from collections.abc import Callable
from pathlib import Path

from prefect.client.schemas.objects import State
from prefect.filesystems import LocalFileSystem
from prefect.results import ResultStore, get_result_store
from prefect.states import Completed
from prefect.transactions import CommitMode, Transaction, transaction

from flows.orchestration import agent_states
from flows.progress import say
from nightmend.agents import Phase
from nightmend.errors import ValidationError
from nightmend.gates import check
from nightmend.night import Night
from nightmend.nights import next_generation, night_key
from nightmend.privacy.discretion import discreetly, told
from nightmend.recovery.checkpoints import Checkpoints
from nightmend.recovery.results import ResultFolders
from nightmend.recovery.rollback import SystemRollbackManager
from nightmend.results import AgentResult, ClosedPhaseError, PhaseResult
from nightmend.settings import Profile
from nightmend.workspace import Workspace, target_folder
from tasks.workers import workers

PhaseBody = Callable[[], PhaseResult]
PhaseOutcome = PhaseResult | State[PhaseResult]
"""What a phase flow returns: its result, or the state `Cached` around one of an earlier night."""


def phase_key(night: Night, phase: Phase, start: PhaseResult) -> str:
    """Return the key of a phase's checkpoint."""
    return night_key(night, phase, *start.state())


def results() -> ResultStore:
    """Return Prefect's result persistence of this run.

    A flow's own store looks for metadata in a place that holds nothing, so that no key seems to exist.
    """
    return get_result_store().model_copy(update={"metadata_storage": None})


def saved(night: Night, phase: Phase, start: PhaseResult) -> PhaseResult | None:
    """Return the checkpoint of a phase where one can be used whole, else None."""
    result = _kept(night, phase, start)
    return result if isinstance(result, PhaseResult) else None


def _kept(night: Night, step: str, start: PhaseResult) -> PhaseResult | AgentResult | None:
    """Return the result of a phase or an agent from its record; one that cannot be used is set aside."""
    store, key = results(), night_key(night, step, *start.state())
    if not store.exists(key):
        _set_aside(store, key, "it is damaged")
        return None
    try:
        result: PhaseResult | AgentResult = store.read(key).result
        store_of_ours = Workspace(night).store
        store_of_ours.get_many(result.refs())
        if isinstance(result, PhaseResult):
            store_of_ours.verify(result.commit, night.base_commit)
    except Exception as error:
        Workspace(night).store.drop_damaged()
        _set_aside(store, key, told(night, f"{type(error).__name__}: {error}"))
        return None
    return result


def _set_aside(store: ResultStore, key: str, why: str) -> None:
    """Rename the record of a key, where there is one; in a storage that is no folder it is written over."""
    storage = store.result_storage
    if not isinstance(storage, LocalFileSystem):
        return
    place = Path(storage.basepath or ".").expanduser() / key
    if place.is_file():
        place.replace(place.with_name(f"{key}.damaged"))
        say(f"checkpoint {key} is made again, and set aside as {key}.damaged: {why}", logging.WARNING)


def run_phase(night: Night, phase: Phase, start: PhaseResult, body: PhaseBody) -> PhaseOutcome:
    """Return the phase from its checkpoint, or do it, check its gates and make it the checkpoint.

    A failure restores the agent states of before and makes every record of the phase unusable.
    """
    with discreetly(night), workers(night):
        return _run_phase(night, phase, start, body)


def _run_phase(night: Night, phase: Phase, start: PhaseResult, body: PhaseBody) -> PhaseOutcome:
    _note_place(night)
    result = saved(night, phase, start)
    if result is not None:
        _record(night, result, phase_key(night, phase, start))
        return Completed(name="Cached", message="from its checkpoint", data=result)
    for agent in night.agents(phase):
        _kept(night, agent, start)
    for place in agent_states(night).set_aside_damaged():
        say(
            f"the state of an agent is damaged: it is {place} now, and the agent is deployed anew",
            logging.WARNING,
        )
    before = agent_states(night).backup()
    key = phase_key(night, phase, start)
    with transaction(key=key, store=results(), commit_mode=CommitMode.EAGER, overwrite=True) as txn:
        txn.on_rollback_hooks.append(_undo(night, phase, before))
        result = body()
        weigh(result, night.profile)
        txn.stage(result)
    _record(night, result, key)
    return result


def _note_place(night: Night) -> None:
    """Remember where results are kept, as far as it is a folder: purge must find them without Prefect."""
    storage = results().result_storage
    if isinstance(storage, LocalFileSystem):
        place = Path(storage.basepath or ".").expanduser().resolve()
        ResultFolders(target_folder(Path(night.home), Path(night.target))).note(place)


def _record(night: Night, result: PhaseResult, key: str) -> None:
    SystemRollbackManager(night).create_system_checkpoint(f"{night.run}/{result.phase}", result, key)


def weigh(result: PhaseResult, profile: Profile) -> None:
    """Raise ClosedPhaseError, which holds what was done, where a gate of a phase is closed."""
    try:
        check(result.phase, result.gates, profile)
    except ValidationError as error:
        closed = ClosedPhaseError(str(error))
        closed.result = result
        raise closed from error


def _undo(night: Night, phase: Phase, before: dict[str, bytes]) -> Callable[[Transaction], None]:
    def undo(_: Transaction) -> None:
        Workspace(night).store.drop_damaged()
        agent_states(night).bring_back(before)
        checkpoints(night).forget(f"{night.run}/{phase}")
        next_generation(night, phase)

    return undo


def checkpoints(night: Night) -> Checkpoints:
    """The index of the target's checkpoints."""
    return Checkpoints(target_folder(Path(night.home), Path(night.target)) / "checkpoints")
