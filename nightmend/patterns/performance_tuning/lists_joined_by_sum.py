import ast
import re
from collections.abc import Iterable

from nightmend.patterns.edits import has_comment, is_open_ended
from nightmend.patterns.imports import reach
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

WALKERS = frozenset(
    f"builtins.{name}" for name in ("list", "set", "frozenset", "tuple", "sorted", "max", "min")
)


def find(module: Module) -> Iterable[Fault]:
    """Yield each `sum(lists, [])`: it copies everything so far for every list that it adds."""
    for call in module.nodes(ast.Call):
        named = isinstance(call.func, ast.Name) and call.func.id == "sum" and module.is_builtin("sum", call)
        if named and _starts_with_a_list(call) and not isinstance(call.args[0], ast.List | ast.Tuple):
            yield Fault(call, "sum copies the whole list for every list that it adds")


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Chain the lists, and make one list of all where a list is needed."""
    call = fault.node_as(ast.Call)
    reached = reach(module, "itertools.chain", call)
    lists, start = call.args[0], module.start(call.func)
    head = module.between(module.end(call.func), module.start(lists))
    if reached is None or not module.is_builtin("list", call) or head.strip() != "(":
        return None
    if has_comment(module, start, module.start(lists)) or has_comment(
        module, module.end(lists), module.end(call)
    ):
        return None
    chained = f"{reached.text}.from_iterable"
    tail = module.edit(module.end(lists), module.end(call), "".join(_line_break(module, call)) + ")")
    if _is_walked_at_once(module, call):
        return [
            module.edit(start, module.end(call.func), chained),
            tail,
            *_bare(module, lists),
            *reached.edits,
        ]
    if isinstance(lists, ast.GeneratorExp) and "\n" in head:
        opening = module.start(lists)
        return [module.replace(call.func, "list"), module.insert(opening, chained), tail, *reached.edits]
    closing = module.edit(tail.start, tail.end, f"{tail.text})")
    return [module.replace(call.func, f"list({chained}"), closing, *_bare(module, lists), *reached.edits]


def _line_break(module: Module, call: ast.Call) -> list[str]:
    """The line break and white space before the closing bracket, where it stands on a line of its own."""
    tail = module.between(module.end(call.args[0]), module.end(call) - 1)
    return re.findall(r"\r?\n[ \t]*$", tail)


def _bare(module: Module, lists: ast.expr) -> list[Edit]:
    """A generator that is the only argument needs no brackets of its own."""
    start, end = module.start(lists), module.end(lists)
    if not isinstance(lists, ast.GeneratorExp) or "\n" in module.text(lists):
        return []
    return [module.edit(start, start + 1, ""), module.edit(end - 1, end, "")]


def _is_walked_at_once(module: Module, call: ast.Call) -> bool:
    """Say whether what is around walks the items once and keeps no list."""
    around = module.parent(call)
    if not isinstance(around, ast.Call) or around.args != [call]:
        return False
    joins = isinstance(around.func, ast.Attribute) and around.func.attr == "join"
    return joins or module.resolve(around.func) in WALKERS


def _starts_with_a_list(call: ast.Call) -> bool:
    if is_open_ended(call):
        return False
    match call.args, [(one.arg, one.value) for one in call.keywords]:
        case [_, ast.List(elts=[])], []:
            return True
        case [_], [("start", ast.List(elts=[]))]:
            return True
        case _:
            return False
