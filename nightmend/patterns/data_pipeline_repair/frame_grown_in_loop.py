import ast
from collections.abc import Iterable

from nightmend.patterns.accumulation import Growth, growth_of
from nightmend.patterns.edits import is_open_ended
from nightmend.patterns.imports import after_line
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

NAMES = ("parts", "frames", "pieces")
KEPT = frozenset({"ignore_index", "sort", "copy", "verify_integrity"})


def find(module: Module) -> Iterable[Fault]:
    """Yield each frame that starts empty and is concatenated with one more part in every round of a loop."""
    for statement in module.nodes(ast.Assign):
        part = _part(module, statement)
        growth = growth_of(module, statement) if part is not None else None
        if (
            growth
            and part is not None
            and _is_empty_frame(module, growth.start)
            and _is_left_alone(module, growth, part)
        ):
            name = module.text(statement.targets[0])
            yield Fault(
                statement, f"each round copies all of {name}", parts=(growth.start, growth.loop, part)
            )


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Collect the parts, and concatenate them once behind the loop."""
    statement, start = fault.node_as(ast.Assign), fault.part(ast.Assign)
    loop, part = fault.part(ast.stmt, 1), fault.part(ast.expr, 2)
    call, indent = statement.value, module.indent(loop)
    parts = module.fresh_name(statement, NAMES)
    if parts is None or indent is None or not isinstance(call, ast.Call) or "#" in module.text(statement):
        return None
    name, empty = module.text(start.targets[0]), module.text(start.value)
    options = "".join(f", {module.text(one)}" for one in call.keywords)
    last = f"{indent}{name} = {module.text(call.func)}({parts}{options}) if {parts} else {empty}"
    behind = after_line(module, loop, last)
    if behind is None:
        return None
    return [
        module.replace(start, f"{parts} = []"),
        module.replace(statement, f"{parts}.append({module.text(part)})"),
        behind,
    ]


def _part(module: Module, statement: ast.Assign) -> ast.expr | None:
    """What `x = pd.concat([x, <part>])` adds."""
    match statement:
        case ast.Assign(
            targets=[ast.Name(id=name)],
            value=ast.Call(args=[ast.List(elts=[ast.Name(id=first), part])]) as call,
        ) if name == first:
            options = {one.arg for one in call.keywords}
            plain = options <= KEPT and not is_open_ended(call) and not isinstance(part, ast.Starred)
            return part if plain and module.resolve(call.func) == "pandas.concat" else None
        case _:
            return None


def _is_left_alone(module: Module, growth: Growth, part: ast.expr) -> bool:
    """Say whether the part stays as it is: nothing in the loop touches it afterwards."""
    if not isinstance(part, ast.Name):
        return True
    end = module.end(growth.growth)
    names = [one for one in ast.walk(growth.loop) if isinstance(one, ast.Name) and one.id == part.id]
    made_here = any(isinstance(one.ctx, ast.Store) for one in names)
    return made_here and not any(module.start(one) >= end for one in names)


def _is_empty_frame(module: Module, start: ast.stmt) -> bool:
    match start:
        case ast.Assign(value=ast.Call(func=function, args=[], keywords=[])):
            return module.resolve(function) == "pandas.DataFrame"
        case _:
            return False
