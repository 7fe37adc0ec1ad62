import ast
import re
from collections.abc import Iterable

from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

METHODS = {"lstrip": "removeprefix", "rstrip": "removesuffix"}
ENDING = re.compile(r"\.[A-Za-z]\w{1,7}")
BEGINNING = re.compile(r"[A-Za-z]\w+[:/_.-]+")


def find(module: Module) -> Iterable[Fault]:
    """Yield each `strip` of a word, which takes any of its letters, in any order."""
    if module.floor < (3, 9):
        return
    for call in module.nodes(ast.Call):
        match call:
            case ast.Call(
                func=ast.Attribute(value=text, attr="lstrip" | "rstrip" as method),
                args=[ast.Constant(value=str(affix))],
                keywords=[],
            ) if _is_word(affix, method) and not _is_column(text):
                message = f"{method} takes every letter of {affix!r} it finds there, not the word"
                yield Fault(call, message)
            case _:
                pass


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Remove the word, once, where it stands."""
    function = fault.node_as(ast.Call).func
    if not isinstance(function, ast.Attribute):
        return None
    return [
        module.edit(module.end(function) - len(function.attr), module.end(function), METHODS[function.attr])
    ]


def _is_word(affix: str, method: str) -> bool:
    """Letters that come twice, a file's ending or a scheme: nobody writes a set of letters so."""
    letters = [sign for sign in affix if sign.isalpha()]
    if len(affix) < 3 or len(letters) < 2 or affix != affix.strip():
        return False
    shape = ENDING if method == "rstrip" else BEGINNING
    return (len(set(affix)) < len(affix) and affix.isascii()) or shape.fullmatch(affix) is not None


def _is_column(text: ast.expr) -> bool:
    """`column.str.lstrip` is pandas', which has its own names."""
    return isinstance(text, ast.Attribute) and text.attr == "str"
