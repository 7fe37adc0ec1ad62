"""A part of a night as the guest of another machine: what it brings, where it works, and what it takes home.

The guest has neither the repository nor the state folder of its night. It gets a folder of its own in the
state folder there, for as long as the process that hosts it lives.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from nightmend.environments.interpreter import find_interpreter
from nightmend.errors import NightmendError, PrerequisiteError
from nightmend.frozen import Frozen
from nightmend.git.carrying import carried, packed, unpack
from nightmend.home import state_folder
from nightmend.night import Night
from nightmend.nights import cuts, installed, note_cut
from nightmend.proof.overlaid import built_in_place
from nightmend.proof.packages import packages_of
from nightmend.results import AgentResult, PhaseResult
from nightmend.workspace import Workspace, passable

VISITS = "visits"
_TREES = "carried.git"


class Luggage(Frozen):
    """What a night brings along, once for each process that hosts it."""

    night: Night
    start: PhaseResult
    installed: tuple[str, ...]
    """The packages that the target's tests run on."""
    pack: bytes
    """The snapshot, and the values that agents read, as git objects."""


class Souvenir(Frozen):
    """What an agent made elsewhere."""

    result: AgentResult
    pack: bytes
    """The values that the result names."""
    cut: bool
    """Whether the time of the night was over before the agent was through."""


def luggage(night: Night, start: PhaseResult) -> Luggage:
    """Pack all that the agents of a phase need of a night."""
    workspace = Workspace(night)
    if workspace.environment.prefix:
        raise PrerequisiteError(
            f"{workspace.environment.prefix} was built here and is not on the workers: name an interpreter"
            " that they have by --python, or say --no-build-environment"
        )
    packages = packages_of(workspace.store.files(start.snapshot))
    if built := built_in_place(workspace, start.snapshot, packages):
        raise PrerequisiteError(
            f"{built[0].inside} was built in the working tree, which the workers do not have: install the"
            " target for an interpreter that they have, and name it by --python"
        )
    values = (*start.refs(), *(ref for ref in (night.environment, night.waiting) if ref))
    return Luggage(
        night=night,
        start=start,
        installed=tuple(installed(workspace.interpreter)),
        pack=packed(workspace.store.git, (night.base_commit, start.commit), values),
    )


class Visit:
    """A night as the guest of this process."""

    def __init__(self, brought: Luggage) -> None:
        place = passable(state_folder(), VISITS)
        _clear(place)
        self.home = Path(tempfile.mkdtemp(prefix=f"{brought.night.run}-", dir=place))
        self._held = os.open(self.home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(self._held, fcntl.LOCK_EX)
        try:
            self._unpack(brought)
        except BaseException:
            self.end()
            raise

    def _unpack(self, brought: Luggage) -> None:
        night, start = brought.night, brought.start
        trees = self.home / _TREES
        carried(trees, brought.pack, (night.base_commit, start.commit))
        # What goes wrong is told where the night is, which knows what its Prefect server may hear.
        self.night = night.model_copy(
            update={"home": str(self.home), "carried": str(trees), "discreet": False}
        )
        self.start = start
        here = tuple(installed(find_interpreter(night.python, target=night.target)))
        if here != brought.installed:
            other = sorted({*here} ^ {*brought.installed})
            raise PrerequisiteError(f"{night.python} is another there, or has other packages ({other[0]})")

    def work(self, agent: str, work: Callable[[Night, PhaseResult], AgentResult]) -> Souvenir:
        """Let an agent work here, and pack what came of it."""
        before = cuts(self.night, agent)
        result = work(self.night, self.start)
        store = Workspace(self.night).store
        return Souvenir(
            result=result,
            pack=packed(store.git, (), result.refs()),
            cut=cuts(self.night, agent) > before,
        )

    def end(self) -> None:
        """Remove all that the night had here."""
        os.close(self._held)
        shutil.rmtree(self.home, ignore_errors=True)


def take_home(night: Night, souvenir: Souvenir) -> AgentResult:
    """Put into the store of a night what an agent made elsewhere, and return its result."""
    store = Workspace(night).store
    unpack(store.git, souvenir.pack)
    try:
        store.get_many(souvenir.result.refs())
    except NightmendError as error:
        raise NightmendError(
            f"what agent {souvenir.result.agent} made did not arrive whole: {error}"
        ) from error
    if souvenir.cut:
        note_cut(night, souvenir.result.agent)
    return souvenir.result


def somebody_visits(home: Path) -> bool:
    """Say whether a process with this state folder hosts a night."""
    return any(not free for place in (home / VISITS).glob("*") for free in _free(place))


def _clear(place: Path) -> None:
    """Remove the visits of processes that died: the kernel took their locks."""
    for left in place.iterdir():
        for free in _free(left):
            if free:
                shutil.rmtree(left, ignore_errors=True)


def _free(place: Path) -> Iterator[bool]:
    """Say whether the process of a visit is gone, and hold it then; nothing where there is no folder."""
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(descriptor)
