import ast
import re
from collections.abc import Iterable, Iterator

from nightmend.patterns.edits import is_open_ended, is_steady
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

HELD_OUT = re.compile(
    r"(^|_)(test|val|valid|validation|holdout|hold_out|unseen|serving|live|new|future)(_|\d|$)", re.I
)
SERVING = re.compile(
    r"^_?(predict\w*|score\w*|transform|infer\w*|serve\w*|forecast\w*|evaluate\w*|classify|detect)$"
)
FITTING = re.compile(r"^_?(fit\w*|train\w*|learn\w*)$")


def find(module: Module) -> Iterable[Fault]:
    """Yield each `fit_transform` of held-out data by a transformer that was fitted on the training data."""
    for call in module.nodes(ast.Call):
        match call:
            case ast.Call(func=ast.Attribute(value=owner, attr="fit_transform"), args=[data, *rest]):
                plain = is_steady(owner) and not call.keywords and len(rest) < 2 and not is_open_ended(call)
                if plain and (_is_held_out(module, call, owner, data) or _serves(module, call, owner)):
                    yield Fault(call, f"{module.text(owner)} forgets the training data and learns from this")
            case _:
                pass


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Transform by what was learnt from the training data."""
    call = fault.node_as(ast.Call)
    function = call.func
    if not isinstance(function, ast.Attribute):
        return None
    edits = [module.edit(module.end(function) - len(function.attr), module.end(function), "transform")]
    if len(call.args) == 2:  # transform takes no target
        edits.append(module.edit(module.end(call.args[0]), module.end(call.args[1]), ""))
    return edits


def _is_held_out(module: Module, call: ast.Call, owner: ast.expr, data: ast.expr) -> bool:
    """The data's name says that it is held out, and the same function fitted the same transformer before."""
    name = module.text(data).split("[")[0].split(".")[-1]
    if not HELD_OUT.search(name):
        return False
    place = module.function(call)
    return any(
        module.function(other) is place
        and module.start(other) < module.start(call)
        and module.text(other.args[0]) != module.text(data)
        and not HELD_OUT.search(module.text(other.args[0]).split(".")[-1])
        and not _is_made_between(module, owner, other, call)
        for other in _fits(module, owner)
    )


def _serves(module: Module, call: ast.Call, owner: ast.expr) -> bool:
    """A method that serves refits what a method of the same class that trains has fitted."""
    place, cls = module.function(call), module.enclosing_class(call)
    named = isinstance(place, ast.FunctionDef | ast.AsyncFunctionDef) and SERVING.match(place.name)
    if not named or cls is None or not module.text(owner).startswith("self."):
        return False
    trains = {one for one in cls.body if isinstance(one, ast.FunctionDef) and FITTING.match(one.name)}
    return any(module.function(other) in trains for other in _fits(module, owner))


def _fits(module: Module, owner: ast.expr) -> Iterator[ast.Call]:
    written = module.text(owner)
    for call in module.nodes(ast.Call):
        match call.func:
            case ast.Attribute(value=same, attr="fit" | "fit_transform") if call.args:
                if isinstance(same, ast.Name | ast.Attribute) and module.text(same) == written:
                    yield call
            case _:
                pass


def _is_made_between(module: Module, owner: ast.expr, first: ast.Call, last: ast.Call) -> bool:
    """Say whether the transformer is another one by the time of the second call."""
    names = {one.id for one in ast.walk(owner) if isinstance(one, ast.Name)}
    stores = [one for one in module.nodes(ast.Name) if isinstance(one.ctx, ast.Store) and one.id in names]
    return any(module.start(first) < module.start(one) < module.start(last) for one in stores)
