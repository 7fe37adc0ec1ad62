"""What the target's interpreter finds, asked inside a sandbox, where finders of editable installs may run."""

import os
from collections.abc import Iterable
from pathlib import Path

from nightmend.frozen import Frozen
from nightmend.proof.packages import Package
from nightmend.sandboxes.protocol import Bind
from nightmend.snapshot import Snapshot
from nightmend.workspace import Workspace

INSIDE = Path(__file__).parent / "inside"
PROBE = Bind(host=str(INSIDE / "probe.py"), inside="/nightmend/nightmend_probe.py")


class Survey(Frozen):
    """What the environment offers to a test run."""

    pytest: str | None
    """Version of pytest."""
    plugins: tuple[str, ...]
    """Names of pytest plugins that load themselves."""
    places: dict[str, str | None]
    """Where each package of the snapshot, and Django, is found: a module's file, or an `__init__.py`."""
    trouble: str = ""
    """Why the interpreter could not answer."""


def survey(workspace: Workspace, snapshot: Snapshot, packages: Iterable[Package]) -> Survey:
    """Ask the target's interpreter where it finds the packages, and for pytest."""
    names = [*(package.name for package in packages), "django"]
    command = [workspace.interpreter.executable, PROBE.inside, *names]
    with workspace.sandbox(snapshot, "survey", at_target=True, binds=[PROBE]) as box:
        result = box.run(command, env=environment(workspace))
    try:
        return Survey.model_validate_json(result.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        said = result.stderr.decode("utf-8", "replace").strip().splitlines()
        trouble = result.limit or (said[-1] if said else f"exit code {result.return_code}")
        return Survey(pytest=None, plugins=(), places={}, trouble=trouble)


def environment(workspace: Workspace, *, path: Iterable[str] = ()) -> dict[str, str]:
    """Return the variables of a process of the target; `path` goes in front on sys.path."""
    interpreter = workspace.interpreter
    variables = {
        "PATH": f"{os.path.dirname(interpreter.executable)}:/usr/local/bin:/usr/bin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
    }
    if interpreter.prefix != interpreter.base_prefix:
        variables["VIRTUAL_ENV"] = interpreter.prefix
    if interpreter.user_base is not None:
        variables["PYTHONUSERBASE"] = interpreter.user_base
    places = os.pathsep.join(path)
    return {**variables, "PYTHONPATH": places} if places else variables
