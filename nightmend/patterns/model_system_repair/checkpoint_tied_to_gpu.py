import ast
from collections.abc import Iterable

from nightmend.patterns.checkpoints import fed_loads
from nightmend.patterns.edits import add_argument, keyword
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit


def find(module: Module) -> Iterable[Fault]:
    """Yield each `torch.load` for a model that says nothing of the device."""
    for call, safety in fed_loads(module):
        if len(call.args) == 1 and keyword(call, "map_location") is None:
            yield Fault(call, "the checkpoint loads only where it was saved: no map_location", safety)


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Load to the CPU; `load_state_dict` copies to where the model is."""
    quote = module.quote
    edit = add_argument(module, fault.node_as(ast.Call), f"map_location={quote}cpu{quote}")
    return None if edit is None else [edit]
