import ast
from collections import Counter
from collections.abc import Iterable

from nightmend.patterns.edits import spans_lines
from nightmend.patterns.opens import mode, opens
from nightmend.patterns.scopes import COMPREHENSIONS
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

METHODS = frozenset({"read", "readline", "readlines", "write", "writelines"})
_DOCUMENTS = ("json", "pickle", "marshal", "plistlib", "toml", "tomllib", "tomli", "yaml")
EAGER = frozenset(
    [f"{home}.{name}" for home in _DOCUMENTS for name in ("load", "dump", "safe_load", "safe_dump")]
    + [f"builtins.{name}" for name in ("list", "tuple", "set", "sorted", "sum", "any", "all", "min", "max")]
)
SIMPLE = (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.Expr)
_STOPS = (ast.Lambda, ast.IfExp, ast.BoolOp, ast.NamedExpr, ast.Yield, ast.YieldFrom, *COMPREHENSIONS)
NAMES = ("file", "handle", "opened")
USUAL = frozenset({"f", "fp", "fh", "fd", "file", "fobj", "handle", "stream", "infile", "fin"})
SCRIPTS = ("setup.py", "conf.py", "fabfile.py", "noxfile.py")


def find(module: Module) -> Iterable[Fault]:
    """Yield each file that is opened, used up and never closed within one expression."""
    for call in opens(module):
        consumer = _consumer(module, call)
        if consumer is not None:
            yield Fault(call, "the file is closed whenever the garbage collector comes by", parts=(consumer,))


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Put the statement into a `with` block."""
    call = fault.node_as(ast.Call)
    statement = module.statement(call)
    indent = module.indent(statement)
    name = _name(module, statement)
    if indent is None or name is None or not _is_movable(module, call, statement, fault.parts[0]):
        return None
    inner = module.indent_unit
    head = f"with {module.text(call)} as {name}:{module.newline}{indent}{inner}"
    return [
        module.insert(module.start(statement), head),
        module.replace(call, name),
        *(
            module.insert(module.line_start(number), inner)
            for number in range(statement.lineno + 1, (statement.end_lineno or 0) + 1)
            if module.line(number).strip() and not call.lineno < number <= (call.end_lineno or 0)
        ),
    ]


def _consumer(module: Module, call: ast.Call) -> ast.AST | None:
    """The node that uses the file up at once."""
    parent = module.parent(call)
    above = module.parent(parent)
    match parent:
        case ast.Attribute(attr=attr) if attr in METHODS and isinstance(above, ast.Call):
            return above if above.func is parent else None
        case ast.Call():
            return parent if call is not parent.func and _is_eager(module, parent) else None
        case ast.comprehension() if call is parent.iter and _runs_at_once(module, above, parent):
            return above
        case ast.For() if call is parent.iter and not parent.orelse:
            return parent
        case _:
            return None


def _is_eager(module: Module, call: ast.Call) -> bool:
    if module.resolve(call.func) in EAGER:
        return True
    return isinstance(call.func, ast.Attribute) and call.func.attr == "join" and len(call.args) == 1


def _runs_at_once(module: Module, loop: ast.AST, first: ast.comprehension) -> bool:
    if loop.generators[0] is not first:  # type: ignore[attr-defined]
        return False
    if isinstance(loop, ast.GeneratorExp):
        around = module.parent(loop)
        return isinstance(around, ast.Call) and around.args == [loop] and _is_eager(module, around)
    return True


def _is_movable(module: Module, call: ast.Call, statement: ast.stmt, consumer: ast.AST) -> bool:
    """Say whether opening the file before the rest of the statement changes nothing."""
    if not isinstance(statement, (*SIMPLE, ast.For)) or spans_lines(module, [statement]):
        return False
    if isinstance(statement, ast.For) and consumer is not statement:
        return False
    between = [above for above in module.ancestors(call) if above is not consumer]
    path = between[: between.index(statement)] if statement in between else []
    if any(isinstance(above, _STOPS) for above in path) or len(_opens_in(module, statement)) > 1:
        return False
    if not _ends_its_line(module, statement):
        return False
    writes = set(mode(call) or "w+") & set("wax+")
    if writes and getattr(statement, "value", None) is not consumer:
        return False
    return not _runs_before(module, call, statement, path)


def _opens_in(module: Module, statement: ast.stmt) -> list[ast.Call]:
    first, last = module.start(statement), module.end(statement)
    return [one for one in opens(module) if first <= module.start(one) < last]


def _ends_its_line(module: Module, statement: ast.stmt) -> bool:
    line = (statement.end_lineno or statement.lineno) + 1
    return module.between(module.end(statement), module.line_start(line)).strip()[:1] in {"", "#"}


def _runs_before(module: Module, call: ast.Call, statement: ast.stmt, path: list[ast.AST]) -> bool:
    """Say whether another call of the statement ran before the file was opened."""
    start = module.start(call)
    return any(
        isinstance(node, ast.Call | ast.Await) and node not in path and module.start(node) < start
        for node in ast.walk(statement)
        if node is not statement and _is_outside(module, node, call)
    )


def _is_outside(module: Module, node: ast.AST, call: ast.Call) -> bool:
    return node is not call and call not in module.ancestors(node) and node not in module.ancestors(call)


def _name(module: Module, statement: ast.stmt) -> str | None:
    used = Counter(
        item.optional_vars.id
        for block in module.nodes(ast.With)
        for item in block.items
        if isinstance(item.optional_vars, ast.Name)
        and item.optional_vars.id in USUAL
        and isinstance(item.context_expr, ast.Call)
        and isinstance(item.context_expr.func, ast.Name)
        and item.context_expr.func.id == "open"
    )
    wishes = [*(name for name, _ in used.most_common(1)), *NAMES]
    if module.function(statement) is None and not module.path.endswith(SCRIPTS):
        wishes = [name if name.startswith("_") else f"_{name}" for name in wishes]
    return module.fresh_name(statement, wishes)
