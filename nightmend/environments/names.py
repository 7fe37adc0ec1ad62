"""Which extras and groups of a target its tests need: those named for testing, or those it chose itself."""

import re
from collections.abc import Mapping
from typing import TypeVar

from packaging.utils import canonicalize_name
from pydantic import StrictStr

from nightmend.errors import UsageError
from nightmend.frozen import Frozen

FOR_TESTS = re.compile(
    r"(.*-)?(tests?|testing|pytest|unittests?)(-.*)?|tests-require|dev|devel|develop|development|ci"
)
T = TypeVar("T")


class Chosen(Frozen):
    """`environment` in [tool.nightmend]; None leaves the choice to the names."""

    extras: tuple[StrictStr, ...] | None = None
    groups: tuple[StrictStr, ...] | None = None


def chosen(available: Mapping[str, list[T]], named: tuple[str, ...] | None, kind: str) -> list[T]:
    """Return what the chosen ones hold; UsageError for one that there is not."""
    if named is None:
        return [item for name, items in available.items() if FOR_TESTS.fullmatch(name) for item in items]
    unknown = [name for name in named if canonicalize_name(name) not in available]
    if unknown:
        known = ", ".join(sorted(available)) or "none"
        raise UsageError(
            f"environment in [tool.nightmend] of pyproject.toml names the {kind} `{unknown[0]}`, which the "
            f"target does not declare: it has {known}"
        )
    return [item for name in named for item in available[canonicalize_name(name)]]
