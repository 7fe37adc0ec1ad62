import ast
import re
from collections import defaultdict
from collections.abc import Iterable

from nightmend.patterns.scopes import Function
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

CHECKS = re.compile(r"permi|authori[sz]|allow|access|require|privilege|_can_|guard", re.IGNORECASE)
ENOUGH = 3
"""So many methods that check make a convention of their class."""
CHANGES = frozenset(
    {"append", "add", "pop", "popleft", "remove", "discard", "clear", "update", "insert", "extend"}
)


def find(module: Module) -> Iterable[Fault]:
    """Yield the one public method that changes its object without the check that its siblings begin with."""
    for owner in module.nodes(ast.ClassDef):
        methods = [one for one in owner.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
        asking: dict[str, list[Function]] = defaultdict(list)
        for method in methods:
            if check := _check(method):
                asking[ast.unparse(check.func)].append(method)
        for name, siblings in asking.items():
            bare = [
                one
                for one in methods
                if _changes_openly(one)
                and name.split(".")[-1] not in module.identifiers(one) | _attributes(one)
            ]
            if len(siblings) >= ENOUGH and len(bare) == 1 and all(_changes_openly(one) for one in siblings):
                yield Fault(
                    bare[0],
                    f"it changes the object without {name}, with which its siblings begin",
                    parts=tuple(siblings),
                )


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Begin with the same check, where all siblings write it alike."""
    method = fault.node
    if not isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    siblings = [one for one in fault.parts if isinstance(one, type(method))]
    shapes = {_shape(one, one.name) for one in siblings}
    first = _body(method)
    if len(siblings) < len(fault.parts) or len(shapes) != 1 or not first or module.indent(first[0]) is None:
        return None
    model = _body(siblings[0])[0]
    check = _check(siblings[0])
    given = {one.arg for one in [*method.args.posonlyargs, *method.args.args, *method.args.kwonlyargs]}
    if check is None or not _names(check) <= given | {"self"} or model.lineno != model.end_lineno:
        return None
    words = [one for one in ast.walk(check) if isinstance(one, ast.Constant)]
    if any(one.value != siblings[0].name for one in words):
        return None
    text = module.text(model).replace(siblings[0].name, method.name) if words else module.text(model)
    return [module.insert(module.start(first[0]), f"{text}{module.newline}{module.indent(first[0])}")]


def _check(method: Function) -> ast.Call | None:
    """The call with which a method begins, where that asks for a permission."""
    match _body(method)[:1]:
        case [ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr=name)) as call)] if (
            CHECKS.search(name)
        ):
            return call
        case _:
            return None


def _body(method: Function) -> list[ast.stmt]:
    return method.body[1:] if ast.get_docstring(method, clean=False) is not None else method.body


def _shape(method: Function, name: str) -> str:
    return ast.dump(_body(method)[0]).replace(repr(name), "its own name")


def _names(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def _attributes(node: ast.AST) -> set[str]:
    return {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}


def _changes_openly(method: Function) -> bool:
    """Say whether a public, undecorated method writes to its own object."""
    if method.name.startswith("_") or method.decorator_list:
        return False
    return any(_changes(node) for node in ast.walk(method))


def _changes(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
            return _is_own(node)
        case ast.Call(func=ast.Attribute(value=ast.Attribute() as held, attr=attr)):
            return attr in CHANGES and _is_own(held)
        case _:
            return False


def _is_own(node: ast.AST) -> bool:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return isinstance(node, ast.Name) and node.id == "self"
