"""What the steps of a build share: the tools that are shown to them, and what they may use."""

import os
from collections.abc import Iterable
from pathlib import Path

import uv

from nightmend.environments.interpreter import Interpreter
from nightmend.errors import PrerequisiteError
from nightmend.sandboxes.protocol import Bind, CommandResult
from nightmend.settings import GIB, Limits

UV = "/nightmend/uv"
FILES = "/nightmend/files"
INSIDE = Path(__file__).parent / "inside"
LIMITS = Limits(
    memory=4 * GIB,
    cpu_seconds=1800,
    wall_seconds=1800,
    file_bytes=4 * GIB,
    disk_bytes=16 * GIB,
    more_output="drop",
)
SETTINGS = {
    "UV_NO_CONFIG": "1",
    "UV_NO_PROGRESS": "1",
    "UV_PYTHON_DOWNLOADS": "never",
    "UV_KEYRING_PROVIDER": "disabled",
    "UV_LINK_MODE": "copy",
    "NO_COLOR": "1",
}


def uv_binary() -> str:
    """Return the path of our own uv; PrerequisiteError where it is not installed."""
    try:
        return os.path.realpath(uv.find_uv_bin())
    except FileNotFoundError:
        raise PrerequisiteError("uv is missing: install it with `pip install uv`") from None


def shown(*parts: Iterable[Bind]) -> tuple[Bind, ...]:
    """Merge binds, one a place."""
    return tuple({bind.inside: bind for binds in parts for bind in binds}.values())


def base_executable(interpreter: Interpreter) -> str:
    """Return the Python that a virtual environment was made from; one that is none is its own."""
    if interpreter.prefix == interpreter.base_prefix:
        return interpreter.executable
    major, minor = interpreter.version
    names = (f"python{major}.{minor}", f"python{major}", "python")
    places = (Path(interpreter.base_prefix) / "bin" / name for name in names)
    return next((str(place) for place in places if place.exists()), os.path.realpath(interpreter.executable))


def last_words(result: CommandResult) -> str:
    """Return in one line why a command failed."""
    if result.limit:
        return f"the limit of {result.limit} was reached"
    lines = [line.strip() for line in result.stderr.decode("utf-8", "replace").splitlines()]
    said = [line for line in lines if line]
    causes = [line.partition("cause:")[2].strip() for line in said if line.startswith("cause:")]
    first = next((at for at, line in enumerate(said) if line.startswith("error:")), 0)
    if causes and first > 1:  # a build back end said something, behind uv's own first line
        causes.append(said[first - 1])
    telling = causes[-1:] or [line for line in said if "rror" in line][-1:] or said[-1:]
    return telling[0] if telling else f"it ended with exit code {result.return_code}"
