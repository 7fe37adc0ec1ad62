import ast
from collections.abc import Iterable, Iterator

from nightmend.patterns.source import Fault, Module
from nightmend.patterns.uses import (
    is_membership_test,
    local_uses,
    method_call,
    repeats_within,
    retyped,
    target_of,
)
from nightmend.repairs.repair import Edit

HASHABLE_CALLS = frozenset(
    f"builtins.{name}" for name in ("str", "int", "float", "repr", "id", "len", "ord", "bytes")
)
TEXT_METHODS = frozenset(
    {
        "lower",
        "upper",
        "strip",
        "lstrip",
        "rstrip",
        "title",
        "casefold",
        "replace",
        "format",
        "join",
        "isoformat",
    }
    | {"strftime", "removeprefix", "removesuffix", "encode", "decode", "as_posix", "hexdigest"}
)
SET_METHODS = {"append": "add", "extend": "update"}


def find(module: Module) -> Iterable[Fault]:
    """Yield each list that is built only to be asked for its members, again and again."""
    for value in (*module.nodes(ast.ListComp), *module.nodes(ast.Call), *module.nodes(ast.List)):
        target = target_of(module, value) if _makes_a_list(module, value) else None
        uses = None if target is None else local_uses(module, target)
        if uses and _only_asked(module, uses) and all(map(_is_hashable, _elements(module, value, uses))):
            tests = [use for use in uses if is_membership_test(module, use)]
            if any(repeats_within(module, test, value) for test in tests):
                yield Fault(value, "each test walks the whole list", parts=tuple(uses))


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Build a set instead."""
    value = fault.node
    annotation = retyped(module, value, "list", "set")
    if annotation is None or not module.is_builtin("set", value):
        return None
    edits = [module.replace(node, text) for node, text in annotation]
    if isinstance(value, ast.ListComp):
        start, end = module.start(value), module.end(value)
        edits += [module.edit(start, start + 1, "{"), module.edit(end - 1, end, "}")]
    elif isinstance(value, ast.Call):
        edits.append(module.replace(value.func, "set"))
    else:
        edits.append(module.replace(value, "set()"))
    for use in fault.parts:
        call = method_call(module, use)
        if call is not None:
            attribute = call.func.attr  # type: ignore[attr-defined]
            end = module.end(call.func)
            edits.append(module.edit(end - len(attribute), end, SET_METHODS[attribute]))
    return edits


def _makes_a_list(module: Module, value: ast.AST) -> bool:
    match value:
        case ast.ListComp() | ast.List(elts=[]):
            return True
        case ast.Call(args=[ast.Call(func=ast.Attribute(attr="keys"))], keywords=[]):
            return module.resolve(value.func) == "builtins.list"
        case _:
            return False


def _only_asked(module: Module, uses: list[ast.Name]) -> bool:
    return all(_is_asked(module, use) or _is_added_to(module, use) is not None for use in uses)


def _is_asked(module: Module, use: ast.Name) -> bool:
    """A membership test, but not in an assert: that states something about a list."""
    asserted = isinstance(module.statement(use), ast.Assert)
    return is_membership_test(module, use) and not asserted and _is_hashable_left(module, use)


def _is_hashable_left(module: Module, use: ast.Name) -> bool:
    left = module.parent(use).left  # type: ignore[attr-defined]
    return not isinstance(left, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)


def _is_added_to(module: Module, use: ast.Name) -> ast.Call | None:
    """`<use>.append(x)` as a statement of its own."""
    call = method_call(module, use)
    if call is None or len(call.args) != 1 or call.keywords or module.result_is_used(call):
        return None
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    return call if method in SET_METHODS else None


def _elements(module: Module, value: ast.AST, uses: list[ast.Name]) -> Iterator[ast.expr]:
    """What goes into the list."""
    if isinstance(value, ast.ListComp):
        yield value.elt
    for use in uses:
        call = _is_added_to(module, use)
        if call is not None and isinstance(call.func, ast.Attribute):
            inner = call.args[0]
            if call.func.attr == "append":
                yield inner
            else:
                yield inner.elt if isinstance(inner, ast.ListComp | ast.GeneratorExp) else inner


def _is_hashable(element: ast.expr) -> bool:
    """Say whether an element is surely, or by all its looks, a text, a number or a tuple of those."""
    match element:
        case ast.Constant() | ast.JoinedStr() | ast.Attribute():
            return True
        case ast.Subscript(slice=ast.Constant()):
            return True
        case ast.Tuple(elts=parts):
            return all(_is_hashable(part) for part in parts)
        case ast.Call(func=ast.Attribute(attr=method)):
            return method in TEXT_METHODS
        case ast.Call(func=ast.Name(id=name)):
            return f"builtins.{name}" in HASHABLE_CALLS
        case _:
            return False
