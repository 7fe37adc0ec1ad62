"""An import that repairs leave without a use goes with the repairs that took its last use."""

import ast
import re
from collections.abc import Iterator, Sequence

from nightmend.patterns.edits import has_comment
from nightmend.patterns.imports import ImportStatement, local_name, remove_names, replace_name
from nightmend.patterns.source import Module
from nightmend.repairs.repair import Edit, Repair, Safety, repair_id

WEAKEST_FIRST: tuple[Safety, ...] = ("review", "needs-tests", "safe")


def take_dead_imports(module: Module, repairs: Sequence[Repair]) -> list[Repair]:
    """Join the repairs that together use up an import into one that also removes it."""
    result = list(repairs)
    for statement, alias in _removable(module, result):
        takers = _takers(module, alias, result)
        if not takers:
            continue
        joined = _join(takers)
        edits = _without(module, statement, alias, joined.edits)
        if edits is not None:
            changed = joined.model_copy(update={"edits": edits, "id": repair_id(joined.pattern, edits)})
            place = result.index(takers[0])
            result = [one for one in result if one not in takers]
            result.insert(place, changed)
    return result


def _removable(module: Module, repairs: Sequence[Repair]) -> Iterator[tuple[ImportStatement, ast.alias]]:
    if module.path.endswith("__init__.py"):
        return
    replaced = " ".join(module.between(edit.start, edit.end) for one in repairs for edit in one.edits)
    words = set(re.findall(r"\w+", replaced))
    for statement in module.tree.body:
        if not isinstance(statement, ast.Import | ast.ImportFrom) or module.indent(statement) is None:
            continue
        span = (module.line_start(statement.lineno), module.line_start((statement.end_lineno or 0) + 1))
        for alias in statement.names:
            if local_name(alias) in words and alias.asname != alias.name and not has_comment(module, *span):
                yield statement, alias


def _takers(module: Module, alias: ast.alias, repairs: Sequence[Repair]) -> list[Repair]:
    """The repairs that together remove every use of an imported name; empty when some use stays."""
    name = local_name(alias)
    bound = module.index.bindings[module.tree][name]
    mentioned = rf"\b{re.escape(name)}\b"
    if len(bound) != 1 or any(
        isinstance(one.value, str) and re.search(mentioned, one.value) for one in module.nodes(ast.Constant)
    ):
        return []
    takers: list[Repair] = []
    for node in module.index.scopes:
        if isinstance(node, ast.Name) and node.id == name:
            start = module.start(node)
            taker = next((one for one in repairs if _takes(one, start, mentioned)), None)
            if taker is None or module.text(node) != name:
                return []
            if taker not in takers:
                takers.append(taker)
    return takers


def _takes(repair: Repair, start: int, mentioned: str) -> bool:
    return any(edit.start <= start < edit.end for edit in repair.edits) and not any(
        re.search(rf"(?<!\.){mentioned}", edit.text) for edit in repair.edits
    )


def _join(repairs: Sequence[Repair]) -> Repair:
    first = repairs[0]
    more = f" (and {len(repairs) - 1} more)" if len(repairs) > 1 else ""
    return first.model_copy(
        update={
            "safety": min((one.safety for one in repairs), key=WEAKEST_FIRST.index),
            "issues": tuple(issue for one in repairs for issue in one.issues),
            "faults": tuple(fault for one in repairs for fault in one.faults),
            "edits": tuple(dict.fromkeys(edit for one in repairs for edit in one.edits)),
            "summary": first.summary + more,
        }
    )


def _without(
    module: Module, statement: ImportStatement, alias: ast.alias, edits: tuple[Edit, ...]
) -> tuple[Edit, ...] | None:
    beside = [edit for edit in edits if edit.start == edit.end in (module.start(alias), module.end(alias))]
    others = tuple(edit for edit in edits if edit not in beside)
    if beside:
        return (
            (*others, replace_name(module, statement, alias, beside[0].text.strip(", \r\n\t")))
            if len(beside) == 1
            else None
        )
    removal = remove_names(module, statement, [alias], edits)
    inside = any(one.start < edit.start < one.end for one in removal for edit in edits)
    return None if inside else (*edits, *removal)
