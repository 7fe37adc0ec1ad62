"""Is the program the same after a repair? Asked of the statements around it, however long its file is."""

import ast
from collections.abc import Sequence
from functools import lru_cache

from nightmend.proof.around import blocks, parse_block
from nightmend.proof.syntax import is_python, same_program
from nightmend.repairs.repair import Edit


def same_tree(path: str, before: bytes, after: bytes, edits: Sequence[Edit]) -> bool:
    """Say whether a file has the same syntax tree after `edits`, which make `after` of `before`."""
    if not is_python(path):
        return False
    try:
        found = blocks(before).around(edits)
        if found is not None:
            return _dumped(found.before, found.indent) == _dumped(found.after, found.indent)
    except (SyntaxError, ValueError, RecursionError):
        pass  # what cannot be read alone may still be a part of its file
    return same_program(path, before, after)


@lru_cache(maxsize=1024)
def _dumped(text: bytes, indent: bytes) -> str:
    return ast.dump(parse_block(text, indent))
