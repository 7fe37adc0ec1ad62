import ast
import re
from collections.abc import Iterable

from nightmend.patterns.imports import reach
from nightmend.patterns.source import Fault, Module
from nightmend.patterns.uses import local_uses, target_of
from nightmend.repairs.repair import Edit

CLOCK = "time.time"
PRECISE, PLAIN = "time.perf_counter", "time.monotonic"
WAIT = re.compile(r"time_?out|deadline|remaining|expir", re.IGNORECASE)


def find(module: Module) -> Iterable[Fault]:
    """Yield each measurement of a duration whose both ends are read from the wall clock in one function."""
    done: set[ast.AST] = set()
    for call in module.nodes(ast.Call):
        if call not in done and _is_clock(module, call):
            ends = _measurement(module, call)
            done |= ends
            if ends:
                calls = sorted(ends, key=module.start)
                yield Fault(calls[0], "the duration is wrong whenever the clock is set", parts=tuple(calls))


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Read both ends from the clock that only counts."""
    edits: list[Edit] = []
    clock = PLAIN if _is_plain_enough(module, fault.parts) else PRECISE
    for call in fault.parts:
        reached = reach(module, clock, call)
        if reached is None or not module.is_located(call):  # type: ignore[arg-type]
            return None
        edits += [module.replace(call.func, reached.text), *reached.edits]  # type: ignore[attr-defined]
    return list(dict.fromkeys(edits))


def _is_plain_enough(module: Module, calls: Iterable[ast.AST]) -> bool:
    """What is held against a timeout is the plain clock's, and so is all where the file uses that."""
    used = {module.resolve(call.func) for call in module.nodes(ast.Call)}
    return (PLAIN in used and PRECISE not in used) or any(_bounds_a_wait(module, call) for call in calls)


def _bounds_a_wait(module: Module, call: ast.AST) -> bool:
    whole = call
    while isinstance(above := module.parent(whole), ast.expr):
        whole = above
    return any(WAIT.search(_named(node)) for node in ast.walk(whole))


def _named(node: ast.AST) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _is_clock(module: Module, node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and not node.args
        and not node.keywords
        and module.resolve(node.func) == CLOCK
    )


def _measurement(module: Module, call: ast.Call) -> set[ast.AST]:
    """All readings of the clock that are subtracted from each other; empty where one is used otherwise."""
    target = target_of(module, call)
    if target is None:
        return set()
    ends: set[ast.AST] = set()
    waiting, seen = [target], set[str]()
    while waiting:
        name = waiting.pop()
        if name.id in seen:
            continue
        seen.add(name.id)
        others = _ends_of(module, name)
        if others is None:
            return set()
        ends |= others
        waiting += [other for one in others if (other := target_of(module, one)) is not None]  # type: ignore[arg-type]
        waiting += _partners(module, name)
    return ends if len(ends) > 1 else set()


def _ends_of(module: Module, target: ast.Name) -> set[ast.AST] | None:
    """The readings around one variable; None when it is anything but the end of a duration."""
    uses = local_uses(module, target)
    if uses is None:
        return None
    ends: set[ast.AST] = set()
    for node in (target, *uses):
        if isinstance(node.ctx, ast.Load):
            other = _subtracted(module, node)
            if other is None:
                return None
            if _is_clock(module, other):
                ends.add(other)
        else:
            value = getattr(module.parent(node), "value", None)
            if value is None or not _is_clock(module, value) or target_of(module, value) is not node:
                return None
            ends.add(value)
    return ends


def _subtracted(module: Module, node: ast.Name) -> ast.expr | None:
    """The other side of a subtraction, where it is a reading of the clock or a variable."""
    match module.parent(node):
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            other = left if right is node else right
            return other if isinstance(other, ast.Name) or _is_clock(module, other) else None
        case _:
            return None


def _partners(module: Module, target: ast.Name) -> list[ast.Name]:
    """Variables that stand on the other side of a subtraction."""
    uses = local_uses(module, target) or []
    others = [_subtracted(module, use) for use in uses if isinstance(use.ctx, ast.Load)]
    return [other for other in others if isinstance(other, ast.Name)]
