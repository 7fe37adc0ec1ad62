import ast
from collections.abc import Iterable

from nightmend.patterns.edits import dedent, has_comment
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit


def find(module: Module) -> Iterable[Fault]:
    """Yield the first of the last handlers of a try that do nothing but raise the error again."""
    for block in module.nodes(ast.Try):
        idle: list[ast.ExceptHandler] = []
        for handler in reversed(block.handlers):
            if not _only_reraises(handler):
                break
            idle.insert(0, handler)
        if idle and not (block.orelse and len(idle) == len(block.handlers)):
            yield Fault(idle[0], "the handler only raises the error again", parts=(block, *idle))


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Drop those handlers; where nothing is left of the try, drop it and move its body out."""
    block = fault.part(ast.Try)
    first, last = fault.part(ast.ExceptHandler, 1), block.handlers[-1]
    start = module.line_start(_behind(block, first) + 1)
    end = module.line_start((last.end_lineno or last.lineno) + 1)
    if has_comment(module, start, end) or module.indent(first) is None:
        return None
    dropped = module.edit(start, end, "")
    if len(fault.parts) - 1 < len(block.handlers) or block.finalbody:
        return [dropped]
    return _unwrap(module, block, dropped)


def _behind(block: ast.Try, handler: ast.ExceptHandler) -> int:
    """The last line of what stands before a handler."""
    place = block.handlers.index(handler)
    before: ast.AST = block.handlers[place - 1] if place else block.body[-1]
    return before.end_lineno  # type: ignore[attr-defined, no-any-return]


def _unwrap(module: Module, block: ast.Try, dropped: Edit) -> list[Edit] | None:
    outer = module.indent(block)
    head = (module.line_start(block.lineno), module.line_start(block.lineno + 1))
    if outer is None or module.between(*head).strip() != "try:" or block.body[0].lineno == block.lineno:
        return None
    moved = dedent(module, block.body, outer, block.lineno + 1)
    return None if moved is None else [module.edit(*head, ""), *moved, dropped]


def _only_reraises(handler: ast.ExceptHandler) -> bool:
    match handler.body:
        case [ast.Raise(exc=None)]:
            return True
        case [ast.Raise(exc=ast.Name(id=name), cause=None)]:
            return name == handler.name
        case _:
            return False
