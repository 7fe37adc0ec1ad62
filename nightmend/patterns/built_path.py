import ast
from pathlib import PurePosixPath

from nightmend.parsing import parse_source
from nightmend.repairs.repair import Edit


def path_built_by(edit: Edit) -> PurePosixPath | None:
    """Return where an expression leads that climbs from its own file; None where the edit is no such one.

    The path is relative to the project, as the edit's own path is.
    """
    try:
        statements = parse_source(edit.text.strip()).body
    except SyntaxError:
        return None
    node = statements[0].value if len(statements) == 1 and isinstance(statements[0], ast.Expr) else None
    if isinstance(node, ast.Call) and len(node.args) == 1:
        node = node.args[0]  # str(...)
    parts: list[str] = []
    while isinstance(node, ast.BinOp) and isinstance(node.right, ast.Constant):
        parts.insert(0, str(node.right.value))
        node = node.left
    here = PurePosixPath(edit.path)
    match node:
        case ast.Subscript(value=ast.Attribute(attr="parents"), slice=ast.Constant(value=int(climbs))):
            return here.parents[climbs].joinpath(*parts)
        case ast.Attribute(attr="parent"):
            return here.parent.joinpath(*parts)
        case _:
            return None
