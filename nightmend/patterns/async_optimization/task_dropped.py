import ast
from collections.abc import Iterable

from nightmend.patterns.edits import spans_lines
from nightmend.patterns.imports import after_line
from nightmend.patterns.scopes import Function
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

MAKERS = frozenset({"asyncio.create_task", "asyncio.ensure_future"})
LOOKUPS = frozenset({"asyncio.get_event_loop", "asyncio.get_running_loop", "asyncio.new_event_loop"})
LOOP_NAMES = frozenset({"loop", "_loop", "event_loop", "main_loop"})
RUNS_FOR_EVER = frozenset({"run_forever", "run_until_complete"})
KEEPERS = ("_background_tasks", "_running_tasks")


def find(module: Module) -> Iterable[Fault]:
    """Yield each task that is started and that nobody keeps."""
    for call in module.nodes(ast.Call):
        if isinstance(module.parent(call), ast.Expr) and _makes_a_task(module, call):
            yield Fault(call, "nobody keeps the task: it may be collected before it is done")


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Keep the task in a set of the module until it is done."""
    call = fault.node_as(ast.Call)
    statement = module.statement(call)
    indent = module.indent(statement)
    name = module.fresh_name(call, ("task", "background_task", "started"))
    keeper = _keeper(module)
    if indent is None or name is None or keeper is None or module.function(call) is None:
        return None
    kept, made = keeper
    lines = f"{kept}.add({name})", f"{name}.add_done_callback({kept}.discard)"
    behind = after_line(module, statement, (module.newline + indent).join(("", *lines)).lstrip("\r\n"))
    aligned = _realigned(module, call, len(name) + len(" = "))
    if behind is None or aligned is None:
        return None
    return [module.insert(module.start(call), f"{name} = "), *aligned, behind, *made]


def _makes_a_task(module: Module, call: ast.Call) -> bool:
    if module.resolve(call.func) in MAKERS:
        return True
    match call.func:
        case ast.Attribute(value=ast.Call(func=lookup), attr="create_task"):
            return module.resolve(lookup) in LOOKUPS
        case ast.Attribute(value=ast.Name(id=name) | ast.Attribute(attr=name), attr="create_task"):
            return name in LOOP_NAMES and not _runs_for_ever(module, call)
        case _:
            return False


def _runs_for_ever(module: Module, call: ast.Call) -> bool:
    """The function that also runs the loop to its end is the program itself."""
    around: ast.AST = module.function(call) or module.tree
    return any(isinstance(node, ast.Attribute) and node.attr in RUNS_FOR_EVER for node in ast.walk(around))


def _keeper(module: Module) -> tuple[str, list[Edit]] | None:
    """The set that keeps tasks, and the edits that make it where there is none."""
    for name in KEEPERS:
        bound = module.index.bindings[module.tree].get(name)
        if bound is None and name not in module.identifiers(module.tree):
            made = _made(module, name)
            return None if made is None else (name, [made])
        if bound and len(bound) == 1 and _is_an_empty_set(module, bound[0]):
            return name, []
    return None


def _is_an_empty_set(module: Module, binding: ast.AST) -> bool:
    value = getattr(module.parent(binding), "value", None)
    return isinstance(value, ast.Call) and module.resolve(value.func) == "builtins.set" and not value.args


def _made(module: Module, name: str) -> Edit | None:
    """Behind the last import of the module's head; annotated where the module is."""
    block = [one for one in _head(module) if _only_imports(one)]
    if not block or not module.is_builtin("set", module.tree):
        return None
    functions: list[Function] = [*module.nodes(ast.FunctionDef), *module.nodes(ast.AsyncFunctionDef)]
    annotated = bool(module.nodes(ast.AnnAssign)) or any(one.returns for one in functions)
    plain = any(isinstance(one, ast.Import) and _imports_asyncio(one) for one in block)
    hint = ": set[asyncio.Task[object]]" if annotated and plain and module.floor >= (3, 9) else ""
    return after_line(module, block[-1], f"{module.newline}{name}{hint} = set()")


def _head(module: Module) -> list[ast.stmt]:
    """What stands above the first function or class."""
    body = module.tree.body
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    first = next((place for place, one in enumerate(body) if isinstance(one, kinds)), len(body))
    return body[:first]


def _only_imports(statement: ast.stmt) -> bool:
    """An import, or a block that holds one: `if TYPE_CHECKING`, `try` for what may be missing."""
    if isinstance(statement, ast.If | ast.Try):
        return any(isinstance(one, ast.Import | ast.ImportFrom) for one in statement.body)
    return isinstance(statement, ast.Import | ast.ImportFrom)


def _imports_asyncio(statement: ast.Import) -> bool:
    return any(alias.name == "asyncio" and alias.asname is None for alias in statement.names)


def _realigned(module: Module, call: ast.Call, width: int) -> list[Edit] | None:
    """Lines that are aligned with the opening bracket move along with it."""
    lines = range(call.lineno + 1, (call.end_lineno or call.lineno) + 1)
    if spans_lines(module, [call]):
        return None
    column = module.end(call.func) - module.line_start(call.lineno) + 1
    aligned = [number for number in lines if _indentation(module.line(number)) == column]
    return [module.insert(module.line_start(number), " " * width) for number in aligned]


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
