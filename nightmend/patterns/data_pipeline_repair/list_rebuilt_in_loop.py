import ast
from collections.abc import Iterable

from nightmend.patterns.accumulation import growth_of
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit


def find(module: Module) -> Iterable[Fault]:
    """Yield each `rows = rows + [row]` in a loop over a list that nothing else sees before its end."""
    for statement in module.nodes(ast.Assign):
        match statement:
            case ast.Assign(
                targets=[ast.Name(id=name)],
                value=ast.BinOp(
                    left=ast.Name(id=left), op=ast.Add(), right=ast.List() | ast.ListComp() as more
                ),
            ) if name == left:
                growth = growth_of(module, statement)
                if growth and isinstance(growth.start.value, ast.List) and not _is_odd(more):
                    yield Fault(statement, f"each round copies all of {name}", parts=(more,))
            case _:
                pass


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Append the one item, or extend by the many."""
    statement, more = fault.node_as(ast.Assign), fault.part(ast.expr)
    name = module.text(statement.targets[0])
    if "#" in module.text(statement) or statement.lineno != statement.end_lineno:
        return None
    if isinstance(more, ast.List) and len(more.elts) == 1:
        return [module.replace(statement, f"{name}.append({module.text(more.elts[0])})")]
    return [module.replace(statement, f"{name} += {module.text(more)}")]


def _is_odd(more: ast.expr) -> bool:
    return isinstance(more, ast.List) and (
        not more.elts or any(isinstance(one, ast.Starred) for one in more.elts)
    )
