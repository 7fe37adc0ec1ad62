import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from nightmend.patterns.edits import fold
from nightmend.patterns.imports import local_name
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

NAMES = ("error", "err", "exc", "cause")
USUAL = frozenset({"e", "ex", "err", "error", "exc", "exception", "cause"})
CONTROL_FLOW = frozenset(
    {
        "StopIteration",
        "StopAsyncIteration",
        "SystemExit",
        "KeyboardInterrupt",
        "GeneratorExit",
        "CancelledError",
    }
)
_ENDS = frozenset({"StopIteration", "StopAsyncIteration"})
HOUSE_CONTROL_FLOW = re.compile(
    r"_*(Abort|Exit|Skip|Stop|Quit|Cancel|Redirect|Found|Retry|Interrupt)", re.ASCII
)
CHAIN = frozenset({"__cause__", "__context__", "__suppress_context__"})
_NEW_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def find(module: Module) -> Iterable[Fault]:
    """Yield each `raise New(...)` that runs in a handler and names no cause."""
    for handler in module.nodes(ast.ExceptHandler):
        if isinstance(module.parent(handler), ast.TryStar) or _ends_an_iteration(handler):
            continue
        raises = [*_raises(handler.body)]
        for statement in raises if raises and not _chains_by_hand(handler) else ():
            if statement.exc is not None and statement.cause is None and _makes_an_error(statement.exc):
                name = ast.unparse(
                    statement.exc.func if isinstance(statement.exc, ast.Call) else statement.exc
                )
                yield Fault(
                    statement, f"{name} is raised in a handler without naming its cause", parts=(handler,)
                )


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Add `from <name>`, and name the handler where it has no name."""
    handler = fault.part(ast.ExceptHandler)
    if handler.type is None:
        return None
    if handler.name is not None:
        return None if _bound_again(handler, handler.name) else _cause(module, fault, handler.name)
    name = _fresh_name(module, handler)
    place = re.compile(rb"[\s\\)]*(?=:)").match(module.content, module.end(handler.type))
    if name is None or place is None:
        return None
    after = place.start() + len(place.group().rstrip())
    return [module.insert(after, f" as {name}"), *_cause(module, fault, name)]


def _cause(module: Module, fault: Fault, name: str) -> list[Edit]:
    raised, cause = fault.node_as(ast.Raise).exc, f" from {name}"
    folded = fold(module, raised, len(cause)) if isinstance(raised, ast.Call) else []
    return [*folded, module.insert(module.end(fault.node), cause)]


def _raises(body: Iterable[ast.AST]) -> Iterator[ast.Raise]:
    """The raise statements that run in this handler, not in one inside it or in a function made there."""
    for node in body:
        if isinstance(node, ast.Raise):
            yield node
        elif isinstance(node, ast.Try) and node.handlers:
            yield from _raises((*node.orelse, *node.finalbody))  # what its body raises, it may catch itself
        elif not isinstance(node, (*_NEW_SCOPES, ast.ExceptHandler, ast.expr)):
            yield from _raises(ast.iter_child_nodes(node))


def _ends_an_iteration(handler: ast.ExceptHandler) -> bool:
    """Say whether a handler is for the end of an iterator: how it was gone through is nobody's cause."""
    return isinstance(handler.type, ast.Name) and handler.type.id in _ENDS


def _chains_by_hand(handler: ast.ExceptHandler) -> bool:
    """Say whether the author weighed here what a reader of the traceback should see."""
    return any(isinstance(node, ast.Attribute) and node.attr in CHAIN for node in ast.walk(handler))


def _makes_an_error(raised: ast.expr) -> bool:
    target = raised.func if isinstance(raised, ast.Call) else raised
    name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
    if name in CONTROL_FLOW or HOUSE_CONTROL_FLOW.match(name):
        return False
    return bool(re.match(r"_*[A-Z]", name)) and not name.isupper()


def _bound_again(handler: ast.ExceptHandler, name: str) -> bool:
    """Say whether the name may mean something else by then, or nothing: a handler takes its own away."""
    inside = (node for statement in handler.body for node in ast.walk(statement))
    return any(name in _bound(node) for node in inside)


def _bound(node: ast.AST) -> tuple[str | None, ...]:
    match node:
        case ast.Name(ctx=ast.Store() | ast.Del()):
            return (node.id,)
        case ast.Import() | ast.ImportFrom():
            return tuple(map(local_name, node.names))
        case ast.MatchMapping():
            return (node.rest,)
        case (
            ast.ExceptHandler() | ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef()
            | ast.MatchAs() | ast.MatchStar()
        ):  # fmt: skip
            return (node.name,)
    return ()


def _fresh_name(module: Module, handler: ast.ExceptHandler) -> str | None:
    """Leave a name of its own to each nameless handler around: where this one ends, its name is gone."""
    around = [above for above in module.ancestors(handler) if isinstance(above, ast.ExceptHandler)]
    wishes, name = _wishes(module), None
    for _ in range(1 + sum(above.name is None for above in around)):
        name = module.fresh_name(handler, wishes)
        wishes = [wish for wish in wishes if wish != name]
    return name


def _wishes(module: Module) -> list[str]:
    """The name that this file gives its handlers most often comes first."""
    used = Counter(handler.name for handler in module.nodes(ast.ExceptHandler) if handler.name in USUAL)
    return [*(name for name, _ in used.most_common(1)), *NAMES]
