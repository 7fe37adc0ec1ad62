import ast
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from nightmend.patterns.edits import spans_lines
from nightmend.patterns.imports import after_line
from nightmend.patterns.source import Fault, Module
from nightmend.repairs.repair import Edit

PREDICTS = re.compile(r"^_?(predict|forecast|infer|classify)")
RECORDS = re.compile(
    r"^(record|log|track|observe|journal|note)_\w*(prediction|forecast|score|inference|result)s?$"
)
COMPARES = re.compile(r"(^|_)(back_?test|evaluat\w*|validat\w*|compar\w*|test|bench\w*|cross\w*)(_|$)")
ENOUGH = 2
"""Methods that record what they predict; then it is the habit of the class."""


class _Prediction(NamedTuple):
    """`result = self.predict(...)` at the top of a method, and the call that records the result, if any."""

    method: ast.FunctionDef
    made: ast.Assign
    result: str
    by: str
    record: ast.Expr | None


def find(module: Module) -> Iterable[Fault]:
    """Yield each prediction of a class that nothing records, where its other methods record theirs."""
    for owner in module.nodes(ast.ClassDef):
        predictions = [one for method in owner.body for one in _predictions(module, method)]
        for one in predictions:
            if one.record is None and not COMPARES.search(one.method.name):
                siblings = [other for other in predictions if other.by == one.by and other.record]
                if len(siblings) >= ENOUGH and _copy(module, siblings, one):
                    message = f"{one.method.name} predicts and records nothing, as its siblings do"
                    yield Fault(one.made, message, parts=(ast.Constant(_copy(module, siblings, one)),))


def rewrite(module: Module, fault: Fault) -> list[Edit] | None:
    """Record it as the siblings do, right behind the prediction."""
    made, text = fault.node_as(ast.Assign), str(fault.part(ast.Constant).value)
    indent = module.indent(made)
    edit = None if indent is None else after_line(module, made, f"{indent}{text}")
    return None if edit is None else [edit]


def _predictions(module: Module, method: ast.stmt) -> Iterator[_Prediction]:
    if not isinstance(method, ast.FunctionDef):
        return
    records = [one for one in method.body if isinstance(one, ast.Expr) and _records(one)]
    for statement in method.body:
        match statement:
            case ast.Assign(
                targets=[ast.Name(id=result)], value=ast.Call(func=ast.Attribute(attr=name) as by)
            ):
                if PREDICTS.match(name):
                    mine = [one for one in records if result in module.identifiers(one)]
                    yield _Prediction(method, statement, result, module.text(by), mine[0] if mine else None)
            case _:
                pass


def _records(statement: ast.Expr) -> bool:
    match statement.value:
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)):
            return RECORDS.match(name) is not None
        case _:
            return False


def _copy(module: Module, siblings: list[_Prediction], one: _Prediction) -> str | None:
    """The siblings' call for this result; None where they differ or need what the method does not have."""
    texts = {_adapted(module, sibling, one) for sibling in siblings}
    return texts.pop() if len(texts) == 1 else None


def _adapted(module: Module, sibling: _Prediction, one: _Prediction) -> str | None:
    record = sibling.record
    if record is None or spans_lines(module, [record]) or record.lineno != record.end_lineno:
        return None
    names = [node for node in ast.walk(record) if isinstance(node, ast.Name)]
    have = {argument.arg for argument in one.method.args.args} | {one.result}
    wanted = {node.id for node in names if node.id != sibling.result and module.bindings(node.id, node)}
    if not wanted - {sibling.method.name} <= have | set(module.index.bindings[module.tree]):
        return None
    text = module.text(record)
    text = re.sub(rf"\b{re.escape(sibling.result)}\b", one.result, text)
    return re.sub(rf"(['\"]){re.escape(sibling.method.name)}\1", rf"\g<1>{one.method.name}\1", text)
