import ast
from collections.abc import Iterable

from nightmend.patterns.imports import reach
from nightmend.patterns.kinds import kind_of
from nightmend.patterns.source import Fault, Module
from nightmend.patterns.uses import (
    is_membership_test,
    local_uses,
    method_call,
    repeats_within,
    retyped,
    target_of,
)
from nightmend.repairs.repair import Edit

ADDS = frozenset({"append", "extend"})
ENDS = frozenset({"clear", "reverse"})


def find(module: Module) -> Iterable[Fault]:
    """Yield each list whose first item is taken again and again, each time moving all the others."""
    for value in (*module.nodes(ast.List), *module.nodes(ast.ListComp), *module.nodes(ast.Call)):
        target = target_of(module, value)
        uses = None if target is None else local_uses(module, target)
        if not uses or not all(
            isinstance(use.ctx, ast.Load) and _works_on_deque(module, use) for use in uses
        ):
            continue
        if _is_short(value) and not any(_grows(module, use) for use in uses):
            continue
        if any(_is_taken_first(module, use) and repeats_within(module, use, value) for use in uses):
            certain = kind_of(module, value) == "list"
            yield Fault(
                value, "taking the first item moves all others", "safe" if certain else None, tuple(uses)
            )


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Use a deque."""
    reached = reach(module, "collections.deque", fault.node)
    annotation = None if reached is None else retyped(module, fault.node, "list", reached.text)
    if reached is None or annotation is None:
        return None
    edits = [*_made(module, fault.node, reached.text), *reached.edits]
    edits += [module.replace(node, text) for node, text in annotation]
    for use in fault.parts:
        call = method_call(module, use)
        if call is not None and _first_argument_is_zero(call):
            edits += _at_the_left(module, call)
    return edits


def _made(module: Module, value: ast.AST, deque: str) -> list[Edit]:
    start, end = module.start(value), module.end(value)
    match value:
        case ast.List(elts=[]):
            return [module.replace(value, f"{deque}()")]
        case ast.ListComp():
            return [module.edit(start, start + 1, f"{deque}("), module.edit(end - 1, end, ")")]
        case ast.Call(func=function) if module.resolve(function) == "builtins.list":
            return [module.replace(function, deque)]
        case _:
            return [module.insert(start, f"{deque}("), module.insert(end, ")")]


def _at_the_left(module: Module, call: ast.Call) -> list[Edit]:
    """`pop(0)` is `popleft()`, `insert(0, x)` is `appendleft(x)`."""
    start, end = module.end(call.func), module.end(call)
    name = call.func.attr  # type: ignore[attr-defined]
    if name == "pop":
        return [module.edit(start - len(name), end, "popleft()")]
    return [module.edit(start - len(name), module.start(call.args[1]), "appendleft(")]


def _works_on_deque(module: Module, use: ast.Name) -> bool:
    parent = module.parent(use)
    call = method_call(module, use)
    if call is not None:
        return _is_known_call(call)
    match parent:
        case ast.While(test=test) | ast.If(test=test) | ast.IfExp(test=test):
            return test is use
        case ast.UnaryOp(op=ast.Not()):
            return True
        case ast.BoolOp():
            return isinstance(module.parent(parent), ast.While | ast.If)
        case ast.Call(func=ast.Name(id="len")):
            return True
        case ast.Subscript(slice=ast.Constant(value=0), ctx=ast.Load()):
            return parent.value is use
        case _:
            return is_membership_test(module, use)


def _is_known_call(call: ast.Call) -> bool:
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if call.keywords or any(isinstance(one, ast.Starred) for one in call.args):
        return False
    if method in ADDS:
        return len(call.args) == 1
    if method in ENDS:
        return not call.args
    if method == "pop":
        return not call.args or _first_argument_is_zero(call)
    return method == "insert" and len(call.args) == 2 and _first_argument_is_zero(call)


def _first_argument_is_zero(call: ast.Call) -> bool:
    return bool(call.args) and isinstance(call.args[0], ast.Constant) and call.args[0].value == 0


def _is_short(value: ast.AST) -> bool:
    """A list that is written out."""
    return isinstance(value, ast.List)


def _grows(module: Module, use: ast.Name) -> bool:
    call = method_call(module, use)
    return call is not None and isinstance(call.func, ast.Attribute) and call.func.attr in {*ADDS, "insert"}


def _is_taken_first(module: Module, use: ast.Name) -> bool:
    call = method_call(module, use)
    if call is None or not isinstance(call.func, ast.Attribute) or call.func.attr != "pop":
        return False
    return _first_argument_is_zero(call) and any(
        isinstance(above, ast.While) for above in module.ancestors(use)
    )
