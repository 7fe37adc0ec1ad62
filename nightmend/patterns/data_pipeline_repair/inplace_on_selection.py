import ast
from collections.abc import Iterable

from nightmend.patterns.edits import is_open_ended, is_steady
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

METHODS = frozenset({"fillna", "ffill", "bfill", "replace", "clip", "interpolate", "mask", "where"})
"""They keep the index, so that what they return can be put back."""


def find(module: Module) -> Iterable[Fault]:
    """Yield each `frame[column].fillna(..., inplace=True)`."""
    for statement in module.nodes(ast.Expr):
        match statement.value:
            case ast.Call(func=ast.Attribute(value=ast.Subscript() as column, attr=method)) as call:
                if method in METHODS and _is_inplace(call) and _is_plain(column) and not is_open_ended(call):
                    what = module.text(column)
                    yield Fault(
                        statement, f"under copy-on-write this does nothing to {what}", parts=(call, column)
                    )
            case _:
                pass


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Put what the method returns back."""
    statement, call, column = fault.node_as(ast.Expr), fault.part(ast.Call), fault.part(ast.Subscript, 1)
    inplace = next(one for one in call.keywords if one.arg == "inplace")
    given = [*call.args, *call.keywords]
    place = given.index(inplace)
    if "#" in module.text(statement):
        return None
    if len(given) == 1:
        cut = module.start(inplace), module.end(inplace)
    elif place:
        cut = module.end(given[place - 1]), module.end(inplace)
    else:
        cut = module.start(inplace), module.start(given[1])
    return [module.insert(module.start(statement), f"{module.text(column)} = "), module.edit(*cut, "")]


def _is_inplace(call: ast.Call) -> bool:
    return any(
        one.arg == "inplace" and isinstance(one.value, ast.Constant) and one.value.value is True
        for one in call.keywords
    )


def _is_plain(column: ast.Subscript) -> bool:
    """One column of a frame: a name or a constant, of something that can be named twice."""
    return isinstance(column.slice, ast.Constant | ast.Name) and is_steady(column.value)
