import ast
from collections.abc import Iterable

from nightmend.patterns.edits import is_steady
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

FRAMES = frozenset(
    f"pandas.{name}"
    for name in ("DataFrame", "concat", "merge", "read_csv", "read_excel", "read_parquet", "read_sql")
)


def find(module: Module) -> Iterable[Fault]:
    """Yield each `frame[column][rows] = value` where the rows are chosen by a condition."""
    for statement in module.nodes(ast.Assign):
        match statement.targets:
            case [
                ast.Subscript(
                    value=ast.Subscript(value=ast.Name() as frame, slice=column), slice=rows
                ) as target
            ]:
                chosen = isinstance(column, ast.Constant | ast.Name) and _is_condition(rows)
                if chosen and is_steady(column) and _is_frame(module, frame):
                    what = module.text(frame)
                    message = f"the assignment may reach a copy of {what} only"
                    yield Fault(target, message, parts=(frame, column, rows))
            case _:
                pass


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Choose rows and column in one step."""
    frame, column, rows = (module.text(one) for one in fault.parts)
    return [module.replace(fault.node, f"{frame}.loc[{rows}, {column}]")]


def _is_condition(rows: ast.expr) -> bool:
    match rows:
        case ast.Compare():
            return True
        case ast.BinOp(left=left, op=ast.BitAnd() | ast.BitOr(), right=right):
            return _is_condition(left) and _is_condition(right)
        case ast.UnaryOp(op=ast.Invert(), operand=inner):
            return _is_condition(inner)
        case ast.Call(
            func=ast.Attribute(attr="isna" | "isnull" | "notna" | "notnull" | "isin" | "duplicated")
        ):
            return True
        case _:
            return False


def _is_frame(module: Module, name: ast.Name) -> bool:
    """Say whether everything that the name is bound to is a frame by its own word."""
    found = module.bindings(name.id, name)
    return found is not None and all(_makes_frame(module, one) for one in found[1])


def _makes_frame(module: Module, binding: ast.AST) -> bool:
    parent = module.parent(binding)
    match parent:
        case ast.Assign(value=ast.Call(func=function)):
            return module.resolve(function) in FRAMES
        case ast.arguments():
            hint = binding.annotation if isinstance(binding, ast.arg) else None
            return hint is not None and module.resolve(hint) == "pandas.DataFrame"
        case _:
            return False
