import ast
from collections.abc import Iterable, Sequence

from nightmend.patterns.edits import (
    add_argument,
    has_comment,
    is_open_ended,
    is_steady,
    keyword,
    outdent_lines,
    same,
    spans_lines,
)
from nightmend.patterns.kinds import kind_of
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

TESTS = frozenset({"os.path.exists", "os.path.isdir"})
PATH_TESTS = frozenset({"exists", "is_dir"})
PURE = frozenset({"os.path.join", "os.path.dirname", "os.path.abspath", "os.path.expanduser", "builtins.str"})


def find(module: Module) -> Iterable[Fault]:
    """Yield each `if not exists(p): makedirs(p)`: another process may make it in between."""
    for branch in module.nodes(ast.If):
        call = _only_call(branch)
        checked = _checked(module, branch.test)
        if call is None or checked is None or branch.orelse:
            continue
        made = _made(module, call)
        if made is not None and same(made, checked) and _is_steady(module, made):
            yield Fault(branch, "the folder may appear between the test and its creation", parts=(call,))


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Let the call itself accept a folder that is there, and drop the test."""
    branch, call = fault.node_as(ast.If), fault.part(ast.Call)
    argument = add_argument(module, call, "exist_ok=True")
    if argument is None or module.text(branch)[:2] != "if" or has_comment(module, *_span(module, branch)):
        return None
    if isinstance(branch.test, ast.BoolOp):
        return _keep_the_rest(module, branch.test, argument)
    inner, outer = module.indent(call), module.indent(branch)
    if outer is None or (inner is None and call.lineno != branch.lineno):
        return None
    lines = _outdent(module, call, inner or "", outer)
    if lines is None:
        return None
    moved = argument.text
    if inner is not None:
        moved = moved.replace(module.newline + inner, module.newline + outer)
    return [
        module.edit(*_span(module, branch), ""),
        *lines,
        module.edit(argument.start, argument.end, moved),
    ]


def _span(module: Module, branch: ast.If) -> tuple[int, int]:
    return module.start(branch), module.start(branch.body[0])


def _outdent(module: Module, call: ast.Call, inner: str, outer: str) -> list[Edit] | None:
    """Move the further lines of a call that spans several."""
    last = call.end_lineno or call.lineno
    if last > call.lineno and spans_lines(module, [call]):
        return None
    return outdent_lines(module, range(call.lineno + 1, last + 1), inner, outer) if inner else []


def _keep_the_rest(module: Module, test: ast.BoolOp, argument: Edit) -> list[Edit] | None:
    """Of `if p and not exists(p)`, only the last part goes."""
    last, before = test.values[-1], test.values[-2]
    if module.between(module.end(before), module.start(last)).strip() != "and":
        return None
    return [module.edit(module.end(before), module.end(last), ""), argument]


def _only_call(branch: ast.If) -> ast.Call | None:
    match branch.body:
        case [ast.Expr(value=ast.Call() as call)]:
            return None if is_open_ended(call) or keyword(call, "exist_ok") is not None else call
        case _:
            return None


def _checked(module: Module, test: ast.expr) -> ast.expr | None:
    """The path that the test asks for."""
    match test:
        case ast.BoolOp(op=ast.And(), values=values):
            return _checked(module, values[-1]) if not isinstance(values[-1], ast.BoolOp) else None
        case ast.UnaryOp(op=ast.Not(), operand=ast.Call(func=function, args=arguments, keywords=[])):
            return _asked(module, function, arguments)
        case _:
            return None


def _asked(module: Module, function: ast.expr, arguments: Sequence[ast.expr]) -> ast.expr | None:
    if module.resolve(function) in TESTS and len(arguments) == 1:
        return arguments[0]
    if isinstance(function, ast.Attribute) and function.attr in PATH_TESTS and not arguments:
        return function.value
    return None


def _made(module: Module, call: ast.Call) -> ast.expr | None:
    """The path that the call creates: by `os.makedirs`, or by `mkdir` of what is certainly a Path."""
    if module.resolve(call.func) == "os.makedirs":
        return call.args[0] if 1 <= len(call.args) <= 2 else None
    if isinstance(call.func, ast.Attribute) and call.func.attr == "mkdir" and not call.args:
        path = call.func.value
        if keyword(call, "parents") is not None or kind_of(module, path) == "path":
            return path
    return None


def _is_steady(module: Module, path: ast.expr) -> bool:
    if isinstance(path, ast.Call) and not path.keywords:
        return module.resolve(path.func) in PURE and all(_is_steady(module, one) for one in path.args)
    return is_steady(path)
