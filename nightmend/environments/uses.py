"""Which targets use which environment: an empty file for each in the folder of the target."""

from pathlib import Path

from nightmend.environments.environment import Environment

FOLDER = "environments"


def note_use(folder: Path, environment: Environment) -> None:
    """Remember that the target with this folder uses an environment."""
    if environment.prefix:
        mark = folder / FOLDER / Path(environment.prefix).parent.name
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()


def used_alone(folder: Path) -> frozenset[str]:
    """Return the environments that this target uses, and no other one of the same state folder."""
    others = (_used(other) for other in folder.parent.iterdir() if other != folder)
    return _used(folder).difference(*others)


def _used(folder: Path) -> frozenset[str]:
    return frozenset(mark.name for mark in (folder / FOLDER).glob("*"))
