"""Does a changed file still compile? That is asked of the module's own statements around the edits."""

from collections.abc import Sequence
from functools import lru_cache

from nightmend.proof.around import blocks
from nightmend.proof.syntax import Version, is_python, syntax_problem
from nightmend.repairs.repair import Edit


def change_problem(
    path: str, before: bytes, after: bytes, edits: Sequence[Edit], floor: Version | None
) -> str | None:
    """Return why the changed content does not parse and compile, or None.

    Where the file compiled, and so do the changed statements of its module alone, the changed file compiles:
    but for `global` and future imports, no statement of a module is right or wrong by another one.
    """
    if not is_python(path) or b"__future__" in after or not _compiles(before, floor):
        return syntax_problem(path, after, floor)
    statements = blocks(before).outermost(edits)
    if statements is None or b"global" in statements or not _compiles(statements, floor):
        return syntax_problem(path, after, floor)
    return None


@lru_cache(maxsize=256)
def _compiles(content: bytes, floor: Version | None) -> bool:
    return syntax_problem("module.py", content, floor) is None
