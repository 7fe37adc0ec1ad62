import ast
from collections.abc import Iterable

from nightmend.patterns.imports import reach
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit


def find(module: Module) -> Iterable[Fault]:
    """Yield each `get_event_loop()` where a loop is running for sure."""
    for call in module.nodes(ast.Call):
        if module.resolve(call.func) != "asyncio.get_event_loop" or call.args or call.keywords:
            continue
        if isinstance(module.function(call), ast.AsyncFunctionDef):
            yield Fault(call, "a coroutine asks for any event loop, and means the one that runs it")


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Ask for the running loop."""
    call = fault.node_as(ast.Call)
    reached = reach(module, "asyncio.get_running_loop", call)
    return None if reached is None else [module.replace(call.func, reached.text), *reached.edits]
