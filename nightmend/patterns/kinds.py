"""What an expression is, as far as the file itself says so: a literal, a constructor, an annotation."""

import ast
from typing import Literal, TypeAlias

from nightmend.patterns.source import Module

Kind: TypeAlias = Literal["dict", "list", "set", "path", "str"]
_DEPTH = 6

_TYPES: dict[str, Kind] = {
    **dict.fromkeys(("builtins.dict", "typing.Dict", "collections.defaultdict"), "dict"),
    **dict.fromkeys(("collections.OrderedDict", "collections.Counter", "typing.DefaultDict"), "dict"),
    **dict.fromkeys(("builtins.list", "typing.List", "builtins.sorted"), "list"),
    **dict.fromkeys(("builtins.set", "builtins.frozenset", "typing.Set"), "set"),
    **dict.fromkeys(("pathlib.Path", "pathlib.PosixPath", "pathlib.WindowsPath"), "path"),
    **dict.fromkeys(("builtins.str", "builtins.repr", "os.path.join"), "str"),
}
_MAPPINGS: dict[str, Kind] = dict.fromkeys(
    ("typing.Mapping", "typing.MutableMapping", "collections.abc.Mapping", "collections.abc.MutableMapping"),
    "dict",
)
_LITERALS: tuple[tuple[type[ast.AST] | tuple[type[ast.AST], ...], Kind], ...] = (
    ((ast.Dict, ast.DictComp), "dict"),
    ((ast.List, ast.ListComp), "list"),
    ((ast.Set, ast.SetComp), "set"),
    (ast.JoinedStr, "str"),
)
_PATH_METHODS = frozenset(
    {"resolve", "absolute", "expanduser", "joinpath", "with_suffix", "with_name", "with_stem", "relative_to"}
)
_PATH_ITERATORS = frozenset({"iterdir", "glob", "rglob"})


def kind_of(module: Module, expression: ast.AST, depth: int = _DEPTH) -> Kind | None:
    """Return the kind of an expression; None where the file does not make it certain."""
    if depth == 0:
        return None
    literal = next((kind for types, kind in _LITERALS if isinstance(expression, types)), None)
    if literal is not None:
        return literal
    match expression:
        case ast.Constant(value=str()):
            return "str"
        case ast.Name():
            return _name(module, expression, depth)
        case ast.Call(func=function):
            return _call(module, function, depth)
        case ast.Attribute(value=ast.Name(id="self"), attr=attribute):
            return _own_attribute(module, expression, attribute, depth)
        case _:
            return _derived_path(module, expression, depth)


def _derived_path(module: Module, expression: ast.AST, depth: int) -> Kind | None:
    """`path / part`, `path.parent` and `path.parents[n]` are paths again."""
    match expression:
        case ast.BinOp(left=base, op=ast.Div()):
            pass
        case ast.Attribute(value=base, attr="parent"):
            pass
        case ast.Subscript(value=ast.Attribute(value=base, attr="parents")):
            pass
        case _:
            return None
    return "path" if kind_of(module, base, depth - 1) == "path" else None


def _call(module: Module, function: ast.expr, depth: int) -> Kind | None:
    name = module.resolve(function)
    if name in _TYPES:
        return _TYPES[name]
    if name in {"pathlib.Path.cwd", "pathlib.Path.home"}:
        return "path"
    if isinstance(function, ast.Attribute) and function.attr in _PATH_METHODS:
        return "path" if kind_of(module, function.value, depth - 1) == "path" else None
    return None


def _name(module: Module, name: ast.Name, depth: int) -> Kind | None:
    found = module.bindings(name.id, name)
    if found is None:
        return None
    kinds = {_binding(module, one, depth) for one in found[1]}
    return kinds.pop() if len(kinds) == 1 else None


def _binding(module: Module, binding: ast.AST, depth: int) -> Kind | None:
    parent = module.parent(binding)
    match parent:
        case ast.Assign(value=value) if binding in parent.targets:
            return kind_of(module, value, depth - 1)
        case ast.AnnAssign(annotation=annotation):
            return annotated(module, annotation)
        case ast.AugAssign(op=op):
            return "path" if isinstance(op, ast.Div) else None
        case ast.For(target=target, iter=ast.Call(func=ast.Attribute(value=value, attr=method))):
            iterates = target is binding and method in _PATH_ITERATORS
            return "path" if iterates and kind_of(module, value, depth - 1) == "path" else None
        case ast.arguments():
            given = binding.annotation if isinstance(binding, ast.arg) else None
            plain = binding not in (parent.vararg, parent.kwarg)
            return annotated(module, given) if given is not None and plain else None
        case _:
            return None


def annotated(module: Module, annotation: ast.expr) -> Kind | None:
    """The kind that an annotation promises; `None` beside it is passed over."""
    match annotation:
        case ast.Constant(value=str(text)):
            return (
                _TYPES.get(f"builtins.{text.split('[')[0]}") if text.isidentifier() or "[" in text else None
            )
        case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
            return annotated(module, left)
        case ast.Subscript(value=value, slice=inner):
            if module.resolve(value) == "typing.Optional":
                return annotated(module, inner)
            return annotated(module, value)
        case _:
            name = module.resolve(annotation)
            return None if name is None else _TYPES.get(name) or _MAPPINGS.get(name)


def _own_attribute(module: Module, node: ast.AST, attribute: str, depth: int) -> Kind | None:
    """The kind of `self.<attribute>`, when everything that the class stores there agrees."""
    owner = module.enclosing_class(node)
    kinds: set[Kind | None] = set()
    for one in ast.walk(owner) if owner is not None else ():
        match one:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation) if name == attribute:
                kinds.add(annotated(module, annotation))
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()) if name == attribute:
                kinds.add(_binding(module, one, depth))
            case _:
                pass
    return kinds.pop() if len(kinds) == 1 else None
