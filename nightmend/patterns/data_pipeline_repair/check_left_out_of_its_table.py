import ast
import re
from collections.abc import Iterable

from nightmend.patterns.elsewhere import is_taken
from nightmend.patterns.scopes import Function
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

CHECKS = re.compile(r"^_?(check|validate|verify|assert|ensure|test|rule)_$")
ENOUGH = 2


def find(module: Module) -> Iterable[Fault]:
    """Yield each check that stands beside the others, but not in the table that runs them."""
    for table in [*module.nodes(ast.Dict), *module.nodes(ast.List), *module.nodes(ast.Tuple)]:
        listed = _listed(module, table)
        prefix = _prefix(listed)
        if len(listed) < ENOUGH or not CHECKS.match(prefix) or not _keys_fit(table, listed, prefix):
            continue
        for one in module.tree.body:
            if isinstance(one, ast.FunctionDef) and _is_forgotten(module, one, listed, prefix, table):
                yield Fault(one, f"{one.name} is written and never run", parts=(table, ast.Constant(prefix)))


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Put it into the table, as the last one."""
    function, table = fault.node_as(ast.FunctionDef), fault.parts[0]
    if is_taken(module.path, function.name, module.elsewhere()) or not isinstance(
        table, ast.Dict | ast.List | ast.Tuple
    ):
        return None
    prefix = str(fault.part(ast.Constant, 1).value)
    quote = module.quote
    key = f"{quote}{function.name.removeprefix(prefix)}{quote}: " if isinstance(table, ast.Dict) else ""
    last = (table.values if isinstance(table, ast.Dict) else table.elts)[-1]
    rest = module.between(module.end(last), module.end(table) - 1)
    indent = module.indent(table.keys[-1] or last if isinstance(table, ast.Dict) else last)
    if rest.strip(", \t\r\n"):
        return None
    if indent is None:
        return [module.insert(module.end(last), f", {key}{function.name}")] if "," not in rest else None
    return [module.insert(module.end(last), f",{module.newline}{indent}{key}{function.name}")]


def _prefix(listed: list[Function]) -> str:
    """The words that all names begin with, up to their last underscore."""
    first = listed[0].name if listed else ""
    starts = [first[:at] for at, sign in enumerate(first, 1) if sign == "_"]
    return next((one for one in reversed(starts) if all(other.name.startswith(one) for other in listed)), "")


def _listed(module: Module, table: ast.expr) -> list[Function]:
    """The functions of this module that a table at its top holds; none where it holds anything else."""
    if not isinstance(module.parent(module.statement(table)), ast.Module):
        return []
    values = table.values if isinstance(table, ast.Dict) else getattr(table, "elts", [])
    found = [module.bindings(one.id, one) for one in values if isinstance(one, ast.Name)]
    functions = [one[1][0] for one in found if one and len(one[1]) == 1]
    plain = [one for one in functions if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)]
    return plain if len(plain) == len(values) else []


def _keys_fit(table: ast.expr, listed: list[Function], prefix: str) -> bool:
    """Say whether each check stands under its own name."""
    if not isinstance(table, ast.Dict):
        return True
    keys = [one.value if isinstance(one, ast.Constant) else None for one in table.keys]
    return keys == [one.name.removeprefix(prefix) for one in listed]


def _is_forgotten(
    module: Module, one: ast.FunctionDef, listed: list[Function], prefix: str, table: ast.expr
) -> bool:
    if (
        one in listed
        or not one.name.startswith(prefix)
        or one.decorator_list
        or module.start(one) > module.start(table)
    ):
        return False
    alike = all(_signature(one) == _signature(other) for other in listed)
    return alike and len(re.findall(rf"\b{one.name}\b", module.content.decode())) == 1


def _signature(function: Function) -> list[str]:
    given = function.args
    return [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
