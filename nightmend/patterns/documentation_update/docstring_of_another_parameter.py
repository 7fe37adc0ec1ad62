import ast
from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import NamedTuple

from nightmend.documents.docstrings import Documented, documented
from nightmend.patterns.scopes import Function
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

INERT = frozenset(
    {"staticmethod", "classmethod", "abstractmethod", "override", "cache", "lru_cache", "property"}
)
ALIKE = 0.4
"""Share of letters that old and new name have in common at least: else it may be another thing."""


class _Renamed(NamedTuple):
    old: str
    new: str
    places: list[Documented]


def find(module: Module) -> Iterable[Fault]:
    """Yield each docstring that documents one parameter that is not there, and lacks the one in its place."""
    functions: list[Function] = [*module.nodes(ast.FunctionDef), *module.nodes(ast.AsyncFunctionDef)]
    for function in functions:
        for owner in (function, *_class_of(module, function)):
            docstring = _docstring(owner)
            renamed = _renamed(module, docstring, function) if docstring else None
            if docstring and renamed:
                start = module.start(docstring)
                places = [_place(module, start, docstring, one) for one in renamed.places]
                message = f"the docstring of {function.name} says {renamed.old} for {renamed.new}"
                name = ast.Constant(value=renamed.new, lineno=1, col_offset=0, end_lineno=1, end_col_offset=0)
                yield Fault(places[0], message, parts=(name, *places))


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Write the parameter's name."""
    name, *places = fault.parts
    return [module.replace(one, str(name.value)) for one in places]  # type: ignore[attr-defined]


def _renamed(module: Module, docstring: ast.Constant, function: Function) -> _Renamed | None:
    """The one name of the docstring that the signature lacks, and the one that stands there instead."""
    text = module.text(docstring)
    if "\\" in text or not _is_plain(function):
        return None
    entries = documented(text)
    said = list(dict.fromkeys(one.name for one in entries))
    given = [one for one in _parameters(function) if not one.startswith("_") or one in said]
    extra, missing = [one for one in said if one not in given], [one for one in given if one not in said]
    if len(extra) != 1 or len(missing) != 1 or extra[0] in module.identifiers(function):
        return None
    old, new = extra[0], missing[0]
    same_order = [new if one == old else one for one in said] == given
    alike = SequenceMatcher(None, old.lower(), new.lower()).ratio() >= ALIKE
    rest = function.args.vararg
    if same_order and alike and not (rest and rest.arg == new):
        return _Renamed(old, new, [one for one in entries if one.name == old])
    return None


def _is_plain(function: Function) -> bool:
    """Say whether callers see the signature as it stands: no decorator that changes it, no **options."""
    names = {
        one.id if isinstance(one, ast.Name) else getattr(one, "attr", "") for one in function.decorator_list
    }
    return names <= INERT and function.args.kwarg is None


def _parameters(function: Function) -> list[str]:
    given = function.args
    names = [one.arg for one in (*given.posonlyargs, *given.args)]
    names = names[1:] if names[:1] in (["self"], ["cls"]) else names
    return [*names, *([given.vararg.arg] if given.vararg else []), *(one.arg for one in given.kwonlyargs)]


def _class_of(module: Module, function: Function) -> list[ast.ClassDef]:
    """The class whose docstring stands for that of its `__init__`."""
    owner = module.parent(function)
    stands = isinstance(owner, ast.ClassDef) and function.name == "__init__" and not _docstring(function)
    return [owner] if stands and isinstance(owner, ast.ClassDef) else []


def _docstring(node: Function | ast.ClassDef) -> ast.Constant | None:
    match node.body[0]:
        case ast.Expr(value=ast.Constant(value=str()) as docstring):
            return docstring
        case _:
            return None


def _place(module: Module, start: int, docstring: ast.Constant, one: Documented) -> ast.Constant:
    text = module.text(docstring)
    first = start + len(text[: one.start].encode())
    return module.place(first, first + len(one.name.encode()))
