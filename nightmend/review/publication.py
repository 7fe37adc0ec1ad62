"""What a target receives of a night, and what becomes of the branch of the night before."""

from pathlib import Path
from typing import Literal

from pydantic import Field, TypeAdapter
from pydantic import ValidationError as InvalidRecord

from nightmend.files import write_atomically
from nightmend.frozen import Frozen
from nightmend.git.branches import contains, tip
from nightmend.workspace import Workspace

Standing = Literal["gone", "merged", "untouched", "changed"]


class Published(Frozen):
    """What the target received: a branch, or nothing where nothing was kept."""

    run: str
    branch: str | None
    base_commit: str
    result_commit: str
    replaced: str = ""
    """The branch of an earlier night that this one took the place of."""
    withheld: str = ""
    """Why something was kept and no branch was made."""

    @property
    def sentence(self) -> str:
        """Say in half a line what the target received."""
        if self.branch is None:
            return f"branch none: {self.withheld or 'nothing was kept'}"
        return f"branch {self.branch}" + (f", in place of {self.replaced}" if self.replaced else "")


class Branch(Frozen):
    """A branch of the target as we left it."""

    name: str
    commit: str = Field(pattern="^[0-9a-f]{40}$")
    stays: bool = False
    """Whether it is none of a night, so that no night takes its place."""


class Branches:
    """The branches that nights on this target have left and that may still wait there, the last one last."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "branches.json"
        self._model = TypeAdapter(tuple[Branch, ...])

    def read(self) -> tuple[Branch, ...]:
        """Return the branches; a record that cannot be read knows of none, so that none is ever replaced."""
        try:
            return self._model.validate_json(self._file.read_bytes())
        except (FileNotFoundError, InvalidRecord):
            return ()

    def write(self, *branches: Branch) -> None:
        """Replace the record."""
        write_atomically(self._file, self._model.dump_json(branches, indent=1))


def publish(workspace: Workspace, commit: str, *, stays: bool = False) -> Published:
    """Give the target the branch of the night, in place of the last one where that only waits.

    The last branch stays where it was merged, and where anybody changed it: then there is no new one, for
    two of them would hold the same repairs. One that `stays` is beside all others, and takes no place.
    """
    night, branches = workspace.night, Branches(workspace.folder)
    nothing = Published(
        run=night.run, branch=None, base_commit=night.base_commit, result_commit=night.base_commit
    )
    if commit == night.base_commit:
        return nothing
    others = tuple(one for one in branches.read() if one.stays)
    last, stands = (None, "gone") if stays else _last(workspace, branches)
    if last and stands == "changed":
        why = f"{last.name} of an earlier night was changed or is checked out, and is not merged"
        return nothing.model_copy(update={"withheld": f"{why}: merge it or delete it first"})
    replaced = last if last and stands == "untouched" else None
    branch = Branch(name=f"nightmend/{night.run}", commit=commit, stays=stays)
    waiting = tuple(one for one in branches.read() if not one.stays) if stays else ()
    # Both are ours until the refs have moved: a night that dies between must not lose sight of either.
    branches.write(*others, *waiting, *([replaced] if replaced else []), branch)
    workspace.store.publish(
        workspace.target, branch.name, commit, (replaced.name, replaced.commit) if replaced else None
    )
    branches.write(*others, *waiting, branch)
    return nothing.model_copy(
        update={
            "branch": branch.name,
            "result_commit": commit,
            "replaced": replaced.name if replaced else "",
        }
    )


def _last(workspace: Workspace, branches: Branches) -> tuple[Branch | None, Standing]:
    """Return the last branch that is still there, and what became of it.

    It has two records where a drop died: then the one holds that is true. One whose commit our store never
    had was changed on disk.
    """
    made = (one for one in reversed(branches.read()) if not one.stays and workspace.store.has(one.commit))
    known = [(one, standing(workspace, one)) for one in made]
    there = [(branch, stands) for branch, stands in known if stands != "gone"]
    if not there:
        return None, "gone"
    of_it = [(branch, stands) for branch, stands in there if branch.name == there[0][0].name]
    return next(((branch, stands) for branch, stands in of_it if stands != "changed"), of_it[0])


def standing(workspace: Workspace, branch: Branch) -> Standing:
    """Say what became of a branch since we left it."""
    now = tip(workspace.target, branch.name)
    if now is None:
        return "gone"
    if contains(workspace.store.git, workspace.target.head(), now):
        return "merged"
    in_use = workspace.target.checked_out(f"refs/heads/{branch.name}")
    return "changed" if in_use or now != branch.commit else "untouched"
