"""Reaching a name of another module: by an import that is there, or by the smallest one that is not."""

import ast
import re
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from nightmend.parsing import parse_source
from nightmend.patterns.source import Module
from nightmend.repairs.repair import Edit

ImportStatement: TypeAlias = ast.Import | ast.ImportFrom


class Reached(NamedTuple):
    """How to write a name at a place, and the edits that make it work there."""

    text: str
    edits: list[Edit]


def reach(module: Module, qualified: str, node: ast.AST, *, whole: bool = False) -> Reached | None:
    """Say how to write `collections.deque` at a node; None where its name is taken.

    A name that is imported is used as it is. Else, for `whole`, `import collections` is added, or
    `from collections import deque`.
    """
    home, name = qualified.rsplit(".", 1)
    for wanted, suffix in ((qualified, ""), (home, f".{name}")):
        local = _local_name(module, wanted, node)
        if local is not None:
            return Reached(local + suffix, [])
    added = home if whole else name
    if "." in added or _taken(module, added, node):
        return None
    edit = add_import(module, home, None if whole else name)
    return None if edit is None else Reached(qualified if whole else name, [edit])


def _local_name(module: Module, qualified: str, node: ast.AST) -> str | None:
    """The local name that already means the qualified one at this node."""
    aliases = [alias for statement in _top_imports(module) for alias in statement.names]
    names = [alias.asname or alias.name for alias in aliases if module.imported(alias) == qualified]
    usual = qualified.rsplit(".", 1)[-1]
    return next((name for name in (*names, usual) if _means(module, name, qualified, node)), None)


def _means(module: Module, local: str, qualified: str, node: ast.AST) -> bool:
    found = module.bindings(local, node)
    if found is None or any(module.imported(one) != qualified for one in found[1]):
        return False
    statements = [module.parent(one) for one in found[1]]
    if isinstance(found[0], ast.Module):
        if not all(module.parent(one) is module.tree for one in statements):
            return False  # an import that may fail, or that only the type checker sees
        if module.function(node) is not None:
            return True
    return all(one.lineno < node.lineno for one in statements)  # type: ignore[attr-defined]


def _taken(module: Module, name: str, node: ast.AST) -> bool:
    """A name that anything else binds, here or at the top, cannot be given to an import."""
    return module.bindings(name, node) is not None or bool(module.index.bindings[module.tree].get(name))


def add_import(module: Module, home: str, name: str | None) -> Edit | None:
    """Add `import home`, or `from home import name`, where a reader would look for it."""
    for statement in _top_imports(module):
        if (
            name
            and isinstance(statement, ast.ImportFrom)
            and statement.module == home
            and not statement.level
        ):
            joined = _join(module, statement, name)
            if joined is not None:
                return joined
    text = f"from {home} import {name}" if name else f"import {home}"
    return insert_import(module, text, home, plain=name is None)


def insert_import(module: Module, text: str, home: str, *, plain: bool) -> Edit | None:
    """Put an import of the standard library among its like, in their order."""
    block = import_block(module)
    like = [one for one in block if is_stdlib(home_of(one))]
    mixed = _is_mixed(like)
    for statement in like:
        if _comes_before(home, plain, statement, mixed=mixed):
            return module.insert(module.line_start(statement.lineno), text + module.newline)
    if like:
        return after_line(module, like[-1], text)
    if block:
        return module.insert(module.line_start(block[0].lineno), text + 2 * module.newline)
    return _at_top(module, text)


def _join(module: Module, statement: ast.ImportFrom, name: str) -> Edit | None:
    """Add one more name to a `from` import, in its order and layout."""
    if statement.names[0].name == "*" or "#" in module.text(statement) or "\\" in module.text(statement):
        return None
    keys = [_key(alias.name) for alias in statement.names]
    for alias, key in zip(statement.names, keys, strict=True):
        if keys == sorted(keys) and _key(name) < key:
            indent = module.indent(alias)
            gap = " " if indent is None else module.newline + indent
            return module.insert(module.start(alias), f"{name},{gap}")
    last = statement.names[-1]
    indent = module.indent(last)
    gap = " " if indent is None else module.newline + indent
    comma = module.between(module.end(last), module.end(statement)).lstrip().startswith(",")
    if comma:
        place = module.content.index(b",", module.end(last)) + 1
        return module.insert(place, f"{gap}{name},")
    return module.insert(module.end(last), f",{gap}{name}")


def _key(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest: the order that isort and ruff keep."""
    rank = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return rank, name


def _top_imports(module: Module) -> list[ImportStatement]:
    return [one for one in module.tree.body if isinstance(one, ast.Import | ast.ImportFrom)]


def import_block(module: Module) -> list[ImportStatement]:
    """The first run of imports, without `__future__`, each on a line of its own."""
    block: list[ImportStatement] = []
    for statement in module.tree.body:
        if not isinstance(statement, ast.Import | ast.ImportFrom):
            if block or not _is_preamble(statement):
                break
        elif getattr(statement, "module", None) != "__future__" and module.indent(statement) is not None:
            block.append(statement)
    return block


def _is_preamble(statement: ast.stmt) -> bool:
    """A docstring, or `__version__ = ...` and its like."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return bool(targets) and all(isinstance(one, ast.Name) and one.id.startswith("__") for one in targets)


def _is_mixed(stdlib: list[ImportStatement]) -> bool:
    """Say whether the file sorts `import` and `from` together, by module."""
    kinds = [isinstance(one, ast.Import) for one in stdlib]
    return any(later and not earlier for earlier, later in pairwise(kinds))


def _comes_before(home: str, plain: bool, statement: ImportStatement, *, mixed: bool) -> bool:
    if not mixed and plain != isinstance(statement, ast.Import):
        return plain
    return home.lower() < home_of(statement).lower()


def home_of(statement: ImportStatement) -> str:
    """The module that an import names first, with its dots where it is relative."""
    if isinstance(statement, ast.Import):
        return statement.names[0].name
    return "." * statement.level + (statement.module or "")


def is_stdlib(home: str) -> bool:
    """Say whether a module comes with Python."""
    return home.split(".", maxsplit=1)[0] in sys.stdlib_module_names


def after_line(module: Module, statement: ast.stmt, text: str) -> Edit | None:
    """Put a line behind the line on which a statement ends; None where another one follows on it."""
    line = (statement.end_lineno or statement.lineno) + 1
    if module.between(module.end(statement), module.line_start(line)).lstrip()[:1] not in {"", "#"}:
        return None
    offset = module.line_start(line)
    ended = module.content[offset - 1 : offset] in {b"\n", b"\r"}
    return module.insert(offset, text + module.newline if ended else module.newline + text)


def _at_top(module: Module, text: str) -> Edit | None:
    """Below shebang, encoding line, licence header, docstring and `__future__` imports."""
    body = module.tree.body
    head = [one for one in body[:1] if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)]
    head += [one for one in body if isinstance(one, ast.ImportFrom) and one.module == "__future__"]  # type: ignore[misc]
    if head:
        edit = after_line(module, head[-1], text)
        return edit and module.edit(edit.start, edit.end, module.newline + edit.text)
    following = [one for one in body if one not in head]
    heavy = isinstance(following[0], ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    line = _first_line_below_header(module)
    return module.insert(module.line_start(line), text + module.newline * (3 if heavy else 2))


def _first_line_below_header(module: Module) -> int:
    """A comment block that touches code belongs to it, unless it is a shebang or an encoding."""
    line = 1
    while re.match(r"#!|#.*coding[:=]", module.line(line)) and line <= 2:
        line += 1
    below = line
    while module.line(below).startswith("#"):
        below += 1
    if module.line(below).strip():
        return line
    return below + 1 if module.line_start(below + 1) < len(module.content) else line


def replace_name(module: Module, statement: ImportStatement, alias: ast.alias, name: str) -> Edit:
    """Import another name in the place of one; names that stand in order keep it."""
    keys = [_key(one.name) for one in statement.names]
    one_line = statement.lineno == statement.end_lineno
    if len(keys) == 1 or not one_line or keys != sorted(keys) or "," in name or " " in name:
        return module.replace(alias, name)
    left = [(_key(one.name), module.text(one)) for one in statement.names if one is not alias]
    names = ", ".join(text for _, text in sorted([*left, (_key(name), name)]))
    return module.edit(module.start(statement.names[0]), module.end(statement.names[-1]), names)


def local_name(alias: ast.alias) -> str:
    """The name that an alias binds."""
    return alias.asname or alias.name.split(".")[0]


def remove_names(
    module: Module, statement: ImportStatement, names: Sequence[ast.alias], beside: Sequence[Edit] = ()
) -> list[Edit]:
    """Take names out of an import, the whole statement with the last of them.

    `beside`: edits that happen too; an import that is put in its place keeps the blank lines around it.
    """
    given = statement.names
    if len(names) == len(given):
        return [module.edit(*_lines(module, statement, beside), "")]
    gone = [place for place, alias in enumerate(given) if alias in names]
    edits = []
    for first in (place for place in gone if place - 1 not in gone):
        behind = next(place for place in range(first, len(given) + 1) if place not in gone)
        if behind < len(given):
            edits.append(module.edit(module.start(given[first]), module.start(given[behind]), ""))
        else:
            edits.append(module.edit(module.end(given[first - 1]), module.end(given[-1]), ""))
    return edits


def _lines(module: Module, statement: ImportStatement, beside: Sequence[Edit]) -> tuple[int, int]:
    """The statement's lines, and the blank ones that only set it apart."""
    first, behind = statement.lineno, (statement.end_lineno or statement.lineno) + 1
    lines = module.line_start(first), module.line_start(behind)
    if any(edit.start == edit.end in lines for edit in beside):
        return lines
    return _set_apart(module, first, behind)


def close_up(module: Module, edit: Edit) -> Edit:
    """Where an edit takes the lines of an import out, take the blank ones too that only set it apart."""
    first, behind = module.line_of(edit.start), module.line_of(edit.end)
    lines = module.line_start(first), module.line_start(behind)
    if edit.text or lines != (edit.start, edit.end) or not _imports_of(module.between(*lines)):
        return edit
    return module.edit(*_set_apart(module, first, behind), "")


def _set_apart(module: Module, first: int, behind: int) -> tuple[int, int]:
    """Where lines start and end together with the blank ones that only set them apart."""
    if first == 1:
        while module.is_blank(behind):
            behind += 1
    elif module.is_blank(behind) and module.is_blank(first - 1):
        first -= 1
    return module.line_start(first), module.line_start(behind)


def rehomed(module: Module, edit: Edit) -> list[Edit]:
    """Let an import that an edit writes for another home stand where that home is sorted.

    Edits that do anything else, or that leave no certain place, are returned as they are.
    """
    written = _imports_of(edit.text)
    statement = next((one for one in import_block(module) if _spans(module, one, edit)), None)
    if not isinstance(statement, ast.ImportFrom) or not is_stdlib(home_of(statement)):
        return [edit]
    stay = [one for one in written if home_of(one) == home_of(statement)]
    moved = [one for one in written if one not in stay]
    if len(moved) != 1 or len(stay) > 1 or not is_stdlib(home_of(moved[0])) or has_join(module, moved[0]):
        return [edit]
    placed = insert_import(module, ast.unparse(moved[0]), home_of(moved[0]), plain=False)
    if placed is None or module.start(statement) < placed.start < module.end(statement):
        return [edit]
    if stay:
        return [placed, module.replace(statement, ast.unparse(stay[0]))]
    return [placed, *remove_names(module, statement, statement.names, [placed])]


def has_join(module: Module, statement: ImportStatement) -> bool:
    """Say whether the file imports from the same home already, so that the two belong together."""
    return any(home_of(one) == home_of(statement) for one in _top_imports(module))


def _imports_of(text: str) -> list[ast.ImportFrom]:
    try:
        body = parse_source(text).body
    except SyntaxError:
        return []
    found = [one for one in body if isinstance(one, ast.ImportFrom)]
    return found if len(found) == len(body) else []


def _spans(module: Module, statement: ImportStatement, edit: Edit) -> bool:
    return (module.start(statement), module.end(statement)) == (edit.start, edit.end)
