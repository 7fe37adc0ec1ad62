import ast
from collections.abc import Iterable
from typing import NamedTuple

from nightmend.patterns.returns import own_nodes
from nightmend.patterns.scopes import COMPREHENSIONS, Function
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

SIZED = frozenset(
    {"list", "tuple", "dict", "set", "frozenset", "Sequence", "Mapping", "List", "Dict", "Tuple", "Set"}
)


class _Guard(NamedTuple):
    """What a function returns for an empty input, and the type that it says it returns."""

    value: str
    returns: str


def find(module: Module) -> Iterable[Fault]:
    """Yield each mean of a parameter that may be empty, where the module's other functions look first."""
    functions: list[Function] = [*module.nodes(ast.FunctionDef)]
    guards = {one: guard for one in functions if (guard := _guard(module, one))}
    for function in functions:
        division = _division(function)
        returns = module.text(function.returns) if function.returns else ""
        habits = {one.value for one in guards.values() if one.returns == returns}
        if division is not None and returns and len(habits) == 1 and not _looks(function, division):
            name = ast.unparse(division.right.args[0])  # type: ignore[attr-defined]
            message = f"{function.name} fails with ZeroDivisionError where {name} is empty"
            yield Fault(division, message, parts=(function, ast.Constant(habits.pop()), ast.Constant(name)))


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Answer for nothing as the sibling does, before anything else."""
    function = fault.part(ast.FunctionDef)
    value, name = (str(fault.part(ast.Constant, number).value) for number in (1, 2))
    first = next((one for one in function.body if not _is_docstring(one)), None)
    indent = module.indent(first) if first is not None else None
    if first is None or indent is None:
        return None
    lines = (f"if not {name}:", f"{indent}{module.indent_unit}return {value}", indent)
    return [module.insert(module.start(first), module.newline.join(lines))]


def _division(function: Function) -> ast.BinOp | None:
    """The first `... / len(parameter)` of a function."""
    sized = {one.arg for one in function.args.args if one.annotation and _is_sized(one.annotation)}
    for node in own_nodes(function) if sized else ():
        match node:
            case ast.BinOp(op=ast.Div(), right=ast.Call(func=ast.Name(id="len"), args=[ast.Name(id=name)])):
                if name in sized:
                    return node
            case _:
                pass
    return None


def _is_sized(annotation: ast.expr) -> bool:
    named = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    return isinstance(named, ast.Name) and named.id in SIZED


def _looks(function: Function, division: ast.BinOp) -> bool:
    """Say whether anything in the function asks about the parameter, binds it, or catches the error."""
    name = division.right.args[0].id  # type: ignore[attr-defined]
    for node in ast.walk(function):
        asked = isinstance(node, ast.If | ast.IfExp | ast.Assert | ast.While) and _mentions(node.test, name)
        bound = isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load)
        if asked or bound or isinstance(node, ast.Try):
            return True
        if division in ast.walk(node) and any(_mentions(one, name) for one in _iterated(node)):
            return True
    return False


def _iterated(node: ast.AST) -> list[ast.expr]:
    """What a loop or a comprehension runs over."""
    if isinstance(node, COMPREHENSIONS):
        return [one.iter for one in node.generators]
    return [node.iter] if isinstance(node, ast.For) else []


def _mentions(node: ast.AST, name: str) -> bool:
    return any(isinstance(one, ast.Name) and one.id == name for one in ast.walk(node))


def _guard(module: Module, function: Function) -> _Guard | None:
    """`if not parameter: return 0.0` at the beginning of a function that says what it returns."""
    body = [one for one in function.body if not _is_docstring(one)]
    parameters = {one.arg for one in function.args.args}
    match body[:1]:
        case [
            ast.If(
                test=ast.UnaryOp(op=ast.Not(), operand=ast.Name(id=name)),
                body=[ast.Return(value=ast.Constant(value=int() | float()) as value)],
                orelse=[],
            )
        ] if name in parameters and function.returns:
            return _Guard(module.text(value), module.text(function.returns))
        case _:
            return None


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
