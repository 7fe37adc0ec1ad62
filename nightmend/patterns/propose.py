import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence

from nightmend.issue import Finding, Issue
from nightmend.patterns.leftover import take_dead_imports
from nightmend.patterns.loader import code_of
from nightmend.patterns.pattern import Pattern
from nightmend.patterns.source import Fault, Module
from nightmend.patterns.suppress import suppressed
from nightmend.repairs.repair import Edit, Repair, Safety, repair_id

DETECTOR = "nightmend"


def find_faults(module: Module, patterns: Iterable[Pattern] | Mapping[str, Pattern]) -> list[Finding]:
    """Find what the patterns with code of their own see in a module; silenced places are left out."""
    chosen = patterns.values() if isinstance(patterns, Mapping) else patterns
    return [
        _finding(module, pattern, fault)
        for pattern in chosen
        if pattern.code is not None
        for fault in _faults(module, pattern)
    ]


def propose(module: Module, pattern: Pattern, issues: Sequence[Issue]) -> list[Repair]:
    """Return one repair for each fault that one of the issues names and the pattern is certain about."""
    if pattern.code is None:
        return [
            repair
            for repair in propose_linter_fixes(issues, [pattern])
            if repair.pattern == pattern.name and repair.paths == (module.path,)
        ]
    mine = [issue for issue in issues if issue.fault == pattern.name and issue.path == module.path]
    repairs = []
    for fault in _faults(module, pattern) if mine else ():
        claimed = _claimed(module, fault, mine)
        edits = code_of(pattern).rewrite(module, fault) if claimed else None
        if edits:
            repairs.append(_repair(module, pattern, fault, claimed, edits))
    return take_dead_imports(module, repairs)


def propose_linter_fixes(
    issues: Iterable[Issue], patterns: Iterable[Pattern] | Mapping[str, Pattern] = (), *, unsafe: bool = False
) -> list[Repair]:
    """Turn the fix that a linter offers for an issue into a repair; its unsafe ones only when asked.

    The repair bears the name of the pattern that takes the rule, else `ruff-<rule>`. A fault for which a
    pattern has code is left to that code: it knows more than the linter.
    """
    chosen = list(patterns.values() if isinstance(patterns, Mapping) else patterns)
    owned = {pattern.name for pattern in chosen if pattern.code}
    by_rule = {f"ruff:{pattern.rewrite.ruff}": pattern for pattern in chosen if pattern.rewrite.ruff}
    repairs: dict[str, Repair] = {}
    for issue in issues:
        rule = next((rule for rule in issue.rules if rule.startswith("ruff:")), None)
        if (
            rule is None
            or issue.fault in owned
            or not issue.fix
            or (issue.fix_safety != "safe" and not unsafe)
        ):
            continue
        pattern = by_rule.get(rule)
        repair = _linter_repair(issue, rule, pattern)
        repairs[repair.id] = _with_issue(repairs.get(repair.id, repair), issue)
    return list(repairs.values())


def _with_issue(repair: Repair, issue: Issue) -> Repair:
    """One fix may resolve several issues: two unused names of one import."""
    if issue.fingerprint in repair.issues:
        return repair
    claims = {"issues": (*repair.issues, issue.fingerprint), "faults": (*repair.faults, issue.fault)}
    return repair.model_copy(update=claims)


def _linter_repair(issue: Issue, rule: str, pattern: Pattern | None) -> Repair:
    name = pattern.name if pattern else rule.replace(":", "-")
    label: Safety = "safe" if issue.fix_safety == "safe" else "needs-tests"
    return Repair(
        id=repair_id(name, issue.fix),
        agent=pattern.agent if pattern else issue.agent,
        pattern=name,
        safety=pattern.safety if pattern and label == "safe" else label,
        issues=(issue.fingerprint,),
        faults=(issue.fault,),
        edits=issue.fix,
        line=issue.line,
        summary=issue.message,
    )


def _faults(module: Module, pattern: Pattern) -> Iterator[Fault]:
    if module.floor < (3, 0):
        return
    for fault in code_of(pattern).find(module):
        first, last = _lines(fault.node)
        if not suppressed(module, pattern, first, last):
            yield fault


def _lines(node: ast.AST) -> tuple[int, int]:
    """The lines that a reader would call the fault's: of a compound statement only its head."""
    first: int = node.lineno  # type: ignore[attr-defined]
    last: int = node.end_lineno  # type: ignore[attr-defined]
    body = getattr(node, "body", None)
    if isinstance(body, list) and body:
        last = max(first, body[0].lineno - 1)
    return first, last


def _finding(module: Module, pattern: Pattern, fault: Fault) -> Finding:
    first, last = _lines(fault.node)
    return Finding(
        detector=DETECTOR,
        rule=pattern.name,
        path=module.path,
        line=first,
        column=_column(module, fault.node),
        end_line=last,
        message=fault.message,
    )


def _column(module: Module, node: ast.AST) -> int:
    """Characters, not bytes, from the start of the line, counted from 1."""
    line: int = node.lineno  # type: ignore[attr-defined]
    return len(module.between(module.line_start(line), module.start(node))) + 1


def _claimed(module: Module, fault: Fault, issues: Sequence[Issue]) -> list[Issue]:
    """The issues on the fault's first line; of several on that line, those in its column."""
    claimed = [issue for node in (fault.node, *fault.places) for issue in _at(module, node, issues)]
    return list({issue.fingerprint: issue for issue in claimed}.values())


def _at(module: Module, node: ast.AST, issues: Sequence[Issue]) -> list[Issue]:
    line: int = node.lineno  # type: ignore[attr-defined]
    here = [issue for issue in issues if issue.line == line]
    return [issue for issue in here if issue.column == _column(module, node)] or here


def _repair(
    module: Module, pattern: Pattern, fault: Fault, issues: Sequence[Issue], edits: Sequence[Edit]
) -> Repair:
    return Repair(
        id=repair_id(pattern.name, edits),
        agent=pattern.agent,
        pattern=pattern.name,
        safety=fault.safety or pattern.safety,
        issues=tuple(issue.fingerprint for issue in issues),
        faults=tuple(issue.fault for issue in issues),
        edits=tuple(edits),
        line=fault.node.lineno,  # type: ignore[attr-defined]
        summary=fault.message,
        gives_way_to=pattern.gives_way_to,
        claims_speed=pattern.claims_speed,
    )
