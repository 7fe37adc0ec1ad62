"""What is kept of a run whose branch waits in the target: enough to drop a part and tell it anew."""

import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError as InvalidRecord

from nightmend.errors import UsageError
from nightmend.files import write_atomically
from nightmend.frozen import Frozen
from nightmend.monitoring.summary import Monitoring
from nightmend.night import Night
from nightmend.results import Course
from nightmend.review.publication import Published


class Run(Frozen):
    """A run as it was published and told; the values that it names are in the store of its target."""

    night: Night
    course: Course
    published: Published
    report: str
    """Folder of the report."""
    seconds: float
    monitoring: Monitoring | None = None


class Runs:
    """The runs of one target, a file for each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "runs"

    def write(self, run: Run) -> None:
        """Keep a run; the one whose branch it took the place of is forgotten."""
        write_atomically(self._path(run.night.run), run.model_dump_json().encode())
        if run.published.replaced:
            self._path(run.published.replaced.rpartition("/")[2]).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"


def find_run(home: Path, name: str, target: Path | None = None) -> Run:
    """Return a run by its name; UsageError where no target, or more than one, has it."""
    plain = name.removeprefix("nightmend/")
    found = [run for run in _named(home, plain) if target is None or Path(run.night.target) == target]
    if not found:
        raise UsageError(f"no run {name} has left a branch: its name is in its report, and in `git branch`")
    if len(found) > 1:
        targets = " and ".join(run.night.target for run in found)
        raise UsageError(f"run {name} is one of {targets}: say which by --target")
    return found[0].model_copy(update={"night": found[0].night.model_copy(update={"home": str(home)})})


def _named(home: Path, name: str) -> Iterator[Run]:
    if not re.fullmatch(r"[\w-]+", name):
        return
    for place in sorted(home.glob(f"targets/*/runs/{name}.json")):
        try:
            yield Run.model_validate_json(place.read_bytes())
        except InvalidRecord as error:
            raise UsageError(
                f"{place} cannot be read any more: take repairs back by their patches"
            ) from error
