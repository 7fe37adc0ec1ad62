"""What a function returns, as far as its own text proves it."""

import ast
from collections.abc import Iterator, Sequence

from nightmend.patterns.scopes import FUNCTIONS, Function
from nightmend.patterns.source import Module

_CALLS = {
    **dict.fromkeys(("isinstance", "issubclass", "callable", "hasattr", "any", "all", "bool"), "bool"),
    **dict.fromkeys(("str", "repr", "ascii", "chr", "hex", "format"), "str"),
    **dict.fromkeys(("len", "ord", "hash", "id"), "int"),
}
_STR_METHODS = frozenset({"format", "join", "lower", "upper", "strip", "replace", "title", "capitalize"})
_ALWAYS_BOOL = (ast.Is, ast.IsNot, ast.In, ast.NotIn)


def own_nodes(function: Function) -> Iterator[ast.AST]:
    """Yield the nodes that run when the function does: nothing of what is defined inside it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            waiting += ast.iter_child_nodes(node)


def returned_type(module: Module, function: Function) -> str | None:
    """Return the one builtin type, or `None`, that a call can only return; None where that is not certain."""
    nodes = list(own_nodes(function))
    if any(isinstance(node, ast.Yield | ast.YieldFrom) for node in nodes):
        return None
    values = [node.value for node in nodes if isinstance(node, ast.Return)]
    if all(value is None or _is_none(value) for value in values):
        return "None" if values or falls_through(function.body) else None
    if falls_through(function.body) or not all(values):
        return None
    types = {literal_type(module, value) for value in values if value}
    return types.pop() if len(types) == 1 else None


def literal_type(module: Module, value: ast.expr) -> str | None:
    """Return the builtin type of an expression; None where its text does not prove it."""
    match value:
        case ast.Constant(value=bool() | str() | int() | float() | bytes() as constant):
            return type(constant).__name__
        case ast.JoinedStr() | ast.BinOp(left=ast.Constant(value=str()), op=ast.Mod()):
            return "str"
        case ast.UnaryOp(op=ast.Not()):
            return "bool"
        case ast.Compare(ops=operators) if all(isinstance(one, _ALWAYS_BOOL) for one in operators):
            return "bool"
        case ast.BoolOp(values=parts):
            return _common(module, *parts)
        case ast.IfExp(body=body, orelse=orelse):
            return _common(module, body, orelse)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return "str" if _common(module, left, right) == "str" else None
        case ast.Call(func=function):
            return _called(module, function)
        case _:
            return None


def _called(module: Module, function: ast.expr) -> str | None:
    match function:
        case ast.Attribute(value=text, attr=method) if method in _STR_METHODS:
            return "str" if literal_type(module, text) == "str" else None
        case ast.Name(id=name) if module.is_builtin(name, function):
            return _CALLS.get(name)
        case _:
            return None


def falls_through(body: Sequence[ast.stmt]) -> bool:
    """Say whether control may reach the end of a block; True where that is not certain."""
    match body[-1]:
        case ast.Return() | ast.Raise():
            return False
        case ast.If(body=then, orelse=orelse):
            return not orelse or falls_through(then) or falls_through(orelse)
        case ast.While(test=ast.Constant(value=True), body=inner):
            return any(isinstance(node, ast.Break) for one in inner for node in ast.walk(one))
        case ast.Try(body=inner, handlers=handlers, orelse=orelse, finalbody=last):
            if last and not falls_through(last):
                return False
            ends = [*(handler.body for handler in handlers), orelse or inner]
            return any(falls_through(end) for end in ends)
        case _:
            return True


def _common(module: Module, *parts: ast.expr) -> str | None:
    types = {literal_type(module, part) for part in parts}
    return types.pop() if len(types) == 1 else None


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None
