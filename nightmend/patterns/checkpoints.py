"""`torch.load`, and whether all that it returns goes into `load_state_dict`."""

import ast
from collections.abc import Iterator

from nightmend.patterns.edits import is_open_ended, keyword
from nightmend.patterns.source import Module
from nightmend.repairs.repair import Safety


def fed_loads(module: Module) -> Iterator[tuple[ast.Call, Safety]]:
    """Yield each `torch.load` whose result only feeds a model, and how certain that is."""
    for call in module.nodes(ast.Call):
        if module.resolve(call.func) != "torch.load" or is_open_ended(call):
            continue
        if _is_fed(module, call):
            yield call, "safe"
        elif _variable_is_fed(module, call):
            yield call, "needs-tests"


def _is_fed(module: Module, value: ast.AST) -> bool:
    """`model.load_state_dict(<value>)`, or `<value>["state_dict"]` there."""
    parent = module.parent(value)
    while isinstance(parent, ast.Subscript) and parent.value is value:
        value, parent = parent, module.parent(parent)
    match parent:
        case ast.Call(func=ast.Attribute(value=receiver, attr="load_state_dict"), args=[first, *_]):
            return first is value and keyword(parent, "assign") is None and _is_model(receiver)
        case _:
            return False


def _is_model(receiver: ast.expr) -> bool:
    """Optimizers and schedulers keep what they are given where it is; `obj` may be one of them."""
    name = ast.unparse(receiver).lower()
    return not any(word in name for word in ("optim", "sched", "scaler", "ema", "rng", "obj"))


def _variable_is_fed(module: Module, call: ast.Call) -> bool:
    statement, function = module.parent(call), module.function(call)
    match statement:
        case ast.Assign(targets=[ast.Name(id=name)]) if function is not None:
            nodes = [one for one in ast.walk(function) if isinstance(one, ast.Name) and one.id == name]
        case _:
            return False
    reads = [one for one in nodes if isinstance(one.ctx, ast.Load)]
    return bool(reads) and len(nodes) == len(reads) + 1 and all(_is_fed(module, one) for one in reads)
