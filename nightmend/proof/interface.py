"""What others may call and import of a module, and whether a repair takes any of it away.

griffe compares signatures, classes and attributes. What it does not look at is compared here: imported names
that a module hands on, what a star import of it gets, and how a function has to be called.
"""

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from importlib.util import decode_source
from pathlib import Path

from griffe import (
    Alias,
    Attribute,
    Breakage,
    BreakageKind,
    Class,
    DataclassesExtension,
    ExprCall,
    ExprDict,
    ExprList,
    ExprSet,
    ExprTuple,
    Function,
    Module,
    Parameter,
    ParameterKind,
    find_breaking_changes,
    visit,
)

from nightmend.parsing import one_at_a_time
from nightmend.patterns.elsewhere import is_taken, names_taken
from nightmend.patterns.returns import own_nodes
from nightmend.proof.around import blocks, heading, parse_block
from nightmend.proof.packages import Package
from nightmend.proof.syntax import read_tree
from nightmend.repairs.repair import Edit
from nightmend.targets.protected import is_test

_ASSIGNS = (ast.Assign, ast.AnnAssign, ast.AugAssign)
_MADE_ANEW = (ExprCall, ExprDict, ExprList, ExprSet)
"""Defaults of which a caller never had the very object."""
_IDLE_BASES = ("object", "Generic[", "typing.Generic[")
"""Bases that a class has without being told, and those that its own type parameters stand for."""
_POSITIONAL = (ParameterKind.positional_only, ParameterKind.positional_or_keyword)
_ON_CLASS = frozenset({"staticmethod", "classmethod"})
_READS_SLOTS = re.compile(rb"\.__slots__\b|['\"]__slots__['\"]")
_NO_NAMES_OF_OTHERS = frozenset({"__all__", "__metaclass__"})


class Interface:
    """The modules of a target that others may import: no tests, and no name with an underscore in front.

    `sources` are all of the target, its tests too: they show what is imported from where.
    """

    def __init__(self, packages: Iterable[Package], sources: Collection[bytes] = ()) -> None:
        self._sources = sources
        names = {path: name for package in packages for name, path in package.modules.items()}
        self._modules = frozenset(names.values())
        self._own = frozenset(name.split(".")[0] for name in self._modules)
        self._public = {
            path: name
            for path, name in names.items()
            if not is_test(path) and not any(part.startswith("_") for part in name.split("."))
        }

    @cached_property
    def _taken(self) -> frozenset[str]:
        return names_taken(self._sources)

    def breaks(self, path: str, before: bytes, after: bytes, edits: Sequence[Edit] = ()) -> tuple[str, ...]:
        """Say in a phrase each what others find in the file before and not after.

        Nothing where one of the contents is no Python, which is for another rung to tell. With the `edits`
        that make one of the other, most need only the definitions around them.
        """
        name = self._public.get(path)
        if name is None:
            return ()
        try:
            if _stays_in_a_body(before, edits) or self._same_definitions(name, path, before, edits):
                return ()
            old, new = _read(name, path, before), _read(name, path, after)
        except (SyntaxError, ValueError, RecursionError):
            return ()
        broken = [_phrase(one) for one in _breakages(old, new)]
        broken += [
            f"{one}.__slots__: the order is another one, and somebody reads it"
            for one in self._reordered(old, new)
        ]
        handed_on = self._handed_on(path, before, old)
        gone = _no_longer_there(old, new, handed_on)
        if path.endswith("__init__.py"):
            gone += sorted(self._parts(name, before) - self._parts(name, after) - new.members.keys())
        broken += [f"{name}.{one} can no longer be imported" for one in gone]
        broken += [f"{name}.{one} is left out of a star import" for one in _unstarred(old, new, handed_on)]
        return tuple(dict.fromkeys((*broken, *_called_otherwise(old, new))))

    def _same_definitions(self, name: str, path: str, before: bytes, edits: Sequence[Edit]) -> bool:
        """Say whether edits stay in functions and classes that offer the same: then so does the module.

        What a module offers is what each of its definitions does, beside its other statements. Where the
        others have a part in it (a class inherits what another one loses), more is taken for a break here,
        never less.
        """
        parts = blocks(before).without_others(edits)
        if parts is None or _outline(parts[0]) != _outline(parts[1]):
            return False
        old, new = (_read(name, path, part) for part in parts)
        return not any((*_breakages(old, new), *_called_otherwise(old, new), *self._reordered(old, new)))

    @cached_property
    def _reads_slots(self) -> bool:
        return any(map(_READS_SLOTS.search, self._sources))

    def _reordered(self, old: Module, new: Module) -> list[str]:
        """The classes whose slots have another order, where somebody in the target reads them."""
        if not self._reads_slots:
            return []
        now = dict(_slots(new))
        return [
            name
            for name, was in _slots(old)
            if was != now.get(name, was) and sorted(was) == sorted(now[name])
        ]

    def _parts(self, package: str, content: bytes) -> set[str]:
        """The modules that a package makes attributes of itself, which griffe skips."""
        return {
            alias.name
            for node in ast.walk(read_tree(content))
            if isinstance(node, ast.ImportFrom) and (node.module or "") in ("", package) and node.level < 2
            for alias in node.names
            if alias.asname in (None, alias.name) and f"{package}.{alias.name}" in self._modules
        }

    def _handed_on(self, path: str, content: bytes, module: Module) -> frozenset[str]:
        """The imports of a module that are there for others: of the target's own names, not of libraries'.

        Those of a package, a star, what gets its own name once more, all where a module does nothing else,
        and what somebody takes from here. An imported module has its own place; only a package makes it an
        attribute for others. What `__all__` lists is left to griffe.
        """
        tree = read_tree(content)
        all_of_them = module.is_init_module or _does_nothing_else(tree)
        named_again = {name.name for name in _imported_names(tree) if name.name == name.asname}

        def is_meant(name: str, imported: Alias) -> bool:
            home = imported.target_path
            if home.split(".")[0] not in self._own or not imported.runtime or name in _listed(module):
                return False
            if imported.wildcard or (module.is_init_module and not name.startswith("_")):
                return True
            if home in self._modules or name.startswith("_"):
                return False
            return all_of_them or name in named_again or is_taken(path, name, self._taken)

        members = module.members.items()
        return frozenset(name for name, one in members if isinstance(one, Alias) and is_meant(name, one))


def _stays_in_a_body(before: bytes, edits: Sequence[Edit]) -> bool:
    """Say whether edits change one function within, and none of the attributes that it makes there."""
    around = blocks(before).around(edits, definition=True)
    if around is None:
        return False
    try:
        old, new = (parse_block(text, around.indent).body for text in (around.before, around.after))
    except (SyntaxError, ValueError, RecursionError):
        return False
    return [*map(_offer, old)] == [*map(_offer, new)] != [None]


def _offer(node: ast.stmt) -> tuple[str | None, ...] | None:
    """Return what a function is to others, beside what a call of it does; None for anything else."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    stores = (
        ast.dump(one) for one in own_nodes(node) if isinstance(one, _ASSIGNS) and _makes_attributes(one)
    )
    return (heading(node), *stores)


def _makes_attributes(assignment: ast.stmt) -> bool:
    return any(
        isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) for node in ast.walk(assignment)
    )


def _slots(module: Module) -> Iterator[tuple[str, list[str]]]:
    for one in _classes(module):
        slots = one.members.get("__slots__")
        if isinstance(slots, Attribute) and isinstance(slots.value, ExprList | ExprTuple):
            yield one.path, [str(element) for element in slots.value.elements]


def _outline(content: bytes) -> list[tuple[str, str]]:
    return [(type(one).__name__, getattr(one, "name", "")) for one in read_tree(content).body]


def _breakages(old: Module, new: Module) -> Iterator[Breakage]:
    return (one for one in find_breaking_changes(old, new) if _matters(one))


def _imported_names(tree: ast.Module) -> Iterator[ast.alias]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from node.names


def _does_nothing_else(tree: ast.Module) -> bool:
    """Whether a module only imports, beside words and names such as `__all__`."""

    def is_beside(one: ast.stmt) -> bool:
        match one:
            case ast.Expr(value=ast.Constant()):
                return True
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AugAssign(target=ast.Name(id=name)):
                return name.startswith("__")
            case _:
                return isinstance(one, ast.Import | ast.ImportFrom)

    return all(is_beside(one) for one in tree.body)


def _no_longer_there(old: Module, new: Module, handed_on: frozenset[str]) -> list[str]:
    covered = old.exports is not None and _listed(old) <= new.members.keys()
    gone = [old.members[name] for name in old.members if name in handed_on - new.members.keys()]
    return [
        f"* of {one.wildcard}" if one.wildcard else one.name
        for one in gone
        if isinstance(one, Alias) and not (covered and one.wildcard)
    ]


def _unstarred(old: Module, new: Module, handed_on: frozenset[str]) -> Iterator[str]:
    listed = _listed(new)
    if new.exports is None or len(listed) < len(new.exports):
        return
    offered = _listed(old) if old.exports is not None else _offered(old) | handed_on
    yield from sorted(offered & new.members.keys() - listed)


def _offered(module: Module) -> set[str]:
    return {
        name
        for name, member in module.members.items()
        if not name.startswith("_") and not isinstance(member, Alias) and member.is_public
    }


@lru_cache(maxsize=128)
def _read(name: str, path: str, content: bytes) -> Module:
    text = decode_source(content)
    parent = None
    for part in name.split(".")[:-1]:
        parent = Module(part, parent=parent)
    module = one_at_a_time(lambda: visit(name.rpartition(".")[2], Path(path), text, parent=parent))
    DataclassesExtension().on_package(pkg=module)
    for one in _classes(module):
        _bind_methods(one)
    return module


def _classes(inside: Module | Class) -> Iterator[Class]:
    for member in inside.members.values():
        if isinstance(member, Class):
            yield member
            yield from _classes(member)


def _bind_methods(one: Class) -> None:
    """Take out the first parameter, which the call of a method binds: no caller names it."""
    for member in one.members.values():
        if isinstance(member, Function) and "staticmethod" not in member.labels and len(member.parameters):
            first = member.parameters[0]
            if first.required and first.kind in _POSITIONAL:
                del member.parameters[0]


def _listed(module: Module) -> set[str]:
    """What `__all__` names, as far as it stands there as text."""
    return {one for one in module.exports or () if isinstance(one, str)}


def _matters(breakage: Breakage) -> bool:
    """Leave out what takes nothing from a caller; tests judge what a call does."""
    old, new = breakage.old_value, breakage.new_value
    match breakage.kind:
        case BreakageKind.OBJECT_REMOVED:
            return breakage.obj.name not in _NO_NAMES_OF_OTHERS and not breakage.obj.name.endswith("*")
        case BreakageKind.CLASS_REMOVED_BASE:
            gone = {str(base) for base in old} - {str(base) for base in new}
            return any(not base.startswith(_IDLE_BASES) for base in gone)
        case BreakageKind.PARAMETER_CHANGED_DEFAULT:
            return not isinstance(old.default, _MADE_ANEW)
        case BreakageKind.OBJECT_CHANGED_KIND:
            named_value = old.value == "attribute" and isinstance(breakage.obj.parent, Module)
            return not (named_value and new.value in ("function", "class"))
        case BreakageKind.RETURN_CHANGED_TYPE:
            return False
        case _:
            return True


def _phrase(breakage: Breakage) -> str:
    parameter = next(
        (one for one in (breakage.old_value, breakage.new_value) if isinstance(one, Parameter)), None
    )
    what = f"{breakage.obj.path}({parameter.name})" if parameter else breakage.obj.path
    return f"{what}: {breakage.kind.value.lower()}"


def _called_otherwise(old: Module | Class, new: Module | Class) -> Iterator[str]:
    for name, was in old.members.items():
        now = new.members.get(name)
        if not was.is_public:
            continue
        if isinstance(was, Function) and isinstance(now, Function):
            if ("async" in was.labels) != ("async" in now.labels):
                yield f"{was.path}: it is {'no longer' if 'async' in was.labels else 'now'} async"
            if was.labels & {"staticmethod", "classmethod"} and not now.labels & {
                "staticmethod",
                "classmethod",
            }:
                yield f"{was.path}: it can no longer be called on the class"
        elif isinstance(was, Attribute) and isinstance(now, Attribute):
            if _writable(was) and not _writable(now):
                yield f"{was.path}: it can no longer be set"
        elif isinstance(was, Class) and isinstance(now, Class):
            yield from _called_otherwise(was, now)


def _writable(attribute: Attribute) -> bool:
    return "property" not in attribute.labels or "writable" in attribute.labels
