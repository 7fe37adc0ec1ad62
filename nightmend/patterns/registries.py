"""Registries that a module writes out: a dict from names to classes of the same file."""

import ast
import re
from dataclasses import dataclass

from nightmend.patterns.source import Module

ENOUGH = 3
OWN = ("name", "NAME", "kind", "KIND", "key", "KEY", "type_name", "slug")
"""Attributes by which classes say what they are called."""


@dataclass(frozen=True)
class Entry:
    """One class in a registry: the constant that is its name there, and the one that it gives itself."""

    key: ast.Constant
    owner: ast.ClassDef
    own: ast.Constant | None


@dataclass(frozen=True)
class Registry:
    """A dict at the top of a module that holds classes, at least ENOUGH of them."""

    table: ast.Dict
    entries: tuple[Entry, ...]

    def usual(self, owner: ast.ClassDef) -> str:
        """The name that a class would have by its own: in snake case, without the ending that all share."""
        ends = [re.findall(r"[A-Z][^A-Z]*", entry.owner.name)[-1:] for entry in self.entries]
        shared = ends[0][0] if ends[0] and all(end == ends[0] for end in ends) else ""
        stem = owner.name.removesuffix(shared) if owner.name != shared else owner.name
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", stem).lower()


def registries(module: Module) -> list[Registry]:
    """Return the registries of a module; a dict with anything else in it is none."""
    found = []
    for statement in module.tree.body:
        table = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
        if isinstance(table, ast.Dict) and len(table.keys) >= ENOUGH:
            entries = [
                _entry(module, key, value) for key, value in zip(table.keys, table.values, strict=True)
            ]
            known = tuple(entry for entry in entries if entry)
            if len(known) == len(entries):
                found.append(Registry(table, known))
    return found


def own_name(owner: ast.ClassDef) -> ast.Constant | None:
    """The constant that a class gives as its name."""
    for statement in owner.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str()) as own) if (
                name in OWN
            ):
                return own
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=str()) as own) if (
                name in OWN
            ):
                return own
            case _:
                pass
    return None


def _entry(module: Module, key: ast.expr | None, value: ast.expr) -> Entry | None:
    if not isinstance(key, ast.Constant) or not isinstance(key.value, str) or not isinstance(value, ast.Name):
        return None
    found = module.bindings(value.id, value)
    owner = found[1][0] if found and len(found[1]) == 1 else None
    return Entry(key, owner, own_name(owner)) if isinstance(owner, ast.ClassDef) else None
