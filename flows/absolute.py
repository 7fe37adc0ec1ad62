from pathlib import Path

from nightmend.errors import UsageError


def absolute(**places: str | None) -> None:
    """Refuse a relative place: a deployment works in the root folder, where its author never meant it."""
    for name, place in places.items():
        if place is not None and not Path(place).is_absolute():
            raise UsageError(f"{name} {place!r} is relative, and a night has no folder: give its whole path")
