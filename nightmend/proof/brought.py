"""What a target's environment lacks to run its tests, and is brought along into the sandbox."""

import os
import re
from collections.abc import Callable, Collection
from importlib.metadata import version
from importlib.util import find_spec

from pydantic import Field

from nightmend.errors import PrerequisiteError
from nightmend.frozen import Frozen
from nightmend.proof.survey import INSIDE, Survey
from nightmend.sandboxes.protocol import Bind

START = Bind(host=str(INSIDE / "start_pytest.py"), inside="/nightmend/pytest/nightmend_start.py")
DJANGO = Bind(host=str(INSIDE / "pytest_django.py"), inside="/nightmend/plugin/nightmend_django.py")
PACKAGES = ("pytest", "_pytest", "py", "pluggy", "iniconfig", "packaging", "pygments")
"""Our own pytest, with what it needs on Python 3.11 and later."""
LEAST = (3, 11)
_SETTINGS = re.compile(rb"""["']DJANGO_SETTINGS_MODULE["']\s*,\s*["']([\w.]+)["']""")


class Brought(Frozen):
    """How pytest starts with what is brought along, and why it cannot where `trouble` is not empty."""

    trouble: str = ""
    version: tuple[int, ...] = ()
    """The leading numbers of the version of pytest that runs."""
    start: tuple[str, ...] = ("-m", "pytest")
    binds: tuple[Bind, ...] = ()
    options: tuple[str, ...] = ()
    """Of pytest, where the target has no configuration of its own."""
    plugins: tuple[str, ...] = ()
    variables: dict[str, str] = Field(default_factory=dict)
    roots: tuple[str, ...] = ()
    """Folders, relative, that the target's own way to run its tests has on sys.path."""
    note: str = ""


def brought(
    found: Survey, python: tuple[int, int], files: Collection[str], read: Callable[[str], bytes | None]
) -> Brought:
    """Say what is brought along: our pytest where there is none, Django's set-up where nothing knows it.

    Where either is, tests are found by the pattern of unittest and of Django, `test*.py`.
    """
    if found.trouble or (found.pytest is None and python < LEAST):
        why = "there is no pytest, and ours needs Python {}.{}".format(*LEAST)
        return Brought(trouble=found.trouble or why)
    own = found.pytest is None
    chosen = Brought(version=_numbers(version("pytest") if own else found.pytest or ""))
    if own:
        chosen = chosen.model_copy(
            update={
                "start": (START.inside,),
                "binds": (START, *(bring(name, os.path.dirname(START.inside)) for name in PACKAGES)),
                "options": ("-o", "python_files=test*.py"),
                "note": f"the environment has no pytest: nightmend's own, {version('pytest')}, ran the tests",
            }
        )
    settings = _django_settings(files, read) if found.places.get("django") else None
    if settings is None or "django" in found.plugins:
        return chosen
    folder, module = settings
    return chosen.model_copy(
        update={
            "binds": (*chosen.binds, DJANGO),
            "options": ("-o", "python_files=test*.py"),
            "plugins": ("-p", "nightmend_django"),
            "variables": {"DJANGO_SETTINGS_MODULE": module},
            "roots": (folder,),
        }
    )


def bring(name: str, folder: str) -> Bind:
    """Show one of our own packages to the target's interpreter."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise PrerequisiteError(f"our own package `{name}` is missing: install nightmend again")
    place = spec.submodule_search_locations[0] if spec.submodule_search_locations else spec.origin
    return Bind(host=place, inside=f"{folder}/{os.path.basename(place)}")


def _django_settings(files: Collection[str], read: Callable[[str], bytes | None]) -> tuple[str, str] | None:
    """Return the folder of the uppermost manage.py that names settings, and their module."""
    named = [path for path in files if path.rpartition("/")[2] == "manage.py"]
    for path in sorted(named, key=lambda path: (path.count("/"), path)):
        if found := _SETTINGS.search(read(path) or b""):
            return path.rpartition("/")[0], found[1].decode()
    return None


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())
