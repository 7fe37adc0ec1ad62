"""Edits that several patterns make; each returns None where the layout is not certain."""

import ast
from collections.abc import Iterable, Sequence

from nightmend.patterns.source import Module
from nightmend.repairs.repair import Edit


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """The value given for a keyword argument."""
    return next((one.value for one in call.keywords if one.arg == name), None)


def is_open_ended(call: ast.Call) -> bool:
    """Say whether the call passes arguments that cannot be seen here: `*args` or `**options`."""
    return any(isinstance(one, ast.Starred) for one in call.args) or any(
        one.arg is None for one in call.keywords
    )


def add_argument(module: Module, call: ast.Call, text: str) -> Edit | None:
    """Put one more argument behind the last one, in the layout that the call has."""
    close = module.end(call) - 1
    given = [*call.args, *(one.value for one in call.keywords)]
    if not given:
        inside = module.between(module.end(call.func), close)
        return module.insert(close, text) if not inside.strip("( \t\r\n") else None
    last = max(module.end(one) for one in given)
    if last > close:
        return None  # a generator that borrows the call's own brackets
    rest = module.between(last, close)
    if "#" in rest or "\\" in rest:
        return None
    behind = len(rest) - len(rest.rstrip())
    column = _own_lines(module, call, last)
    if column is not None and not rest.strip():
        return module.insert(last, f",{module.newline}{column}{text},")
    if rest.rstrip().endswith(","):
        return _behind_comma(module, call, close - behind, text)
    return module.insert(close - behind, f", {text}") if not rest.strip(") \t\r\n") else None


def _own_lines(module: Module, call: ast.Call, last: int) -> str | None:
    """The indentation of a last argument that fills lines of its own, between those of the brackets."""
    arguments: list[ast.expr | ast.keyword] = [*call.args, *call.keywords]
    argument = next(one for one in arguments if module.end(one) == last)
    column = module.indent(argument)
    spans = argument.lineno != argument.end_lineno and argument.end_lineno != call.end_lineno
    return column if spans else None


def _behind_comma(module: Module, call: ast.Call, comma_end: int, text: str) -> Edit | None:
    close = module.end(call) - 1
    if "\n" not in module.between(comma_end, close) and "\r" not in module.between(comma_end, close):
        return module.insert(comma_end, f" {text},")
    line = module.line(module.line_of(comma_end))
    indent = line[: len(line) - len(line.lstrip())]
    return module.insert(comma_end, f"{module.newline}{indent}{text},")


def fold(module: Module, call: ast.Call, behind: int) -> list[Edit]:
    """Give the arguments a line of their own where `behind` more characters make the call's line too long.

    No edits where the line is short enough, was too long before, or would not get short enough.
    """
    line, indent = module.line(call.lineno), module.indent(module.statement(call))
    start = call.args[0] if call.args else call.keywords[0].value if call.keywords else None
    opening = module.content.find(b"(", module.end(call.func)) + 1
    ends_line = module.line_start(call.lineno) + len(line.encode()) == module.end(call)
    if start is None or indent is None or not ends_line or call.end_lineno != call.lineno:
        return []
    inner = f"{indent}{module.indent_unit}{module.between(opening, module.end(call) - 1)}"
    if not len(line) <= module.line_length < len(line) + behind or len(inner) > module.line_length:
        return []
    return [
        module.insert(opening, f"{module.newline}{indent}{module.indent_unit}"),
        module.insert(module.end(call) - 1, f"{module.newline}{indent}"),
    ]


def same(first: ast.AST, second: ast.AST) -> bool:
    """Say whether two expressions are written with the same tokens."""
    return ast.dump(first) == ast.dump(second)


def is_steady(expression: ast.expr) -> bool:
    """Say whether evaluating an expression twice, or a little later, gives the same and does nothing else."""
    match expression:
        case ast.Name() | ast.Constant():
            return True
        case ast.Attribute(value=value):
            return is_steady(value)
        case ast.Subscript(value=value, slice=key):
            return is_steady(value) and is_steady(key)
        case ast.BinOp(left=left, right=right):
            return is_steady(left) and is_steady(right)
        case ast.JoinedStr(values=values):
            return all(is_steady(one) for one in values)
        case ast.FormattedValue(value=value):
            return is_steady(value)
        case _:
            return False


def has_comment(module: Module, start: int, end: int) -> bool:
    """Say whether a stretch may hold a comment; a `#` in a string counts, which only makes us decline."""
    return b"#" in module.content[start:end]


def dedent(module: Module, body: Sequence[ast.stmt], to: str, first: int) -> list[Edit] | None:
    """Move statements that stand on lines of their own, from line `first` on, out to an indentation."""
    last = max(one.end_lineno or one.lineno for one in body)
    old = module.indent(body[0])
    if old is None or spans_lines(module, body):
        return None
    return outdent_lines(module, range(first, last + 1), old, to)


def outdent_lines(module: Module, lines: Iterable[int], old: str, to: str) -> list[Edit] | None:
    """Take from each line what its indentation has more than `to`."""
    if not old.startswith(to):
        return None
    return [
        module.edit(module.line_start(number) + len(to), module.line_start(number) + len(old), "")
        for number in lines
        if module.line(number).startswith(old)
    ]


def spans_lines(module: Module, nodes: Sequence[ast.AST]) -> bool:
    """Say whether a string with a line break stands among the nodes: its inside must not be re-indented."""
    return any(
        isinstance(node, ast.Constant | ast.JoinedStr) and node.lineno != node.end_lineno
        for top in nodes
        for node in ast.walk(top)
    ) or any(b"\\\n" in module.content[module.start(top) : module.end(top)] for top in nodes)


def inside(module: Module, node: ast.AST, kinds: type[ast.AST] | tuple[type[ast.AST], ...]) -> bool:
    """Say whether a node stands somewhere below a node of these types, within its own function."""
    for above in module.ancestors(node):
        if isinstance(above, kinds):
            return True
        if isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return False
    return False
