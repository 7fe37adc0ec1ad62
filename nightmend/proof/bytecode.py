"""Equal by what the compiler makes of it: two ways to write the same instructions are the same program.

No test can tell an `else` behind a `return`, a `return` at the end, `not a in b` or two nested `if` from what
they become. Unsound where something reads the source or its syntax tree at run time.
"""

import __future__

import ast
from collections.abc import Iterator, Sequence
from functools import lru_cache
from types import CodeType

from nightmend.proof.around import Around, blocks, parse_block
from nightmend.proof.syntax import is_python
from nightmend.repairs.repair import Edit

LONGEST = 20_000
"""Bytes above which the definition around edits is not compiled for one repair."""
_BEYOND = (b"global", b"nonlocal")
"""Words by which a definition says what a name is in another one."""
_PLACES = frozenset({"lineno", "end_lineno", "col_offset", "end_col_offset"})
_CHECKS = (b"assert", b"__debug__")
"""Words that python -O takes out, each with what is in it."""


def same_code(path: str, before: bytes, after: bytes, edits: Sequence[Edit]) -> bool:
    """Say whether `edits`, which make `after` of `before`, leave the instructions of a file as they are.

    The definition around them is compiled alone, or the statements of the module: names mean something else
    there, but the same before and after.
    """
    if not is_python(path):
        return False
    try:
        file = blocks(before)
        found = file.around(edits, definition=True) or file.around(edits) or Around(before, after, b"")
        texts = found.before + found.after
        if len(texts) > 2 * LONGEST or any(word in texts for word in _BEYOND):
            return False
        levels = (0, 1) if any(word in texts for word in _CHECKS) else (0,)
        flags = __future__.annotations.compiler_flag if b"__future__" in before else 0
        return all(
            compiled(found.before, found.indent, level, flags)
            == compiled(found.after, found.indent, level, flags)
            for level in levels
        )
    except (SyntaxError, ValueError, RecursionError):
        return False


@lru_cache(maxsize=512)
def compiled(text: bytes, indent: bytes, level: int, flags: int) -> tuple[object, ...]:
    """Return what statements of one indent compile to, wherever they stand; raises as the parser does."""
    tree = parse_block(text, indent)
    for node in ast.walk(tree):
        for name in _PLACES & set(node._attributes):  # on other lines, the same is laid out in another way
            setattr(node, name, 0 if "col" in name else 1)
    code = compile(tree, "module.py", "exec", flags=flags, dont_inherit=True, optimize=level)
    return tuple(_instructions(code))


def _instructions(code: CodeType) -> Iterator[object]:
    """Yield all that a code object does, but where it stands."""
    yield from (code.co_name, code.co_qualname, code.co_flags, code.co_code, code.co_exceptiontable)
    yield from (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount)
    yield from (code.co_names, code.co_varnames, code.co_cellvars, code.co_freevars)
    yield from map(_constant, code.co_consts)


def _constant(value: object) -> object:
    """Return a constant so that it equals only itself: 0 is not False here, nor 0.0."""
    match value:
        case CodeType():
            return tuple(_instructions(value))
        case tuple():
            return ("tuple", *map(_constant, value))
        case frozenset():
            return ("frozenset", frozenset(map(_constant, value)))
        case _:
            return (type(value), repr(value))
