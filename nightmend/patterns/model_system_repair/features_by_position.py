import ast
from collections.abc import Iterable, Iterator

from nightmend.patterns.edits import is_steady
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

NAMES_OF = ("feature_names_in_", "features", "feature_names", "feature_names_", "feature_columns", "columns_")


def find(module: Module) -> Iterable[Fault]:
    """Yield each dict that is laid out by the order of its keys for a model that names its features."""
    for call in module.nodes(ast.Call):
        match call:
            case ast.Call(func=ast.Attribute(value=model, attr="predict"), args=[data]) if is_steady(model):
                known = _names_of(module, model)
                for row in _rows(module, data) if known else ():
                    yield Fault(row, f"the order of the keys has to be that of {known}", parts=(model,))
            case _:
                pass


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Take the values by the names that the model has."""
    known = _names_of(module, fault.part(ast.expr))
    name = module.fresh_name(fault.node, ("name", "feature", "column"))
    match fault.node:
        case ast.ListComp(
            elt=value, generators=[ast.comprehension(target=ast.Name(id=item) as target, iter=values)]
        ):
            row = _row(values)
            uses = [one for one in ast.walk(value) if isinstance(one, ast.Name) and one.id == item]
            if row is None or name is None or not uses:
                return None
            again = f"{module.text(row)}[{name}]"
            return [
                *(module.replace(one, again) for one in uses),
                module.replace(target, name),
                module.replace(values, str(known)),
            ]
        case ast.Call(args=[values]):
            row = _row(values)
            if row is None or name is None:
                return None
            return [module.replace(fault.node, f"[{module.text(row)}[{name}] for {name} in {known}]")]
        case _:
            return None


def _names_of(module: Module, model: ast.expr) -> str | None:
    """How the module itself asks the model for the names of its features."""
    written = module.text(model)
    asked = {
        one.attr
        for one in module.nodes(ast.Attribute)
        if one.attr in NAMES_OF
        and is_steady(one.value)
        and module.text(one.value) == written
        and _home(module, one.value) is _home(module, model)
    }
    return next((f"{written}.{name}" for name in NAMES_OF if name in asked), None)


def _home(module: Module, model: ast.expr) -> ast.AST | None:
    """Where a model is the same one by the same name: in a class for its attributes, else in a scope."""
    if not isinstance(model, ast.Name):
        return module.enclosing_class(model)
    found = module.bindings(model.id, model)
    return found[0] if found else None


def _rows(module: Module, data: ast.expr) -> Iterator[ast.expr]:
    """Every `[f(value) for value in row.values()]` and `list(row.values())` in what is predicted from."""
    for node in ast.walk(_value_of(module, data)):
        match node:
            case ast.ListComp(generators=[ast.comprehension(target=ast.Name(), iter=values, ifs=[])]):
                if _row(values) is not None:
                    yield node
            case ast.Call(func=ast.Name(id="list"), args=[values], keywords=[]):
                if _row(values) is not None:
                    yield node
            case _:
                pass


def _value_of(module: Module, data: ast.expr) -> ast.expr:
    """What a name was given, where that was once."""
    found = module.bindings(data.id, data) if isinstance(data, ast.Name) else None
    if found is not None and len(found[1]) == 1:
        match module.parent(found[1][0]):
            case ast.Assign(value=value, targets=[ast.Name()]):
                return value
            case _:
                pass
    return data


def _row(values: ast.expr) -> ast.Name | None:
    match values:
        case ast.Call(func=ast.Attribute(value=ast.Name() as row, attr="values"), args=[], keywords=[]):
            return row
        case _:
            return None
