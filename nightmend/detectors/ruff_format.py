"""Ruff's formatter over files of a box."""

from nightmend.configured.files import Table
from nightmend.configured.toml import to_toml
from nightmend.detectors.ruff import MODULE, PLACE, WRITE_AND_RUN
from nightmend.detectors.running import ToolError, batches, checked, limits_for
from nightmend.detectors.tree import TreeView
from nightmend.sandboxes.protocol import Sandbox


def laid_out(box: Sandbox, tree: TreeView, settings: Table) -> dict[str, bytes]:
    """Return the files of the tree, which lie in the box, as the formatter leaves them.

    One that it cannot read stays as it is. ToolError where it cannot say.
    """
    options = ["format", "--config", PLACE, "--no-cache", "--quiet"]
    for batch in batches(tree.paths):
        command = ["sh", "-c", WRITE_AND_RUN, PLACE, tree.python, "-I", "-m", MODULE, *options, "--", *batch]
        result = box.run(command, stdin=to_toml(settings), limits=limits_for(tree))
        if result.stderr.startswith(b"ruff failed"):
            raise ToolError("ruff does not accept how the target formats: its layout is not looked at")
        checked(MODULE, result, (0, 2))
    return {path: box.read(path) for path in tree.paths}
