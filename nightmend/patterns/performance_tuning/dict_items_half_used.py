import ast
from collections.abc import Iterable
from typing import Literal

from nightmend.patterns.edits import has_comment
from nightmend.patterns.kinds import kind_of
from nightmend.patterns.scopes import COMPREHENSIONS
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

Half = Literal["keys", "values"]
ODD_CONTAINERS = frozenset(
    {
        "pandas",
        "polars",
        "h5py",
        "xarray",
        "netCDF4",
        "zarr",
        "torch",
        "werkzeug",
        "django",
        "multidict",
        "tables",
    }
)
"""Libraries whose containers have `items()` and mean something else by `values` or by iteration."""


def find(module: Module) -> Iterable[Fault]:
    """Yield each loop over `items()` that uses only the keys, or only the values."""
    odd = _uses_odd_containers(module)
    loops: list[ast.For | ast.comprehension] = [*module.nodes(ast.For), *module.nodes(ast.comprehension)]
    for loop in loops:
        items = _items(loop.iter)
        half = None if items is None else _half(module, loop)
        if items is None or half is None or _looks_up(module, loop, items):
            continue
        known = kind_of(module, items.func.value) == "dict"  # type: ignore[attr-defined]
        if known or not (odd or _defines(module, "items")):
            unused = "values" if half == "keys" else "keys"
            yield Fault(
                items,
                f"the loop makes pairs and never uses their {unused}",
                "safe" if known else None,
                (loop,),
            )


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Walk the half that is used."""
    loop, call = fault.parts[0], fault.node_as(ast.Call)
    half = _half(module, loop)
    if half is None or not isinstance(call.func, ast.Attribute) or _is_mere_copy(module, loop):
        return None
    target: ast.Tuple = loop.target  # type: ignore[attr-defined]
    kept = target.elts[0 if half == "keys" else 1]
    container = call.func.value
    behind = module.end(container)
    start, end = module.start(target), module.end(target)
    if has_comment(module, start, module.end(call)) or "\n" in module.between(behind, module.end(call)):
        return None
    dot = module.end(call.func) - len("items")
    new = module.edit(dot, module.end(call.func), half)
    if half == "keys" and fault.safety == "safe" and module.between(behind, dot) == ".":
        new = module.edit(behind, module.end(call), "")
    return [module.edit(start, end, module.text(kept)), new]


def _is_mere_copy(module: Module, loop: ast.AST) -> bool:
    """`[v for _, v in d.items()]` wants to be `list(d.values())`: a comprehension would say too much."""
    match module.parent(loop):
        case ast.ListComp(elt=ast.Name(), generators=[only]) | ast.SetComp(elt=ast.Name(), generators=[only]):
            return not only.ifs
        case _:
            return False


def _items(iterated: ast.expr) -> ast.Call | None:
    match iterated:
        case ast.Call(func=ast.Attribute(attr="items"), args=[], keywords=[]):
            return iterated
        case _:
            return None


def _half(module: Module, loop: ast.AST) -> Half | None:
    match loop:
        case (
            ast.For(target=ast.Tuple(elts=[key, value]))
            | ast.comprehension(target=ast.Tuple(elts=[key, value]))
        ):
            key_is_used, value_is_used = _is_used(module, loop, key), _is_used(module, loop, value)
        case _:
            return None
    if key_is_used == value_is_used:
        return None
    return "keys" if key_is_used else "values"


def _looks_up(module: Module, loop: ast.AST, items: ast.Call) -> bool:
    """Say whether the loop asks the container for what it has in hand: then the value is what it wants."""
    container = module.text(items.func.value)  # type: ignore[attr-defined]
    return any(
        isinstance(node, ast.Subscript) and module.text(node.value) == container
        for node in ast.walk(module.parent(loop) if isinstance(loop, ast.comprehension) else loop)
    )


def _is_used(module: Module, loop: ast.AST, target: ast.expr) -> bool:
    """Say whether a name of the loop's target is read anywhere; anything but a name counts as used."""
    if not isinstance(target, ast.Name):
        return True
    scope: ast.AST | None = (
        module.parent(loop) if isinstance(loop, ast.comprehension) else module.function(loop)
    )
    if scope is None:
        if target.id.strip("_"):
            return True  # a global, that another module may read
        scope = module.tree
    names = module.identifiers(scope) if not isinstance(scope, COMPREHENSIONS) else frozenset()
    if names & {"locals", "vars", "eval", "exec"}:
        return True
    return any(_reads(node, target.id) for node in ast.walk(scope))


def _reads(node: ast.AST, name: str) -> bool:
    match node:
        case ast.Name(id=found, ctx=ast.Load() | ast.Del()):
            return found == name
        case ast.AugAssign(target=ast.Name(id=found)):
            return found == name
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            return name in names
        case _:
            return False


def _uses_odd_containers(module: Module) -> bool:
    names = [module.imported(alias) or alias.name for alias in module.nodes(ast.alias)]
    return any(name.lstrip(".").split(".")[0] in ODD_CONTAINERS for name in names)


def _defines(module: Module, method: str) -> bool:
    return any(one.name == method for one in module.nodes(ast.FunctionDef))
