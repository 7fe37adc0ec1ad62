"""Calls of the builtin `open`: their mode, and where the handle goes."""

import ast
from collections.abc import Iterator

from nightmend.patterns.edits import is_open_ended, keyword
from nightmend.patterns.source import Module

OPEN = frozenset({"builtins.open", "io.open"})
TEXT_ONLY = frozenset({"encoding", "errors", "newline"})


def opens(module: Module) -> Iterator[ast.Call]:
    """Yield each call of `open` that shows all its arguments."""
    for call in module.nodes(ast.Call):
        if isinstance(call.func, ast.Name | ast.Attribute) and not is_open_ended(call) and call.args:
            name = call.func.id if isinstance(call.func, ast.Name) else call.func.attr
            if name == "open" and module.resolve(call.func) in OPEN:
                yield call


def mode(call: ast.Call, position: int = 1) -> str | None:
    """The mode of a call of `open`; None where it is computed."""
    given = call.args[position] if len(call.args) > position else keyword(call, "mode")
    if given is None:
        return "r"
    return given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else None


def handle_uses(module: Module, call: ast.Call) -> list[ast.Name] | None:
    """Every place where the handle of `with open(...) as f`, or of `f = open(...)`, is read.

    None where the handle has no name of its own, or the name also means something else there.
    """
    parent = module.parent(call)
    match parent:
        case ast.withitem(optional_vars=ast.Name() as target):
            body: list[ast.stmt] = module.parent(parent).body  # type: ignore[attr-defined]
        case ast.Assign(targets=[ast.Name() as target]):
            function = module.function(call)
            if function is None or isinstance(function, ast.Lambda):
                return None
            body = function.body
        case _:
            return None
    names = [
        node
        for statement in body
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and node.id == target.id and node is not target
    ]
    return names if all(isinstance(node.ctx, ast.Load) for node in names) else None
