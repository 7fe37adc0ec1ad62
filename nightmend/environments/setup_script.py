"""The call of `setup()` in a setup.py, read as far as it is made of literals; nothing of it runs."""

import ast
from collections.abc import Mapping

from nightmend.parsing import parse_source

COMPUTED = object()
"""Stands for an argument that only running the script would tell."""


def setup_arguments(source: bytes | None) -> dict[str, object]:
    """Return the keyword arguments of `setup()`, COMPUTED for those that are no literals."""
    try:
        tree = parse_source(source or b"")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    known: dict[str, object] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            value = _value(statement.value, known)
            known |= {target.id: value for target in statement.targets if isinstance(target, ast.Name)}
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and _is_setup(node.func))
    call = next(calls, None)
    return {word.arg: _value(word.value, known) for word in call.keywords if word.arg} if call else {}


def _is_setup(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name == "setup"


def _value(node: ast.expr, known: Mapping[str, object]) -> object:
    """Evaluate a literal in which names stand for literals above it, and lists may be joined by `+`."""
    if isinstance(node, ast.Name):
        return known.get(node.id, COMPUTED)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _value(node.left, known), _value(node.right, known)
        both = isinstance(left, list) and isinstance(right, list)
        return [*left, *right] if both else COMPUTED  # type: ignore[misc]
    if isinstance(node, ast.Dict):
        pairs = {
            key.value: _value(value, known)
            for key, value in zip(node.keys, node.values, strict=True)
            if isinstance(key, ast.Constant)
        }
        return {key: value for key, value in pairs.items() if value is not COMPUTED}
    if isinstance(node, ast.List | ast.Tuple):
        items = [_value(item, known) for item in node.elts]
        return COMPUTED if COMPUTED in items else items
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return COMPUTED
