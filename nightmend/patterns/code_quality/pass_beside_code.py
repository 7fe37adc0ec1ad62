import ast
from collections.abc import Iterable

from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit


def find(module: Module) -> Iterable[Fault]:
    """Yield each `pass` in a block that holds something else."""
    for node in module.nodes(ast.Pass):
        if any(not isinstance(other, ast.Pass) for other in module.block(node)):
            yield Fault(node, "the block is not empty without the pass")


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Drop the line, and the blank lines that only set it apart."""
    node = fault.node_as(ast.Pass)
    block = module.block(node)
    first, behind = node.lineno, node.lineno + 1
    line = module.line_start(first), module.line_start(behind)
    if module.between(*line).strip() != "pass":
        return None
    if node is block[-1]:
        while module.is_blank(first - 1):
            first -= 1
    else:
        while module.is_blank(behind):
            behind += 1
    return [module.edit(module.line_start(first), module.line_start(behind), "")]
