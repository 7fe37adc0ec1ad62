import json
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from typing import Any

from nightmend.detectors.tree import TreeView
from nightmend.errors import NightmendError
from nightmend.sandboxes.protocol import CommandResult, Sandbox
from nightmend.settings import GIB, MIB, Limits

ARGUMENT_BYTES = 100_000
"""Paths given to one call of a tool; the system allows about two million."""
SHOWN = 200


class ToolError(NightmendError):
    """A tool is missing, crashed or ran out of its limits; its findings are lost, and no others."""


class MissingToolError(ToolError):
    """A tool is not installed; no smaller piece of the tree would help it."""


def run_tool(
    box: Sandbox,
    tree: TreeView,
    tool: str,
    arguments: Sequence[str],
    *,
    stdin: bytes = b"",
    good: Iterable[int] = (0, 1),
) -> CommandResult:
    """Run `python -m tool` of ours in the box; raise ToolError unless it ends with a good code.

    Nothing of the tree can be imported, whatever the tool does with its search path.
    """
    command = [tree.python, "-I", "-c", _source("guard"), tool, *arguments]
    return checked(tool, box.run(command, stdin=stdin, limits=limits_for(tree)), good)


def run_script(box: Sandbox, tree: TreeView, script: str, request: object) -> Any:
    """Run a script of `inside/` in the box; it reads the request as JSON and answers in JSON."""
    command = [tree.python, "-I", "-c", f"{_source('guard')}\n{_source(script)}"]
    result = box.run(command, stdin=json.dumps(request).encode(), limits=limits_for(tree))
    return parsed(script, checked(script, result, (0,)).stdout)


def _source(script: str) -> str:
    return (files("nightmend.detectors") / "inside" / f"{script}.py").read_text(encoding="utf-8")


def checked(tool: str, result: CommandResult, good: Iterable[int]) -> CommandResult:
    """Return the result of a tool that could say what it has to say; else raise ToolError."""
    if result.limit:
        raise ToolError(f"{tool} reached its limit of {result.limit}; its findings are missing")
    if result.truncated:
        raise ToolError(f"{tool} wrote more than was kept; its findings are missing")
    said = result.stderr.decode(errors="replace").strip().splitlines()
    last = said[-1][:SHOWN] if said else "it said nothing"
    if last.endswith(f"No module named {tool}"):
        raise MissingToolError(f"{tool} is not installed beside nightmend; its findings are missing")
    if result.return_code not in tuple(good):
        raise ToolError(f"{tool} ended with code {result.return_code}: {last}")
    return result


def parsed(tool: str, output: bytes) -> Any:
    """Return JSON that a tool wrote."""
    try:
        return json.loads(output)
    except ValueError:
        raise ToolError(f"{tool} did not answer in JSON; its findings are missing") from None


def limits_for(tree: TreeView) -> Limits:
    """Give a tool time by the lines it has to read: about ten times what the slowest one needs."""
    seconds = 60 + tree.lines / 100
    return Limits(memory=4 * GIB, cpu_seconds=seconds, wall_seconds=4 * seconds, output_bytes=256 * MIB)


def batches(paths: Iterable[str], limit: int = ARGUMENT_BYTES) -> Iterator[list[str]]:
    """Split paths into lists that fit on a command line; a leading `./` keeps them from being options."""
    batch: list[str] = []
    size = 0
    for path in paths:
        if batch and size + len(path) > limit:
            yield batch
            batch, size = [], 0
        batch.append(f"./{path}")
        size += len(path) + 8
    if batch:
        yield batch
