"""Does a changed file still compile? That is asked of the module's own statements around the edits."""

import warnings
from collections.abc import Sequence
from functools import lru_cache

from nightmend.proof.around import blocks, parse_block
from nightmend.proof.syntax import Version, is_python, known_floor, syntax_problem
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
    if _definition_compiles(before, edits, floor):
        return None
    statements = blocks(before).outermost(edits)
    if statements is None or b"global" in statements or not _compiles(statements, floor):
        return syntax_problem(path, after, floor)
    return None


def _definition_compiles(before: bytes, edits: Sequence[Edit], floor: Version | None) -> bool:
    """Say whether the smallest definition around the edits compiles by itself, and so where it stands.

    One that says `nonlocal` takes a name of those around it, and is not told alone.
    """
    around = blocks(before).around(edits, definition=True)
    if around is None or b"global" in around.after or b"nonlocal" in around.after:
        return False
    try:
        tree = parse_block(around.after, around.indent, known_floor(floor))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(tree, "module.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return len(tree.body) == 1


@lru_cache(maxsize=256)
def _compiles(content: bytes, floor: Version | None) -> bool:
    return syntax_problem("module.py", content, floor) is None
