"""How a local variable is used: the guard that most rewrites of data structures rest on."""

import ast

from nightmend.patterns.scopes import COMPREHENSIONS
from nightmend.patterns.source import Module

LOOPS = (ast.For, ast.AsyncFor, ast.While, *COMPREHENSIONS)


def local_uses(module: Module, target: ast.Name) -> list[ast.Name] | None:
    """Every other place in its function that names the same local variable; None for any other variable."""
    found = module.bindings(target.id, target)
    if found is None or not isinstance(found[0], ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    scope, bindings = found
    if not all(isinstance(one, ast.Name) for one in bindings):
        return None
    names = (node for node in module.names(scope) if node.id == target.id)
    mine = [node for node in names if (module.bindings(node.id, node) or (None,))[0] is scope]
    return [node for node in mine if node is not target]


def target_of(module: Module, value: ast.expr) -> ast.Name | None:
    """The one name that an assignment gives to a value."""
    parent = module.parent(value)
    match parent:
        case ast.Assign(targets=[ast.Name() as target]) if parent.value is value:
            return target
        case ast.AnnAssign(target=ast.Name() as target) if parent.value is value:
            return target
        case _:
            return None


def is_membership_test(module: Module, node: ast.AST) -> bool:
    """`x in <node>` or `x not in <node>`."""
    match module.parent(node):
        case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[right]):
            return right is node
        case _:
            return False


def method_call(module: Module, node: ast.AST) -> ast.Call | None:
    """The call in `<node>.method(...)`."""
    attribute = module.parent(node)
    call = module.parent(attribute)
    if isinstance(attribute, ast.Attribute) and isinstance(call, ast.Call) and call.func is attribute:
        return call
    return None


def repeats_within(module: Module, node: ast.AST, start: ast.AST) -> bool:
    """Say whether a loop runs the node again and again, but not `start`."""
    outside = set(module.ancestors(start))
    return any(
        isinstance(above, LOOPS) and above not in outside and not _is_first_iterable(module, above, node)
        for above in module.ancestors(node)
    )


def _is_first_iterable(module: Module, loop: ast.AST, node: ast.AST) -> bool:
    """What a loop runs over is evaluated once."""
    if isinstance(loop, ast.While):
        return False
    first = loop.iter if isinstance(loop, ast.For | ast.AsyncFor) else loop.generators[0].iter  # type: ignore[attr-defined]
    return node is first or first in module.ancestors(node)


def retyped(module: Module, value: ast.AST, old: str, new: str) -> list[tuple[ast.AST, str]] | None:
    """What to write in the annotation beside a value whose type changes; None where that is not certain."""
    statement = module.parent(value)
    if not isinstance(statement, ast.AnnAssign):
        return []
    annotation = statement.annotation
    named = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    return [(named, new)] if module.resolve(named) == f"builtins.{old}" else None
