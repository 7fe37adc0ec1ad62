"""Does a changed file still compile? That is asked of the definition around the edits, or the statements."""

from collections.abc import Sequence
from functools import lru_cache

from nightmend.proof.around import blocks, heading, parse_block
from nightmend.proof.syntax import Version, compile_quietly, is_python, known_floor, syntax_problem
from nightmend.repairs.repair import Edit


def change_problem(
    path: str, before: bytes, after: bytes, edits: Sequence[Edit], floor: Version | None
) -> str | None:
    """Return why the changed content does not parse and compile, or None.

    Where the file compiled, and so do the changed definition, or the changed statements of its module, alone,
    the changed file compiles: but for `global`, `nonlocal` and future imports, none is wrong by others.
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

    Its heading must be as it was, since that is evaluated in the block around it; and with `nonlocal` it
    takes a name of the functions around it.
    """
    around = blocks(before).around(edits, definition=True)
    if around is None or b"global" in around.after or b"nonlocal" in around.after:
        return False
    try:
        [old] = parse_block(around.before, around.indent, known_floor(floor)).body
        tree = parse_block(around.after, around.indent, known_floor(floor))
        [new] = tree.body
        compile_quietly(tree, "module.py")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return heading(old) == heading(new) is not None


@lru_cache(maxsize=256)
def _compiles(content: bytes, floor: Version | None) -> bool:
    return syntax_problem("module.py", content, floor) is None
