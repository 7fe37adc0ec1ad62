import ast
from collections.abc import Iterable

from nightmend.patterns.edits import has_comment
from nightmend.patterns.elsewhere import is_taken
from nightmend.patterns.registries import ENOUGH, Registry, own_name, registries
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit


def find(module: Module) -> Iterable[Fault]:
    """Yield the one class that has the base of all in a registry, and that nothing registers or names."""
    found = registries(module)
    for registry in found if len(found) == 1 else ():
        bases = {tuple(ast.unparse(base) for base in entry.owner.bases) for entry in registry.entries}
        known = {entry.owner for entry in registry.entries}
        others = [one for one in module.tree.body if isinstance(one, ast.ClassDef) and one not in known]
        alike = [one for one in others if tuple(ast.unparse(base) for base in one.bases) in bases]
        if len(bases) == 1 and any(bases) and len(alike) == 1 and _is_lost(module, alike[0], registry):
            yield Fault(
                alike[0],
                f"nothing registers {alike[0].name}, so that nobody can reach it",
                parts=(registry.table,),
            )


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Register it by its own name, where all others are registered by theirs."""
    owner, table = fault.node_as(ast.ClassDef), fault.part(ast.Dict)
    registry = next(one for one in registries(module) if one.table is table)
    name = _name(registry, owner)
    last = table.values[-1]
    rest = module.between(module.end(last), module.end(table) - 1)
    if (
        name is None
        or owner.lineno > table.lineno
        or has_comment(module, module.end(last), module.end(table))
    ):
        return None
    quote = module.text(registry.entries[-1].key)[0]
    entry = f"{quote}{name}{quote}: {owner.name}"
    indent = module.between(module.line_start(last.lineno), module.start(registry.entries[-1].key))
    gap = " " if indent.strip() else module.newline + indent
    comma = "," if rest.lstrip().startswith(",") else ""
    at = module.end(last) + (rest.index(",") + 1 if comma else 0)
    return [module.insert(at, f"{gap}{entry}," if comma else f",{gap}{entry}")]


def _is_lost(module: Module, owner: ast.ClassDef, registry: Registry) -> bool:
    """Say whether a class is public and complete, and neither this file nor another one names it."""
    plain = not owner.name.startswith(("_", "Base", "Abstract")) and not owner.decorator_list
    abstract = any(
        isinstance(node, ast.Attribute | ast.Name) and "abstract" in ast.unparse(node)
        for node in ast.walk(owner)
    )
    named = any(isinstance(node, ast.Name) and node.id == owner.name for node in ast.walk(module.tree))
    quoted = any(
        isinstance(node, ast.Constant) and node.value == owner.name for node in ast.walk(module.tree)
    )
    if not plain or abstract or named or quoted or not registry.entries:
        return False
    return not is_taken(module.path, owner.name, module.elsewhere())


def _name(registry: Registry, owner: ast.ClassDef) -> str | None:
    taken = {entry.key.value for entry in registry.entries}
    own = own_name(owner)
    agreed = [entry for entry in registry.entries if entry.own and entry.own.value == entry.key.value]
    if own and len(agreed) >= max(ENOUGH, len(registry.entries) - 1):
        name = str(own.value)
    elif not own and all(registry.usual(entry.owner) == entry.key.value for entry in registry.entries):
        name = registry.usual(owner)
    else:
        return None
    return None if name in taken else name
