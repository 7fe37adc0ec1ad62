import ast
from collections.abc import Iterable

from nightmend.patterns.imports import reach
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

OLD = {
    "datetime.datetime.utcnow": ("now", 0),
    "datetime.datetime.utcfromtimestamp": ("fromtimestamp", 1),
}
SAME_FOR_BOTH = frozenset(
    {"date", "time", "year", "month", "day", "hour", "minute", "second", "weekday", "isoweekday", "toordinal"}
)
UTC = frozenset({"datetime.timezone.utc", "datetime.UTC"})


def find(module: Module) -> Iterable[Fault]:
    """Yield each call of the deprecated constructors of naive UTC times."""
    for call in module.nodes(ast.Call):
        name = module.resolve(call.func)
        if name in OLD and not call.keywords and len(call.args) == OLD[name][1]:
            short = name.removeprefix("datetime.")
            yield Fault(call, f"{short}() is deprecated: it looks like local time to everyone else")


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Make the aware time, and take the zone off again: equal to the naive one.

    Where the zone is put on right behind, both steps fall away.
    """
    call = fault.node_as(ast.Call)
    new, _ = OLD[module.resolve(call.func) or ""]
    aware = _made_aware(module, call)
    modern = module.floor >= (3, 11)
    zone = reach(module, "datetime.UTC" if modern else "datetime.timezone", call)
    if zone is None or not isinstance(call.func, ast.Attribute) or any(map(_is_starred, call.args)):
        return None
    utc = (
        (zone.text if modern else f"{zone.text}.utc")
        if aware is None
        else module.text(aware.keywords[0].value)
    )
    owner = module.text(call.func.value)
    given = "".join(f"{module.text(one)}, " for one in call.args)
    text = f"{owner}.{new}({given}{utc})"
    if aware is not None:
        return [module.replace(aware, text)]
    naive = "" if _zone_is_lost(module, call) else ".replace(tzinfo=None)"
    return [module.replace(call, text + naive), *zone.edits]


def _zone_is_lost(module: Module, call: ast.Call) -> bool:
    """What is asked of the time does not depend on its zone: `.date()`, `.year`, `.strftime("%H:%M")`."""
    method = module.parent(call)
    if not isinstance(method, ast.Attribute):
        return False
    match method.attr, module.parent(method):
        case "strftime", ast.Call(args=[ast.Constant(value=str(layout))]):
            return not any(code in layout for code in ("%z", "%Z", "%:z", "%s", "%c", "%+"))
        case attribute, _:
            return attribute in SAME_FOR_BOTH


def _is_starred(argument: ast.expr) -> bool:
    return isinstance(argument, ast.Starred)


def _made_aware(module: Module, call: ast.Call) -> ast.Call | None:
    """`.replace(tzinfo=timezone.utc)` right behind the call."""
    method = module.parent(call)
    around = module.parent(method)
    match method, around:
        case ast.Attribute(attr="replace"), ast.Call(
            args=[], keywords=[ast.keyword(arg="tzinfo", value=zone)]
        ) if around.func is method:
            return around if module.resolve(zone) in UTC else None
        case _:
            return None
