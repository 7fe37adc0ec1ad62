import ast
import re
from collections.abc import Iterable

from nightmend.patterns.edits import has_comment
from nightmend.patterns.imports import reach
from nightmend.patterns.scopes import COMPREHENSIONS
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

SLEEP = "time.sleep"
IN_A_THREAD = frozenset(
    [f"requests.{verb}" for verb in ("get", "post", "put", "patch", "delete", "head", "request")]
    + [f"subprocess.{name}" for name in ("run", "call", "check_call", "check_output")]
    + [f"shutil.{name}" for name in ("rmtree", "copytree", "move", "make_archive", "unpack_archive")]
    + ["urllib.request.urlopen", "os.system"]
)
FIRST_TO_THREAD = (3, 9)
OTHER_LOOPS = frozenset({"trio", "anyio", "curio", "twisted", "gevent", "eventlet"})
LOCKS = re.compile(r"lock|mutex|semaphore|cursor|connect|transaction|atomic", re.IGNORECASE)


def find(module: Module) -> Iterable[Fault]:
    """Yield each call that stops every other task of the loop while it waits."""
    if _has_another_loop(module):
        return
    for call in module.nodes(ast.Call):
        if not isinstance(module.function(call), ast.AsyncFunctionDef):
            continue
        name = module.resolve(call.func)
        if name == SLEEP:
            yield Fault(call, "time.sleep in a coroutine stops every other task", "safe")
        elif name in IN_A_THREAD:
            yield Fault(call, f"{name} in a coroutine stops every other task until it returns")


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Sleep as asyncio does; give any other call to a thread and wait for it there."""
    call = fault.node_as(ast.Call)
    if not _may_await(module, call):
        return None
    if module.resolve(call.func) == SLEEP:
        return _sleep(module, call)
    return _to_thread(module, call)


def _sleep(module: Module, call: ast.Call) -> list[Edit] | None:
    reached = reach(module, "asyncio.sleep", call, whole=True)
    if reached is None or module.result_is_used(call) or len(call.args) != 1 or call.keywords:
        return None
    return [module.replace(call.func, f"await {reached.text}"), *reached.edits]


def _to_thread(module: Module, call: ast.Call) -> list[Edit] | None:
    reached = reach(module, "asyncio.to_thread", call, whole=True)
    opening = module.end(call.func)
    if module.floor < FIRST_TO_THREAD or reached is None or has_comment(module, opening, opening + 1):
        return None
    if module.between(opening, opening + 1) != "(" or not (call.args or call.keywords):
        return None
    first = module.start(call.args[0] if call.args else call.keywords[0])
    gap = module.between(opening + 1, first)
    if gap.strip():
        return None
    comma = "," + (gap if gap else " ")
    head = f"await {reached.text}({gap}{module.text(call.func)}{comma}"
    edits = [module.edit(module.start(call), first, head), *reached.edits]
    if _binds_tighter(module, call):
        edits[0] = module.edit(module.start(call), first, f"({head}")
        edits.append(module.insert(module.end(call), ")"))
    return edits


def _binds_tighter(module: Module, call: ast.Call) -> bool:
    """`await f(x).y` would wait for `f(x).y`."""
    parent = module.parent(call)
    match parent:
        case ast.Attribute() | ast.Await():
            return True
        case ast.Subscript(value=value):
            return value is call
        case ast.Call(func=function):
            return function is call
        case ast.BinOp(op=ast.Pow()):
            return True
        case _:
            return False


def _may_await(module: Module, call: ast.Call) -> bool:
    """Not in a comprehension, and not while a thread's lock or a transaction is held."""
    for above in module.ancestors(call):
        if isinstance(above, ast.AsyncFunctionDef):
            return True
        if isinstance(above, (*COMPREHENSIONS, ast.Lambda)):
            return False
        if isinstance(above, ast.With) and LOCKS.search(ast.unparse(above).split("\n")[0]):
            return False
    return False


def _has_another_loop(module: Module) -> bool:
    names = [module.imported(alias) or alias.name for alias in module.nodes(ast.alias)]
    return any(name.split(".")[0] in OTHER_LOOPS for name in names)
