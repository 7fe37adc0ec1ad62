import ast
import re
from collections.abc import Iterable

from nightmend.patterns.edits import inside
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

CATCH_ALL = frozenset({"builtins.Exception", "builtins.BaseException"})
WAITS = frozenset(
    {"sleep", "join", "wait", "serve_forever", "run_forever", "mainloop", "input", "run_until_complete"}
)
LEAVES = frozenset({"exit", "_exit", "abort", "quit", "kill", "exc_info", "set_exception", "print_exception"})
_NEW_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def find(module: Module) -> Iterable[Fault]:
    """Yield each handler that also swallows Ctrl-C and the request to exit."""
    for handler in module.nodes(ast.ExceptHandler):
        if handler.type is None and not _means_to_catch_everything(module, handler):
            yield Fault(handler, "a bare except also catches KeyboardInterrupt and SystemExit")


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Name the class of all errors."""
    if not module.is_builtin("Exception", fault.node):
        return None
    return [module.insert(module.start(fault.node) + len("except"), " Exception")]


def _means_to_catch_everything(module: Module, handler: ast.ExceptHandler) -> bool:
    around = module.parent(handler)
    if not isinstance(around, ast.Try):
        return True
    named = {module.resolve(one) for other in around.handlers if other.type for one in _types(other.type)}
    return (
        bool(named & CATCH_ALL)
        or any(isinstance(node, ast.Raise) for node in _run_here(handler.body))
        or bool(_names(handler.body) & LEAVES)
        or bool(_names(around.body) & WAITS)
        or any(re.search(r"Interrupt|SystemExit|BaseException", name) for name in _names(handler.body))
        or (module.function(handler) is None and inside(module, handler, (ast.While, ast.For)))
    )


def _types(caught: ast.expr) -> list[ast.expr]:
    return caught.elts if isinstance(caught, ast.Tuple) else [caught]


def _names(body: Iterable[ast.AST]) -> set[str]:
    nodes = list(_run_here(body))
    return {node.id for node in nodes if isinstance(node, ast.Name)} | {
        node.attr for node in nodes if isinstance(node, ast.Attribute)
    }


def _run_here(body: Iterable[ast.AST]) -> Iterable[ast.AST]:
    for node in body:
        yield node
        if not isinstance(node, _NEW_SCOPES):
            yield from _run_here(ast.iter_child_nodes(node))
