import ast
from collections.abc import Iterable

from nightmend.patterns.edits import add_argument, keyword
from nightmend.patterns.opens import handle_uses, mode, opens
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

WRITERS = frozenset({"csv.writer", "csv.DictWriter"})
HARMLESS = frozenset({"close", "flush", "fileno", "name"})


def find(module: Module) -> Iterable[Fault]:
    """Yield each text file that only a CSV writer writes to, opened with translated line endings."""
    for call in opens(module):
        given = mode(call)
        if given is None or "b" in given or not set(given) & set("wax"):
            continue
        if keyword(call, "newline") is None and len(call.args) <= 5 and _goes_to_a_writer(module, call):
            yield Fault(call, "csv writes its own line endings, and Windows doubles them here")


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Leave the line endings to the writer."""
    edit = add_argument(module, fault.node_as(ast.Call), f"newline={module.quote * 2}")
    return None if edit is None else [edit]


def _goes_to_a_writer(module: Module, call: ast.Call) -> bool:
    uses = handle_uses(module, call)
    places: list[ast.AST] = [call] if uses is None else list(uses)
    written = [place for place in places if _is_written(module, place)]
    return bool(written) and all(place in written or _is_harmless(module, place) for place in places)


def _is_written(module: Module, handle: ast.AST) -> bool:
    parent = module.parent(handle)
    if not isinstance(parent, ast.Call) or module.resolve(parent.func) not in WRITERS:
        return False
    return bool(parent.args) and parent.args[0] is handle


def _is_harmless(module: Module, handle: ast.AST) -> bool:
    parent = module.parent(handle)
    return isinstance(parent, ast.Attribute) and parent.attr in HARMLESS
