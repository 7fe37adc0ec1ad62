import ast
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TypeAlias

from nightmend.patterns.edits import is_steady, same
from nightmend.patterns.scopes import COMPREHENSIONS, FUNCTIONS
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

NAMES = ("index", "position", "place")
Loop: TypeAlias = ast.For | ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp


def find(module: Module) -> Iterable[Fault]:
    """Yield each loop that searches its list for the item it has just taken from there."""
    loops: list[Loop] = [*module.nodes(ast.For), *module.nodes(ast.ListComp), *module.nodes(ast.SetComp)]
    for loop in [*loops, *module.nodes(ast.GeneratorExp), *module.nodes(ast.DictComp)]:
        target, listed = _runs_over(loop)
        if not isinstance(target, ast.Name) or not is_steady(listed) or isinstance(listed, ast.Constant):
            continue
        searches = [one for one in _inside(loop) if _searches(one, listed, target.id)]
        if searches and not _ends_by(module, loop, searches) and _stays(loop, listed, target):
            places = tuple(searches[1:])
            yield Fault(
                searches[0],
                "each step searches the list from its start for the item it has",
                parts=(loop, *searches),
                places=places,
            )


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Count along with `enumerate`; of equal items each gets its own place."""
    loop = fault.part(ast.AST)
    target, listed = _runs_over(loop)  # type: ignore[arg-type]
    searches = [fault.part(ast.Call, number) for number in range(1, len(fault.parts))]
    name = module.fresh_name(listed, NAMES)
    certain = module.is_builtin("enumerate", listed) and all(module.is_located(one) for one in searches)
    if name is None or not certain:
        return None
    return [
        module.insert(module.start(target), f"{name}, "),
        module.insert(module.start(listed), "enumerate("),
        module.insert(module.end(listed), ")"),
        *(module.replace(one, name) for one in searches),
    ]


def _ends_by(module: Module, loop: Loop, searches: Iterable[ast.AST]) -> bool:
    """Say whether each search stands on a way out of the loop: then there is only one."""
    return isinstance(loop, ast.For) and all(_leaves(module, loop, one) for one in searches)


def _leaves(module: Module, loop: ast.For, search: ast.AST) -> bool:
    inside = [one for one in module.ancestors(search) if isinstance(one, ast.stmt | ast.ExceptHandler)]
    for statement, above in pairwise(inside[: inside.index(loop)]):
        body = getattr(above, "body", [])
        block = body if statement in body else getattr(above, "orelse", [])
        if block and isinstance(block[-1], ast.Return | ast.Raise | ast.Break):
            return True
    return False


def _runs_over(loop: Loop) -> tuple[ast.expr, ast.expr]:
    if isinstance(loop, ast.For):
        return loop.target, loop.iter
    return loop.generators[0].target, loop.generators[0].iter


def _inside(loop: Loop) -> Iterator[ast.AST]:
    """What runs for each item, in this very function."""
    if isinstance(loop, ast.For):
        waiting: list[ast.AST] = [*loop.body]
    else:
        first = loop.generators[0]
        waiting = [*first.ifs, *loop.generators[1:]]
        waiting += [loop.key, loop.value] if isinstance(loop, ast.DictComp) else [loop.elt]
    while waiting:
        node = waiting.pop(0)
        yield node
        if not isinstance(node, FUNCTIONS):
            waiting += ast.iter_child_nodes(node)


def _searches(node: ast.AST, listed: ast.expr, name: str) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(value=where, attr="index"), args=[ast.Name(id=item)], keywords=[]):
            return item == name and same(where, listed)
        case _:
            return False


def _stays(loop: Loop, listed: ast.expr, target: ast.Name) -> bool:
    """Say whether the loop leaves both its list and its item alone, as far as it shows."""
    for node in _inside(loop):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                if name == target.id or name in {
                    one.id for one in ast.walk(listed) if isinstance(one, ast.Name)
                }:
                    return False
            case ast.Attribute(value=where, attr=attr, ctx=ctx):
                changes = same(where, listed) and attr != "index"
                if changes or (not isinstance(ctx, ast.Load) and attr in ast.unparse(listed)):
                    return False
            case ast.Subscript(value=where, ctx=ast.Store() | ast.Del()) if same(where, listed):
                return False
            case _ if isinstance(node, COMPREHENSIONS) and any(
                isinstance(one, ast.Name) and one.id == target.id and isinstance(one.ctx, ast.Store)
                for one in ast.walk(node)
            ):
                return False
            case _:
                pass
    return True
