import ast
from collections.abc import Iterable

from nightmend.patterns.checkpoints import fed_loads
from nightmend.patterns.edits import add_argument, keyword
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit


def find(module: Module) -> Iterable[Fault]:
    """Yield each `torch.load` for a model that would run code from the file."""
    for call, _ in fed_loads(module):
        if keyword(call, "weights_only") is None and keyword(call, "pickle_module") is None:
            yield Fault(call, "torch.load runs code from the file unless weights_only is set")


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Allow nothing but weights."""
    edit = add_argument(module, fault.node_as(ast.Call), "weights_only=True")
    return None if edit is None else [edit]
