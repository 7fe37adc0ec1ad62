"""The PYTHONHASHSEED that a target fixes for its tests, read as data from where such is written."""

import re
from collections.abc import Callable

FILES = ("tox.ini", "pytest.ini", "setup.cfg", "pyproject.toml", "noxfile.py", "Makefile")
MOST = 4294967295
_FIXED = re.compile(r"""^[^#\n]*\bPYTHONHASHSEED["']?\]?\s*[=:,]\s*["']?(\d+)""", re.MULTILINE)


def fixed_hash_seed(read: Callable[[str], bytes | None]) -> int | None:
    """Return the seed that the first of these files names; None where the suite leaves it open."""
    for file in FILES:
        found = _FIXED.search((read(file) or b"").decode("utf-8", "replace"))
        if found and int(found[1]) <= MOST:
            return int(found[1])
    return None
