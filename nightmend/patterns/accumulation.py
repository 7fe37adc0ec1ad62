"""A variable that starts empty, grows in one statement of a loop, and is not read before the loop ends."""

import ast
from typing import NamedTuple

from nightmend.patterns.source import Module
from nightmend.patterns.uses import local_uses

_NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class Growth(NamedTuple):
    """Where a variable starts, the loop, and the statement in it that makes it grow."""

    start: ast.Assign | ast.AnnAssign
    loop: ast.For | ast.While
    growth: ast.Assign


def growth_of(module: Module, growth: ast.Assign) -> Growth | None:
    """Return the start and the loop of `x = <something of x>`; None where anything else reads x meanwhile."""
    target = growth.targets[0]
    if not isinstance(target, ast.Name) or len(growth.targets) != 1:
        return None
    uses = local_uses(module, target)
    loop = _loop(module, growth)
    if uses is None or loop is None:
        return None
    start = _start(module, loop, target.id)
    inside = [one for one in uses if loop in module.ancestors(one)]
    mine = [one for one in inside if growth in module.ancestors(one)]
    if start is None or len(mine) != 1 or len(inside) != 1:
        return None
    between = range(module.end(start), module.start(loop))
    known = module.function(growth)
    outside = any(
        module.start(one) in between or module.function(one) is not known or isinstance(one.ctx, ast.Del)
        for one in uses
    )
    return None if outside else Growth(start, loop, growth)


def _loop(module: Module, growth: ast.AST) -> ast.For | ast.While | None:
    """The outermost loop around a statement, within its function."""
    loop: ast.For | ast.While | None = None
    for above in module.ancestors(growth):
        if isinstance(above, _NESTED):
            break
        if isinstance(above, ast.For | ast.While):
            loop = above
    return loop


def _start(module: Module, loop: ast.stmt, name: str) -> ast.Assign | ast.AnnAssign | None:
    """The statement in front of the loop, in its own block, that makes the variable."""
    block = module.block(loop)
    for statement in reversed(block[: block.index(loop)]):
        match statement:
            case ast.Assign(targets=[ast.Name(id=known)]) if known == name:
                return statement
            case ast.AnnAssign(target=ast.Name(id=known), value=ast.expr()) if known == name:
                return statement
            case _:
                pass
    return None
