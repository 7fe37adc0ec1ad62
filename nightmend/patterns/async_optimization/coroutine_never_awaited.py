import ast
from collections.abc import Iterable

from nightmend.patterns.scopes import FUNCTIONS
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

_YIELDS = (ast.Yield, ast.YieldFrom)


def find(module: Module) -> Iterable[Fault]:
    """Yield each call of a coroutine of this file whose result goes nowhere: it never runs."""
    for call in module.nodes(ast.Call) if module.nodes(ast.AsyncFunctionDef) else ():
        if isinstance(module.parent(call), ast.Expr) and _is_coroutine(module, _called(module, call)):
            yield Fault(call, "the coroutine is made and never awaited: nothing of it runs")


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Wait for it, where that is possible."""
    call = fault.node_as(ast.Call)
    if not isinstance(module.function(call), ast.AsyncFunctionDef):
        return None
    return [module.insert(module.start(call), "await ")]


def _called(module: Module, call: ast.Call) -> ast.AST | None:
    """The one definition that a call of a plain name, or of a method of `self`, means."""
    match call.func:
        case ast.Name(id=name):
            found = module.bindings(name, call.func)
            return found[1][0] if found and len(found[1]) == 1 else None
        case ast.Attribute(value=ast.Name(id="self"), attr=name):
            return _method(module, call, name)
        case _:
            return None


def _method(module: Module, call: ast.Call, name: str) -> ast.AST | None:
    owner = module.enclosing_class(call)
    function = module.function(call)
    if owner is None or function is None or module.parent(function) is not owner:
        return None
    found = module.index.bindings[owner].get(name, [])
    if len(found) != 1 or not isinstance(found[0], ast.AsyncFunctionDef):
        return None
    stored = any(
        isinstance(node, ast.Attribute) and node.attr == name and not isinstance(node.ctx, ast.Load)
        for node in ast.walk(owner)
    )
    return None if stored else found[0]


def _is_coroutine(module: Module, definition: ast.AST | None) -> bool:
    """An `async def` that no decorator turned into something else, and that is no generator."""
    if not isinstance(definition, ast.AsyncFunctionDef) or definition.decorator_list:
        return False
    return not any(
        isinstance(node, _YIELDS) and module.function(node) is definition
        for node in ast.walk(definition)
        if node is not definition and not isinstance(node, FUNCTIONS)
    )
