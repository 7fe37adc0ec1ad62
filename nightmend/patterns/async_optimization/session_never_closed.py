import ast
from collections.abc import Iterable, Sequence

from nightmend.patterns.edits import has_comment, spans_lines
from nightmend.patterns.source import Fault, Module
from nightmend.patterns.uses import local_uses, target_of
from nightmend.repairs.repair import Edit

CLOSES = {"aiohttp.ClientSession": "close", "httpx.AsyncClient": "aclose"}
AT_ONCE = frozenset(
    {"text", "content", "headers", "url", "status", "status_code", "is_success", "json", "read"}
)
"""What may be asked of an answer while its session is open."""


def find(module: Module) -> Iterable[Fault]:
    """Yield each client session of a coroutine that nothing closes, or that only success closes."""
    for call in module.nodes(ast.Call):
        name = module.resolve(call.func)
        target = target_of(module, call) if name in CLOSES else None
        if name is None or target is None or not isinstance(module.function(call), ast.AsyncFunctionDef):
            continue
        uses = local_uses(module, target)
        statement = module.statement(call)
        block = module.block(statement)
        behind = block[block.index(statement) + 1 :]
        if (
            not uses
            or not all(isinstance(use.ctx, ast.Load) for use in uses)
            or not _all_in(module, uses, behind)
        ):
            continue
        closing = [one for one in behind if _closes(one, target.id, CLOSES[name])]
        if closing and len(uses) > 1 and _is_only(module, closing, uses, CLOSES[name]):
            yield Fault(
                call,
                "the session stays open when an error comes before its close",
                parts=(*behind, closing[0]),
            )
        elif not closing and not _is_managed(module, uses) and _stays_here(module, uses):
            yield Fault(call, "nothing closes the session", parts=tuple(behind))


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Open it in `async with`, around what follows."""
    call = fault.node_as(ast.Call)
    statement = module.statement(call)
    closing = _closing(fault)
    body = [one for one in fault.parts if isinstance(one, ast.stmt)]
    body = body[: body.index(closing)] if closing else body
    target = target_of(module, call)
    if (
        target is None
        or not body
        or isinstance(statement, ast.AnnAssign)
        or _cannot_move(module, statement, body)
    ):
        return None
    last = body[-1].end_lineno or body[-1].lineno
    edits = [
        module.edit(module.start(statement), module.start(call), "async with "),
        module.insert(module.end(call), f" as {target.id}:"),
        *(
            module.insert(module.line_start(number), module.indent_unit)
            for number in range((statement.end_lineno or statement.lineno) + 1, last + 1)
            if module.line(number).strip()
        ),
    ]
    return edits if closing is None else [*edits, *_without(module, closing, last)]


def _without(module: Module, closing: ast.stmt, last: int) -> list[Edit]:
    """Take out the line that closed it, and the blank ones before."""
    start = module.line_start(last + 1)
    return [module.edit(start, module.line_start((closing.end_lineno or closing.lineno) + 1), "")]


def _closing(fault: Fault) -> ast.stmt | None:
    """The statement that closes the session comes twice in the parts: in its block, and as the last."""
    last = fault.parts[-1]
    return last if isinstance(last, ast.stmt) and last in fault.parts[:-1] else None


def _cannot_move(module: Module, statement: ast.stmt, body: Sequence[ast.stmt]) -> bool:
    inner = [module.indent(one) for one in (statement, *body)]
    behind = module.between(module.end(statement), module.line_start((statement.end_lineno or 0) + 1))
    return None in inner or spans_lines(module, body) or bool(behind.strip())


def _all_in(module: Module, uses: Sequence[ast.Name], block: Sequence[ast.stmt]) -> bool:
    return bool(block) and all(any(above in block for above in module.ancestors(use)) for use in uses)


def _closes(statement: ast.stmt, name: str, method: str) -> bool:
    match statement:
        case ast.Expr(
            value=ast.Await(value=ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=attr)))
        ):
            return owner == name and attr == method
        case _:
            return False


def _is_only(module: Module, closing: Sequence[ast.stmt], uses: Sequence[ast.Name], method: str) -> bool:
    """Say whether this is the one place that closes it, and the last that names it."""
    calls = [use for use in uses if getattr(module.parent(use), "attr", None) == method]
    if len(calls) != 1 or has_comment(
        module, module.start(closing[0]), module.line_start(closing[0].lineno + 1)
    ):
        return False
    return all(module.start(use) <= module.end(closing[0]) for use in uses)


def _is_managed(module: Module, uses: Sequence[ast.Name]) -> bool:
    return any(
        isinstance(module.parent(use), ast.withitem)
        or getattr(module.parent(use), "attr", None) in {"close", "aclose", "__aenter__", "detach"}
        for use in uses
    )


def _stays_here(module: Module, uses: Sequence[ast.Name]) -> bool:
    """Say whether the session, and what comes out of it, is used up in this function."""
    return all(_is_used_up(module, use) for use in uses)


def _is_used_up(module: Module, use: ast.Name) -> bool:
    attribute = module.parent(use)
    call = module.parent(attribute)
    if (
        not isinstance(attribute, ast.Attribute)
        or not isinstance(call, ast.Call)
        or call.func is not attribute
    ):
        return False
    around = module.parent(call)
    if isinstance(around, ast.withitem):
        return True
    if not isinstance(around, ast.Await):
        return False
    answer = target_of(module, around)
    if answer is None:
        return isinstance(module.parent(around), ast.Expr) or _asks_at_once(module, around)
    return all(_asks_at_once(module, one) for one in local_uses(module, answer) or [answer])


def _asks_at_once(module: Module, answer: ast.AST) -> bool:
    attribute = module.parent(answer)
    return isinstance(attribute, ast.Attribute) and (
        attribute.attr in AT_ONCE or attribute.attr == "raise_for_status"
    )
