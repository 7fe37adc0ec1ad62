import ast
import io
import tokenize
from collections.abc import Iterable, Iterator

from nightmend.patterns.returns import literal_type, own_nodes, returned_type
from nightmend.patterns.scopes import Function
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

INERT = frozenset({"staticmethod", "classmethod", "property"})
HABIT = 0.5
"""Share of annotated parameters and returns from which on a file is one that annotates."""
PLAIN = (
    *(ast.Return, ast.If, ast.Raise, ast.Expr, ast.Constant, ast.JoinedStr, ast.FormattedValue, ast.Name),
    *(ast.BoolOp, ast.boolop, ast.UnaryOp, ast.unaryop, ast.IfExp, ast.expr_context, ast.cmpop, ast.operator),
)
PLAIN_OPERATORS = (ast.Is, ast.IsNot, ast.In, ast.NotIn, ast.Eq, ast.NotEq)
ENOUGH = 4
"""Annotations that make a habit."""


def find(module: Module) -> Iterable[Fault]:
    """Yield each function whose return is the one thing missing, and proved by its own text."""
    functions: list[Function] = [*module.nodes(ast.FunctionDef), *module.nodes(ast.AsyncFunctionDef)]
    if not _annotates(functions):
        return
    handed_on = _handed_on(module)
    named: dict[str, list[Function]] = {}
    for function in functions:
        named.setdefault(function.name, []).append(function)
    for function in functions:
        if function.name in handed_on or (function.name == "__init__" and any(_hints(function))):
            continue  # of `__init__` a parameter's type tells type checkers enough
        proved = returned_type(module, function) if _lacks_it_alone(function) else None
        if (
            proved
            and _is_open(module, function, proved)
            and all(returned_type(module, other) == proved for other in named[function.name])
        ):
            yield Fault(function, f"{function.name} can only return {proved} and does not say so")


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Say what is returned, where the line has room for it."""
    function = fault.node
    if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    colon = _header_colon(module, function)
    text = f" -> {returned_type(module, function)}"
    if colon is None or module.between(colon - 1, colon) != ")":
        return None
    room = module.line_length - len(module.line(module.line_of(colon)))
    return [module.insert(colon, text)] if len(text) <= room else None


def _handed_on(module: Module) -> set[str]:
    """Return the names that are read and not called: who takes such a function may want another return."""
    called = {id(call.func) for call in module.nodes(ast.Call)}
    names = {one.id for one in module.nodes(ast.Name) if _is_read(one) and id(one) not in called}
    return names | {
        one.attr for one in module.nodes(ast.Attribute) if _is_read(one) and id(one) not in called
    }


def _is_read(node: ast.Name | ast.Attribute) -> bool:
    return isinstance(node.ctx, ast.Load)


def _annotates(functions: list[Function]) -> bool:
    hints = [hint for function in functions for hint in (*_hints(function), function.returns is not None)]
    return sum(hints) >= ENOUGH and sum(hints) >= HABIT * len(hints)


def _hints(function: Function) -> Iterator[bool]:
    """Yield for each parameter, but for self and cls, whether it is annotated."""
    given = function.args
    for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg):
        if argument is not None and argument.arg not in {"self", "cls"}:
            yield argument.annotation is not None


def _lacks_it_alone(function: Function) -> bool:
    """Say whether a function is annotated but for its return, in which no decorator has a word."""
    decorated = any(not isinstance(one, ast.Name) or one.id not in INERT for one in function.decorator_list)
    return function.returns is None and not decorated and all(_hints(function))


def _is_open(module: Module, function: Function, proved: str) -> bool:
    """Say whether neither a subclass of a hook nor a type checker has a word in what is returned."""
    if proved != "None" and not module.is_builtin(proved, function):
        return False
    if not any(_hints(function)) and not _is_plain(module, function):
        return False
    return function.name == "__init__" or not _is_placeholder(function)


def _is_plain(module: Module, function: Function) -> bool:
    """Say whether type checkers, which read bodies only below a type, will find nothing in this one."""
    for node in own_nodes(function):
        match node:
            case ast.Compare(ops=operators):
                plain = all(isinstance(one, PLAIN_OPERATORS) for one in operators)
            case ast.Attribute(value=ast.Name(id="self" | "cls") | ast.Constant(value=str())):
                plain = True
            case ast.Call(func=ast.Attribute(value=ast.Constant(value=str()))):
                plain = True
            case ast.Call(func=ast.Name(id=name) as called):
                plain = module.is_builtin(name, called)
            case ast.BinOp():
                plain = literal_type(module, node) == "str"
            case ast.Assign(targets=[target]):
                plain = isinstance(target, ast.Name)
            case _:
                plain = isinstance(node, PLAIN)
        if not plain:
            return False
    return True


def _is_placeholder(function: Function) -> bool:
    """A body that does nothing yet stands for those that others write."""
    return all(
        isinstance(one, ast.Pass | ast.Raise)
        or (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
        or (isinstance(one, ast.Return) and (one.value is None or isinstance(one.value, ast.Constant)))
        for one in function.body
    )


def _header_colon(module: Module, function: Function) -> int | None:
    """The offset of the colon that ends the header; None where a comment there may give the type."""
    head = module.between(module.start(function), module.start(function.body[0]))
    depth = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(head).readline):
            if token.type == tokenize.COMMENT and "type:" in token.string:
                return None
            if token.type == tokenize.OP:
                depth += (token.string in "([{") - (token.string in ")]}")
                if token.string == ":" and not depth:
                    before = head.splitlines(keepends=True)[: token.start[0] - 1]
                    line = token.line[: token.start[1]]
                    return module.start(function) + len("".join((*before, line)).encode())
    except (tokenize.TokenError, IndentationError):
        pass
    return None
