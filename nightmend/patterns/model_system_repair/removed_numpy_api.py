import ast
from collections.abc import Iterable

from nightmend.patterns.edits import inside
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit, Safety

BUILTIN_ALIASES = frozenset({"float", "int", "bool", "complex", "object", "str"})
"""Aliases of builtins, gone since NumPy 1.24."""

RENAMED = {
    "Inf": "inf",
    "Infinity": "inf",
    "infty": "inf",
    "PINF": "inf",
    "NaN": "nan",
    "NAN": "nan",
    "float_": "float64",
    "complex_": "complex128",
    "cfloat": "complex128",
    "singlecomplex": "complex64",
    "longcomplex": "clongdouble",
    "clongfloat": "clongdouble",
    "longfloat": "longdouble",
    "unicode_": "str_",
    "string_": "bytes_",
    "str0": "str_",
    "bytes0": "bytes_",
    "object0": "object_",
    "void0": "void",
    "bool8": "bool_",
    "int0": "intp",
    "uint0": "uintp",
    "row_stack": "vstack",
    "product": "prod",
    "cumproduct": "cumprod",
    "sometrue": "any",
    "alltrue": "all",
    "round_": "round",
    "mat": "asmatrix",
    "in1d": "isin",
    "trapz": "trapezoid",
}
"""Removed or deprecated names, and those that mean the same in every NumPy that still has them."""

SHAPE_DIFFERS = frozenset({"in1d"})
NEEDS_NUMPY_2 = {"trapz"}
FIRST_PYTHON_OF_NUMPY_2_ONLY = (3, 13)
GUARDS = ("version", "hasattr", "getattr", "NUMPY", "NP_")
CONSTRUCTORS = frozenset(f"numpy.{name}" for name in ("zeros", "ones", "empty", "array", "asarray", "dtype"))


def find(module: Module) -> Iterable[Fault]:
    """Yield each name of NumPy that current releases have deprecated or no longer have."""
    if _is_patched(module):
        return
    for node in (*module.nodes(ast.Attribute), *_imported(module)):
        name = _removed(module, node)
        if (
            name is not None
            and not _is_guarded(module, node)
            and _replacement(module, name, node) is not None
        ):
            safety: Safety | None = "needs-tests" if name in SHAPE_DIFFERS else None
            yield Fault(node, f"numpy.{name} is deprecated, and gone from current NumPy", safety)


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Write the name that stays; an imported name keeps its local one."""
    node = fault.node
    name = _removed(module, node)
    new = None if name is None else _replacement(module, name, node)
    if new is None:
        return None
    if isinstance(node, ast.alias):
        return [module.replace(node, f"{new} as {node.asname or node.name}")]
    if name in BUILTIN_ALIASES:
        return [module.replace(node, new)] if module.is_builtin(new, node) else None
    end = module.end(node)
    return [module.edit(end - len(str(name)), end, new)]


def _imported(module: Module) -> list[ast.alias]:
    return [alias for alias in module.nodes(ast.alias) if isinstance(module.parent(alias), ast.ImportFrom)]


def _removed(module: Module, node: ast.AST) -> str | None:
    """The name behind `numpy.`, when it is one of the removed ones and only read."""
    if isinstance(node, ast.alias):
        qualified = module.imported(node)
    else:
        readable = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
        qualified = module.resolve(node) if readable else None
    if qualified is None or not qualified.startswith("numpy."):
        return None
    name = qualified.removeprefix("numpy.")
    if isinstance(node, ast.alias):
        return name if name in RENAMED else None
    return name if name in BUILTIN_ALIASES or name in RENAMED else None


def _replacement(module: Module, name: str, node: ast.AST) -> str | None:
    if name in NEEDS_NUMPY_2 and module.floor < FIRST_PYTHON_OF_NUMPY_2_ONLY:
        return None
    if name == "bool" and not _names_a_dtype(module, node):
        return None  # NumPy 2 has np.bool again, as its own scalar type
    return name if name in BUILTIN_ALIASES else RENAMED[name]


def _names_a_dtype(module: Module, node: ast.AST) -> bool:
    """As a dtype, NumPy's bool and Python's are the same."""
    parent = module.parent(node)
    if isinstance(parent, ast.keyword):
        return parent.arg == "dtype"
    if not isinstance(parent, ast.Call) or node is parent.func:
        return False
    cast = isinstance(parent.func, ast.Attribute) and parent.func.attr == "astype"
    return cast or module.resolve(parent.func) in CONSTRUCTORS


def _is_guarded(module: Module, node: ast.AST) -> bool:
    """Code that asks which NumPy it has knows what it does."""
    if inside(module, node, (ast.Try, ast.ExceptHandler)) and _expects_failure(module, node):
        return True
    tests = [above.test for above in module.ancestors(node) if isinstance(above, ast.If | ast.IfExp)]
    return any(word in ast.unparse(test) for test in tests for word in GUARDS)


def _expects_failure(module: Module, node: ast.AST) -> bool:
    blocks = [above for above in module.ancestors(node) if isinstance(above, ast.Try)]
    caught = " ".join(
        ast.unparse(one.type) if one.type else "Exception" for b in blocks for one in b.handlers
    )
    return any(
        word in caught for word in ("AttributeError", "ImportError", "NameError", "Exception", "NotFound")
    )


def _is_patched(module: Module) -> bool:
    """`np.float = float` brings the old name back on purpose."""
    return any(
        isinstance(node.ctx, ast.Store) and (module.resolve(node) or "").startswith("numpy.")
        for node in module.nodes(ast.Attribute)
    )
