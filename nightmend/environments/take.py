"""Take an environment out of its sandbox: what was collected is data, and is made fit to be shown to others.

Links that lead out of it go. What names the Python is written anew, so that nothing the build put there
stands for one; outside of a sandbox it is never started all the same.
"""

import os
import re
from contextlib import ExitStack
from pathlib import Path, PurePosixPath

from nightmend.environments.interpreter import Interpreter
from nightmend.errors import SandboxError
from nightmend.sandboxes.protocol import Sandbox
from nightmend.settings import GIB, CollectLimits

LIMITS = CollectLimits(entries=1_000_000, total_bytes=16 * GIB, file_bytes=4 * GIB, odd_names="skip")
ENVIRONMENT = "env"
"""The folder of the virtual environment in what is collected."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_INWARDS = re.compile(r"(\.\./)*[^/]+(/[^/]+)*")


def take(box: Sandbox, into: Path, base: Interpreter) -> None:
    """Collect the work layer into `into`, which is made: `env` in it is an environment of the Python `base`.

    SandboxError where it is none, or larger than an environment may be.
    """
    collected = box.collect(into, limits=LIMITS)
    try:
        for link in collected.links:
            if _leads_out(link, os.readlink(into / link)):
                (into / link).unlink()
        _name_python(str(into / ENVIRONMENT), base)
    except OSError as error:
        raise SandboxError(f"what was built is no virtual environment: {error.strerror}") from None


def _leads_out(link: str, text: str) -> bool:
    """Say whether a link leaves `env`: steps up may come first, fewer than there are folders above it."""
    steps = PurePosixPath(text).parts
    up = next((at for at, step in enumerate(steps) if step != ".."), len(steps))
    return not _INWARDS.fullmatch(text) or ".." in steps[up:] or up >= link.count("/")


def _name_python(root: str, base: Interpreter) -> None:
    with ExitStack() as stack:
        top = os.open(root, _FOLDER)
        stack.callback(os.close, top)
        binaries = os.open("bin", _FOLDER, dir_fd=top)
        stack.callback(os.close, binaries)
        major, minor = base.version
        for name in ("python", "python3", f"python{major}.{minor}"):
            _remove(name, binaries)
            os.symlink(base.executable if name == "python" else "python", name, dir_fd=binaries)
        _remove("pyvenv.cfg", top)
        with open(os.open("pyvenv.cfg", _NEW, 0o644, dir_fd=top), "w", encoding="utf-8") as file:
            file.write(f"home = {os.path.dirname(base.executable)}\ninclude-system-site-packages = false\n")
            file.write(f"version_info = {major}.{minor}\n")


def _remove(name: str, folder: int) -> None:
    if name in os.listdir(folder):
        os.unlink(name, dir_fd=folder)
