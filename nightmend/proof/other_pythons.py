"""The target's other Pythons, as far as this machine has them: do they compile what a repair leaves?"""

import json
import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from nightmend.environments.interpreter import Interpreter
from nightmend.environments.pythons import admits, base_interpreters
from nightmend.proof.survey import INSIDE
from nightmend.proof.syntax import Version
from nightmend.workspace import Workspace

SCRIPT = INSIDE / "compile.py"
MARK = b"compiled "


class Source(NamedTuple):
    """A file as it would be, or is."""

    path: str
    content: bytes


def others(declared: str | None) -> tuple[Interpreter, ...]:
    """Return the least and the newest Python found here, but for ours, that a declaration admits.

    What both compile, those between them compile: no syntax has ever come, gone, and come back.
    """
    if declared is None:
        return ()
    found: dict[Version, Interpreter] = {
        one.version: one for one in base_interpreters() if admits(declared, one.version)
    }
    found.pop(sys.version_info[:2], None)
    return tuple(found[version] for version in sorted({min(found), max(found)})) if found else ()


def compile_problems(
    workspace: Workspace, interpreter: Interpreter, sources: Iterable[Source]
) -> dict[Source, str]:
    """Return why each source does not compile on an interpreter, "" where it does.

    What it said nothing of, since it could not be started here or did not survive, is left out.
    """
    asked = dict(enumerate(dict.fromkeys(sources)))
    orders = json.dumps([(name, one.path, one.content.decode("latin-1")) for name, one in asked.items()])
    command = [interpreter.executable, "-I", "-S", "-B", "-c", SCRIPT.read_text(encoding="utf-8")]
    with workspace.sandbox(None, "compile", binds=interpreter.binds) as box:
        result = box.run(command, stdin=orders.encode())
    return {asked[name]: problem for name, problem in _read(result.stdout.splitlines())}


def _read(lines: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    for line in lines:
        if line.startswith(MARK):
            name, problem = json.loads(line.removeprefix(MARK))
            yield name, problem
