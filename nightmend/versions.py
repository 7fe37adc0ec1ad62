"""What the machines of a night must have in common: our own code, and the packages that it stands on."""

import platform
import re
from collections.abc import Mapping
from functools import cache
from importlib import metadata

from nightmend.nights import engine_digest

OWN = "nightmend"
CODE = "the source of nightmend"
_NAME = re.compile(r"[A-Za-z0-9._-]+")


@cache
def versions() -> dict[str, str]:
    """Return the versions of Python, of nightmend and all it asks for, and the digest of our own source."""
    required = [line for line in metadata.requires(OWN) or () if "extra ==" not in line]
    names = sorted({name[0] for line in required if (name := _NAME.match(line))})
    found = {name: _version(name) for name in (OWN, *names)}
    return {"Python": platform.python_version(), **found, CODE: engine_digest()[:12]}


def differences(ours: Mapping[str, str], theirs: Mapping[str, str]) -> tuple[str, ...]:
    """Say what differs from ours, each as `name theirs (here ours)`; a missing one is called missing."""
    return tuple(
        f"{name} {theirs.get(name) or 'missing'} (here {version or 'missing'})"
        for name, version in ours.items()
        if theirs.get(name, "") != version
    )


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
