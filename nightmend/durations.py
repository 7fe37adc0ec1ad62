import re
from typing import Annotated

from pydantic import AfterValidator

from nightmend.errors import UsageError

_WRITTEN = re.compile(r"(?:(\d{1,4})h)?(?:(\d{1,5})m?)?")


def seconds_of(duration: str) -> float:
    """Read a duration as people write it: 4h, 90m, 2h30m, or minutes alone; UsageError for anything else."""
    written = _WRITTEN.fullmatch(duration.strip().lower())
    hours, minutes = (int(part or 0) for part in written.groups()) if written else (0, 0)
    if not hours and not minutes:
        raise UsageError(f"{duration!r} is no duration: write it as 4h, 90m or 2h30m")
    return 3600.0 * hours + 60 * minutes


def _checked(duration: str) -> str:
    try:
        seconds_of(duration)
    except UsageError as error:
        raise ValueError(str(error)) from error
    return duration


Duration = Annotated[str, AfterValidator(_checked)]
"""A duration as people write it."""
