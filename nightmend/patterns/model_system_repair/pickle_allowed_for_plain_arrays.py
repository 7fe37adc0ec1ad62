import ast
from collections.abc import Iterable

from nightmend.patterns.edits import is_open_ended
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

SAVERS = frozenset({"numpy.save", "numpy.savez", "numpy.savez_compressed"})
PLAIN = frozenset(
    f"numpy.{name}"
    for name in ("array", "asarray", "zeros", "ones", "full", "empty", "arange", "float64", "int64")
)


def find(module: Module) -> Iterable[Fault]:
    """Yield each `numpy.load` that allows pickle in a module that saves arrays of plain values."""
    calls = [one for one in module.nodes(ast.Call) if isinstance(one.func, ast.Attribute | ast.Name)]
    saved = [one for one in calls if module.resolve(one.func) in SAVERS]
    if not saved or not all(_is_plain(module, one) for one in saved):
        return
    for call in calls:
        allowed = [one for one in call.keywords if one.arg == "allow_pickle" and _is_true(one.value)]
        if allowed and module.resolve(call.func) == "numpy.load" and len(call.args) == 1:
            yield Fault(call, "whoever can write the file can run code here", parts=(allowed[0],))


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Take the permission away."""
    call, allowed = fault.node_as(ast.Call), fault.parts[0]
    given = [*call.args, *call.keywords]
    before = given[given.index(allowed) - 1]
    gap = module.between(module.end(before), module.start(allowed))
    return None if "#" in gap else [module.edit(module.end(before), module.end(allowed), "")]


def _is_true(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is True


def _is_plain(module: Module, saver: ast.Call) -> bool:
    """Say whether what is saved are arrays by their own word, or weights by their name."""
    if is_open_ended(saver):
        return False
    values = [*saver.args[1:], *(one.value for one in saver.keywords if one.arg != "allow_pickle")]
    return bool(values) and all(_is_array(module, one) for one in values)


def _is_array(module: Module, value: ast.expr) -> bool:
    match value:
        case ast.Call(func=function, keywords=options):
            objects = any(one.arg == "dtype" and "object" in module.text(one.value) for one in options)
            return module.resolve(function) in PLAIN and not objects
        case ast.Attribute(attr=name):
            return name in {"weights", "coef_", "intercept_", "mean_", "scale_", "bias"}
        case _:
            return False
